# SPDX-License-Identifier: Apache-2.0
"""An agreement as an ODRL 2.2 policy with DPV purposes, in JSON-LD: written for others, never obeyed here.

What ODRL cannot say stands in terms of our own (`PROFILE`, docs/odrl.md), and the document says which. The
contexts are named and never fetched. `odrl_reader` gives the agreement back; equal ones give equal bytes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeAlias

from openpars.agreements.model import Agreement, Bar, BarKind, Grant, Version, Way, When
from openpars.record.catalogue import instant

JSON: TypeAlias = "dict[str, JSON] | list[JSON] | str | int | bool | None"

PROFILE = "https://openpars.org/odrl#"
CONTEXT: list[JSON] = [
    "http://www.w3.org/ns/odrl.jsonld",
    {
        "dct": "http://purl.org/dc/terms/",
        "dpv": "https://w3id.org/dpv#",
        "rdf": "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
        "sector-law": "https://w3id.org/dpv/sector/law#",
        "skos": "http://www.w3.org/2004/02/skos/core#",
        "xsd": "http://www.w3.org/2001/XMLSchema#",
        "openpars": PROFILE,
    },
]

# The nearest word of DPV for purposes that our own texts use. A purpose is the parties' own code: the
# nearest word is a help for readers and takes nothing away from the code.
PURPOSES: Mapping[str, str] = MappingProxyType(
    {
        "felony-warrant": "sector-law:CrimeArrestDetention",
        "immigration-enforcement": "sector-law:LawEnforcement",
        "representation": "sector-law:JusticeManagement",
    }
)
ACTIONS: Mapping[Way, str] = MappingProxyType(
    {Way.SEARCH: "read", Way.ALERT: "stream", Way.EXPORT: "extract"}
)

UNSAID = (
    "Deny by default. ODRL leaves open what an unmentioned action is; here it is refused.",
    "Precision: a field shown only in part (openpars:show). ODRL grants or refuses a whole asset.",
    "Keys apart from fields: by what a record may be found (openpars:findBy) is not what is shown.",
    "Conditions on charges must hold for one and the same charge (openpars:oneCharge).",
    "Bars are prohibitions above any vote, each from its own day. ODRL has no ranks of policies.",
    "Ballots: who decides, by which rule, what silence means (openpars:decision). Notice (openpars:term).",
    "Limits are counted by key and civil day (openpars:limits). ODRL's count has no day and no key.",
    "The log, receipts, the fence at an end: how this is enforced is no matter of a policy.",
)
"""What ODRL 2.2 cannot say, in the document itself."""


def odrl(version: Version) -> dict[str, JSON]:
    """The policy as JSON-LD."""
    agreement = version.agreement
    head: dict[str, JSON] = {
        "@context": CONTEXT,
        "@type": "Agreement",
        "uid": f"urn:openpars:agreement:{agreement.id}:sha256:{version.hash}",
        "profile": PROFILE,
        "conflict": "prohibit",
        "dct:title": agreement.title,
        "dpv:hasLegalBasis": agreement.legal_basis,
        "assigner": _party("provider", agreement.provider),
        "assignee": _party("recipient", agreement.recipient),
        "openpars:organisations": [
            {"uid": _organisation(one.id), "openpars:name": one.name, "openpars:under": one.under}
            for one in agreement.organisations
        ],
        "permission": [_permission(agreement, grant) for grant in agreement.grants],
        "prohibition": [_prohibition(bar, agreement) for bar in version.bars],
        "obligation": _obligations(agreement),
    }
    return {name: value for name, value in {**head, **_own(agreement)}.items() if value is not None}


def odrl_text(version: Version) -> str:
    """The policy as text: the same bytes for the same version."""
    return json.dumps(odrl(version), indent=1, ensure_ascii=False) + "\n"


def _party(kind: str, name: str) -> str:
    return f"urn:openpars:{kind}:{name}"


def _organisation(name: str) -> str:
    return _party("organisation", name)


def _typed(value: str, kind: str) -> JSON:
    return {"@value": value, "@type": f"xsd:{kind}"}


def _constraint(left: str, operator: str, right: JSON) -> JSON:
    return {"leftOperand": left, "operator": operator, "rightOperand": right}


def _purpose(code: str) -> JSON:
    return {
        "@id": f"urn:openpars:purpose:{code}",
        "@type": "dpv:Purpose",
        "skos:broader": {"@id": PURPOSES.get(code, "dpv:Purpose")},
    }


def _permission(agreement: Agreement, grant: Grant) -> JSON:
    duty: list[JSON] = []
    if agreement.duties.case_number_required:
        duty = [{"action": "openpars:stateCaseNumber"}]
    return {
        "uid": f"urn:openpars:grant:{grant.number}",
        "target": {
            "@type": "AssetCollection",
            "source": f"urn:openpars:record:{agreement.provider}",
            "refinement": [_constraint("openpars:role", "eq", grant.about.value), *_when(grant.when)],
            "openpars:show": [
                {"openpars:field": name, "openpars:precision": precision} for name, precision in grant.show
            ],
        },
        "action": [ACTIONS[way] for way in Way if way in grant.ways],
        "constraint": [
            _constraint("purpose", "isAnyOf", [_purpose(code) for code in grant.purposes]),
            _constraint("dateTime", "gteq", _typed(instant(agreement.term.begins), "dateTime")),
            _constraint("dateTime", "lt", _typed(instant(agreement.term.ends), "dateTime")),
        ],
        "duty": duty,
        "openpars:findBy": {"@list": [{"@list": list(fields)} for fields in grant.find_by]},
        "openpars:alertBy": list(grant.alert_by),
        "openpars:alertAll": grant.alert_all,
    }


def _when(when: When) -> list[JSON]:
    found = [_constraint(f"openpars:{name}", "isAnyOf", list(values)) for name, values in when.isin]
    if when.arrested_within_days is not None:
        days = _typed(f"P{when.arrested_within_days}D", "duration")
        found.append(_constraint("openpars:sinceArrest", "lt", days))
    if when.arrested_from is not None:
        found.append(_constraint("openpars:arrestDay", "gteq", _typed(str(when.arrested_from), "date")))
    if when.arrested_through is not None:
        found.append(_constraint("openpars:arrestDay", "lteq", _typed(str(when.arrested_through), "date")))
    return found


def _prohibition(bar: Bar, agreement: Agreement) -> JSON:
    refinement: list[JSON] = []
    match bar.kind:
        case BarKind.ROLE:
            refinement = [_constraint("openpars:role", "isAnyOf", [role.value for role in bar.roles])]
        case BarKind.JUVENILE:
            refinement = [_constraint("openpars:ageAtArrest", "lt", _typed("18", "integer"))]
        case BarKind.SEAL:
            refinement = [_constraint("openpars:seal", "isAnyOf", [state.value for state in bar.states])]
        case BarKind.COMPARTMENT:
            refinement = [_constraint("openpars:compartment", "isAnyOf", list(bar.compartments))]
        case BarKind.FIELDS:
            refinement = [_constraint("openpars:field", "isAnyOf", list(bar.fields))]
        case BarKind.EVERYTHING:
            pass
    since = [] if bar.begins is None else [("gteq", bar.begins)]
    until = [] if bar.ends is None else [("lt", bar.ends)]
    return {
        "uid": f"urn:openpars:bar:{bar.id}",
        "dct:title": bar.title,
        "dct:source": bar.citation,
        "target": {
            "@type": "AssetCollection",
            "source": f"urn:openpars:record:{agreement.provider}",
            "refinement": refinement,
        },
        "action": "use",
        "constraint": [
            _constraint("dateTime", operator, _typed(instant(at), "dateTime"))
            for operator, at in (*since, *until)
        ],
        "openpars:standing": bar.standing,
        "openpars:checked": bar.checked,
    }


def _obligations(agreement: Agreement) -> list[JSON]:
    duties = agreement.duties
    found: list[JSON] = []
    if duties.report_outcome_within_days is not None:
        found.append(_within("inform", "openpars:answered", duties.report_outcome_within_days))
    if duties.destroy_when_withdrawn_within_days is not None:
        found.append(_within("delete", "openpars:withdrawn", duties.destroy_when_withdrawn_within_days))
    if agreement.fee_per_year is not None:
        amount = _typed(str(agreement.fee_per_year), "decimal")
        pay = {
            "leftOperand": "payAmount",
            "operator": "eq",
            "rightOperand": amount,
            "unit": "urn:iso:4217:USD",
        }
        each = _constraint("timeInterval", "eq", _typed("P1Y", "duration"))
        found.append({"action": [{"rdf:value": {"@id": "odrl:compensate"}, "refinement": [pay, each]}]})
    return found


def _within(action: str, event: str, days: int) -> JSON:
    return {
        "action": action,
        "constraint": [
            _constraint("event", "eq", {"@id": event}),
            _constraint("elapsedTime", "lteq", _typed(f"P{days}D", "duration")),
        ],
    }


def _own(agreement: Agreement) -> dict[str, JSON]:
    """What only our profile can say."""
    term, decision = agreement.term, agreement.decision
    return {
        "openpars:term": {
            "openpars:zone": term.zone,
            "openpars:fromDay": None if term.from_day is None else str(term.from_day),
            "openpars:throughDay": None if term.through_day is None else str(term.through_day),
            "openpars:noticeDays": term.notice_days,
        },
        "openpars:decision": {
            "openpars:stakeholders": list(decision.stakeholders),
            "openpars:enact": decision.enact,
            "openpars:renew": decision.renew,
            "openpars:end": decision.end,
            "openpars:amend": decision.amend,
            "openpars:silence": decision.silence.value,
        },
        "openpars:limits": {
            "openpars:resultsPerSearch": agreement.limits.results_per_search,
            "openpars:searchesPerUserPerDay": agreement.limits.searches_per_user_per_day,
        },
        "openpars:oneCharge": True,
        "openpars:cjis": [
            {"openpars:topic": topic, "openpars:clause": said} for topic, said in agreement.cjis
        ],
        "openpars:notSaidByODRL": list(UNSAID),
    }
