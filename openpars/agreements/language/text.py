# SPDX-License-Identifier: Apache-2.0
"""From the text of an agreement to its value: strict, closed, every fault with its line.

Deny by default: an unknown word is an error, never an absence. The text is a contract that people read
and a machine obeys, so it may hold no character that shows one thing and says another.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass

from openpars.agreements.language.alike import unseen
from openpars.agreements.language.canonical import CJIS_TOPICS
from openpars.agreements.language.faults import Fault, Severity, nearest
from openpars.agreements.language.grants import read_grants
from openpars.agreements.language.lines import LineIndex
from openpars.agreements.language.organisations import read_organisations
from openpars.agreements.language.reader import Source, Table
from openpars.agreements.language.term import read_term
from openpars.agreements.model import DAYS_TO_VOTE, Agreement, Decision, Duties, Limits, Silence

SIZE_LIMIT = 512 * 1024  # bytes of text
LINE_LIMIT = 4000  # characters of one line: a key of many dots costs the square of its length to read
_TABLES = ("agreement", "organisation", "term", "decision", "grant", "limits", "duties", "cjis")
_RULE = re.compile(r"([1-9]) of ([1-9])")


@dataclass(frozen=True, slots=True)
class Reading:
    """What reading a text gave: the agreement (None if any error), the faults, and where things stand."""

    file: str
    agreement: Agreement | None
    faults: tuple[Fault, ...]
    lines: LineIndex


def read(text: str | bytes, file: str = "agreement.toml") -> Reading:
    """Read a text. Never raises for what the text says; `file` only names it in the faults."""
    faults: list[Fault] = []
    clean = _clean(text, file, faults)
    values = {} if clean is None else _toml(clean, file, faults)
    lines = LineIndex(clean if clean is not None and not faults else "")
    agreement = None if faults else _agreement(Source(file, lines, faults), values)
    broken = any(fault.severity is Severity.ERROR for fault in faults)
    ordered = tuple(sorted(faults, key=lambda fault: fault.line))
    return Reading(file, None if broken else agreement, ordered, lines)


def _clean(text: str | bytes, file: str, faults: list[Fault]) -> str | None:
    def fault(message: str, line: int = 1) -> None:
        faults.append(Fault(file, line, Severity.ERROR, message))

    try:
        raw = text.encode() if isinstance(text, str) else text
        if len(raw) > SIZE_LIMIT:
            fault(f"the text is longer than {SIZE_LIMIT // 1024} KiB")
            return None
        decoded = raw.decode()
    except UnicodeError:
        fault("the text is not valid UTF-8")
        return None
    decoded = decoded.removeprefix("\ufeff").replace("\r\n", "\n")
    for number, line in enumerate(decoded.split("\n"), start=1):
        if len(line) > LINE_LIMIT:
            fault(f"this line is longer than {LINE_LIMIT} characters", number)
        # A bidirectional override or a letter without width lets a page show another agreement than
        # the one that is counted and obeyed, in comments too.
        if any(unseen(c) and c != "\t" for c in line):
            fault("an invisible or control character stands in this line", number)
    return decoded


def _toml(text: str, file: str, faults: list[Fault]) -> dict[str, object]:
    if faults:
        return {}
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        found = re.search(r"line ([0-9]+)", str(problem))
        line = int(found[1]) if found else text.count("\n") + 1
        # Only the parser's own words: after a colon or in quotes it may repeat the text. Its own signs are
        # none of the text's.
        said = re.match(r"(?:[^':]|'[]=,}]{1,2}')*", str(problem).split(" (at ")[0])
        reason = said[0].strip().lower() if said else ""
        faults.append(Fault(file, line, Severity.ERROR, f"this is not TOML: {reason[:80]}"))
    except (RecursionError, ValueError, OverflowError):
        faults.append(
            Fault(file, 1, Severity.ERROR, "this is not TOML: a value is nested or sized beyond reason")
        )
    return {}


def _agreement(source: Source, values: dict[str, object]) -> Agreement | None:
    top = Table(source, (), values)
    top.only(_TABLES)
    for name in ("agreement", "term", "decision"):
        if name not in values:
            top.fault(f"the table [{name}] is missing", None)
    head = Table.at(source, ("agreement",), values.get("agreement", {}))
    head.only(("id", "provider", "recipient", "title", "legal_basis", "fee_per_year"))
    term = read_term(Table.at(source, ("term",), values["term"])) if "term" in values else None
    decision = (
        _decision(Table.at(source, ("decision",), values["decision"])) if "decision" in values else None
    )
    grants = read_grants(source, values.get("grant"))
    limits = _limits(Table.at(source, ("limits",), values.get("limits", {})))
    duties = _duties(Table.at(source, ("duties",), values.get("duties", {})))
    cjis = _cjis(Table.at(source, ("cjis",), values.get("cjis", {})))
    title = head.string("title", required=False)
    basis = head.string("legal_basis", required=False)
    fee = head.maybe_integer("fee_per_year", low=0, high=100_000_000)
    identity = (
        [head.slug(key) for key in ("id", "provider", "recipient")] if "agreement" in values else [None]
    )
    organisations = read_organisations(source, values.get("organisation"), identity[-1])
    if term is None or decision is None or None in identity:
        return None
    name, provider, recipient = (str(part) for part in identity)
    return Agreement(
        id=name,
        provider=provider,
        recipient=recipient,
        title=title,
        legal_basis=basis,
        fee_per_year=fee,
        term=term,
        decision=decision,
        grants=grants,
        limits=limits,
        duties=duties,
        cjis=cjis,
        organisations=organisations,
    )


def _decision(table: Table) -> Decision | None:
    table.only(("stakeholders", "enact", "renew", "end", "amend", "silence", "days_to_vote"))
    stakeholders = table.strings("stakeholders", required=True)
    if len(stakeholders) > 9:
        table.fault("at most nine stakeholders", "stakeholders")
    rules = {key: _rule(table, key, len(stakeholders)) for key in ("enact", "renew", "end")}
    amend = _rule(table, "amend", len(stakeholders)) if "amend" in table.values else rules["enact"]
    silence = table.choice("silence", [word.value for word in Silence])
    days = table.integer("days_to_vote", low=1, high=366, default=DAYS_TO_VOTE)
    if silence is None or amend is None or None in rules.values():
        return None
    enact, renew, end = (str(rules[key]) for key in ("enact", "renew", "end"))
    return Decision(tuple(sorted(stakeholders)), enact, renew, end, amend, Silence(silence), days)


def _rule(table: Table, key: str, stakeholders: int) -> str | None:
    rule = table.string(key)
    if rule is None or rule == "consensus":
        return rule
    found = _RULE.fullmatch(rule)
    if found is None:
        table.fault(
            f'`{key}` must be "2 of 3" (so many votes of so many stakeholders) or "consensus"',
            key,
            nearest(rule, ["consensus"]),
        )
        return None
    if int(found[2]) != stakeholders or int(found[1]) > stakeholders:
        table.fault(
            f'`{key}` must count all stakeholders, as "{stakeholders // 2 + 1} of {stakeholders}"',
            key,
        )
        return None
    return rule


def _limits(table: Table) -> Limits:
    table.only(("results_per_search", "searches_per_user_per_day"))
    usual = Limits()
    return Limits(
        table.integer("results_per_search", low=1, high=100, default=usual.results_per_search),
        table.integer(
            "searches_per_user_per_day", low=1, high=10_000, default=usual.searches_per_user_per_day
        ),
    )


def _duties(table: Table) -> Duties:
    table.only(("case_number", "report_outcome_within_days", "destroy_when_withdrawn_within_days"))
    required = table.choice("case_number", ("required", "optional"), default="required") != "optional"
    return Duties(
        required,
        table.maybe_integer("report_outcome_within_days", low=1, high=3650),
        table.maybe_integer("destroy_when_withdrawn_within_days", low=1, high=3650),
    )


def _cjis(table: Table) -> tuple[tuple[str, str], ...]:
    table.only(CJIS_TOPICS)
    found = [(topic, table.string(topic)) for topic in CJIS_TOPICS if topic in table.values]
    return tuple((topic, clause) for topic, clause in found if clause is not None)
