# SPDX-License-Identifier: Apache-2.0
"""Reading back what `odrl` writes, so that nothing of an agreement is lost on the way out. Pure.

It reads documents of our profile and no other ODRL. Whatever is missing or other than written is refused: an
agreement is what was voted on, and its hash stands in the document's `uid`.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from openpars.agreements.language.canonical import canonical, digest
from openpars.agreements.language.text import read
from openpars.agreements.model import (
    Agreement,
    Decision,
    Duties,
    Grant,
    Limits,
    Organisation,
    Silence,
    Term,
    When,
)
from openpars.agreements.odrl.writer import ACTIONS, PROFILE
from openpars.record.file import Role

_OURS = "openpars:"


class NotOurs(ValueError):
    """The document is not one that `odrl` wrote, or was changed since."""


def agreement_in(text: str) -> Agreement:
    """The agreement a policy was written from. Raises NotOurs.

    The hash is the document's own word, and anybody can compute one. So what was found goes through the
    parser of agreements, as every text does: an unknown word, or a value of another type, is no agreement.
    """
    try:
        found = json.loads(text)
        wanted = found["uid"]
        agreement = read(canonical(_agreement(found))).agreement
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, RecursionError):
        raise NotOurs("this is no policy of our profile") from None
    if agreement is None:
        raise NotOurs("the policy says what no agreement can say")
    if wanted != f"urn:openpars:agreement:{agreement.id}:sha256:{digest(agreement)}":
        raise NotOurs("the policy does not say what its hash says")
    return agreement


def _agreement(found: dict[str, Any]) -> Agreement:
    if found["profile"] != PROFILE or found["@type"] != "Agreement":
        raise NotOurs("another profile")
    grants = tuple(_grant(one, number) for number, one in enumerate(found["permission"], 1))
    return Agreement(
        id=found["uid"].split(":")[3],
        provider=_name(found["assigner"]),
        recipient=_name(found["assignee"]),
        title=found.get("dct:title"),
        legal_basis=found.get("dpv:hasLegalBasis"),
        fee_per_year=_fee(found["obligation"]),
        term=_term(found),
        decision=_decision(found[_OURS + "decision"]),
        grants=grants,
        limits=Limits(*(found[_OURS + "limits"][_OURS + name] for name in _LIMITS)),
        duties=_duties(found),
        cjis=tuple((one[_OURS + "topic"], one[_OURS + "clause"]) for one in found[_OURS + "cjis"]),
        organisations=tuple(
            Organisation(_name(one["uid"]), one[_OURS + "name"], one[_OURS + "under"])
            for one in found[_OURS + "organisations"]
        ),
    )


_LIMITS = ("resultsPerSearch", "searchesPerUserPerDay")


def _name(urn: str) -> str:
    return urn.split(":", 3)[3]


def _right(constraints: list[dict[str, Any]], left: str, operator: str | None = None) -> Any:
    for one in constraints:
        if one["leftOperand"] == left and operator in {None, one["operator"]}:
            value = one["rightOperand"]
            return value["@value"] if isinstance(value, dict) and "@value" in value else value
    return None


def _days(duration: str | None) -> int | None:
    return None if duration is None else int(duration.removeprefix("P").removesuffix("D"))


def _day(text: str | None) -> date | None:
    return None if text is None else date.fromisoformat(text)


def _term(found: dict[str, Any]) -> Term:
    said, constraints = found[_OURS + "term"], found["permission"][0]["constraint"]
    return Term(
        datetime.fromisoformat(_right(constraints, "dateTime", "gteq")),
        datetime.fromisoformat(_right(constraints, "dateTime", "lt")),
        said[_OURS + "zone"],
        _day(said[_OURS + "fromDay"]),
        _day(said[_OURS + "throughDay"]),
        said[_OURS + "noticeDays"],
    )


def _decision(said: dict[str, Any]) -> Decision:
    return Decision(
        stakeholders=tuple(said[_OURS + "stakeholders"]),
        enact=said[_OURS + "enact"],
        renew=said[_OURS + "renew"],
        end=said[_OURS + "end"],
        amend=said[_OURS + "amend"],
        silence=Silence(said[_OURS + "silence"]),
    )


def _grant(said: dict[str, Any], number: int) -> Grant:
    refinement = said["target"]["refinement"]
    ways = {action: way for way, action in ACTIONS.items()}
    return Grant(
        number=number,
        about=Role(_right(refinement, _OURS + "role")),
        purposes=tuple(_name(one["@id"]) for one in _right(said["constraint"], "purpose")),
        when=_when(refinement[1:]),
        show=tuple(
            (one[_OURS + "field"], one[_OURS + "precision"]) for one in said["target"][_OURS + "show"]
        ),
        find_by=tuple(tuple(one["@list"]) for one in said[_OURS + "findBy"]["@list"]),
        alert_by=tuple(said[_OURS + "alertBy"]),
        ways=frozenset(ways[action] for action in said["action"]),
        alert_all=said[_OURS + "alertAll"],
    )


_OF_TIME = frozenset({_OURS + "sinceArrest", _OURS + "arrestDay"})


def _when(refinement: list[dict[str, Any]]) -> When:
    return When(
        isin=tuple(
            (one["leftOperand"].removeprefix(_OURS), tuple(one["rightOperand"]))
            for one in refinement
            if one["leftOperand"] not in _OF_TIME
        ),
        arrested_within_days=_days(_right(refinement, _OURS + "sinceArrest")),
        arrested_from=_day(_right(refinement, _OURS + "arrestDay", "gteq")),
        arrested_through=_day(_right(refinement, _OURS + "arrestDay", "lteq")),
    )


def _duties(found: dict[str, Any]) -> Duties:
    within = {
        one["action"]: _days(_right(one["constraint"], "elapsedTime"))
        for one in found["obligation"]
        if isinstance(one["action"], str)
    }
    asked = [bool(one["duty"]) for one in found["permission"]]
    return Duties(asked[0], within.get("inform"), within.get("delete"))


def _fee(obligations: list[dict[str, Any]]) -> int | None:
    for one in obligations:
        if not isinstance(one["action"], str):
            return int(_right(one["action"][0]["refinement"], "payAmount"))
    return None
