# SPDX-License-Identifier: Apache-2.0
"""What documents say and the program knows better: made from the program, and compared with what stands.

A document holds a block between `<!-- generated NAME -->` and `<!-- /generated -->`. `python -m
tests.docs.regenerate` fills every block; `test_docs.py` fails when one is not what it would be.
"""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import typer
from fastapi import FastAPI

from openpars import cli
from openpars.accounts.keys import StaffRole
from openpars.agreements.ballots import Choice, Question
from openpars.agreements.language.canonical import CJIS_TOPICS
from openpars.agreements.language.words import ENGLISH
from openpars.agreements.model import BarKind, Silence, Way
from openpars.agreements.proofs.properties import DEFAULT, WITH_WORD, fixed
from openpars.agreements.votes.readings import RuleReading
from openpars.city.scenario import Shield, Told
from openpars.desk.reading import Queue
from openpars.desk.room import MAY
from openpars.errors import STATUS, TITLE, Code
from openpars.log.leaf import SCHEMAS
from openpars.record.catalogue import CRITERIA, FIELDS
from openpars.record.fields import Field, Precision, Sensitivity
from openpars.record.file import BailType, Custody, Role, Seal, Stage
from openpars.record.forms import Act
from openpars.record.rules import State
from openpars.settings import Settings
from openpars.web import desk_app, door_app

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "openpars"
BLOCK = re.compile(r"(<!-- generated ([a-z. _-]+) -->\n).*?(<!-- /generated -->)", re.DOTALL)

# Order in which a fact travels; what is not named here follows in the order of the alphabet.
ORDER: Mapping[str, tuple[str, ...]] = {
    "db": ("embedded", "privilege", "floor", "migrate", "connect", "sql", "literals", "bell"),
    "log": (
        "draft", "leaf", "seal", "merkle", "note", "proof", "tiles", "check",
        "keys", "writer", "stored", "head", "pending", "serve", "mirror",
    ),
    "record": (
        "file", "forms", "pack", "rules", "acts", "disposing", "correcting", "checks", "values", "names",
        "languages", "fields", "catalogue",
        "store", "codec", "vault", "identity", "lookup", "bulk",
    ),
    "agreements.language": (
        "text", "reader", "lines", "faults", "grants", "term", "organisations", "canonical", "plain",
    ),
    "agreements.votes": ("rounds", "ballot_box", "voting", "ballot_keys", "readings"),
    "agreements.letters": ("wording", "correspondence", "filed", "typeset"),
    "agreements.replay": ("sight", "judge", "refusals", "tally"),
    "agreements.odrl": ("writer", "reader"),
    "agreements.proofs": (
        "formula", "vocabulary", "encode", "atoms", "exposure", "abstract", "properties", "solve", "proving",
        "standard", "invented", "witness", "asked", "words", "certificate", "clauses", "difference",
        "changes",
    ),
    "shares": ("tables", "keys", "rows", "writes", "enact", "keep", "sweep", "fence"),
    "disclosure": ("request", "register", "checks", "clock", "pools", "gate"),
    "alerts": ("subscriptions", "match", "dispatch", "envelope", "streams", "fence"),
    "desk": ("room", "transact", "police", "charging", "court", "records", "solicitor", "reading", "view"),
    "feeds": (
        "table", "columns", "mend", "values", "filings", "filings_report", "quarantine", "changes",
        "sequence", "memory", "listed", "replay", "act",
    ),
    "city": ("generate", "days", "people", "lives", "bail", "draw", "tables", "agreed", "load", "check",
             "examples", "scenario", "daily", "scenario_checks", "scenario_result"),
    "web": (
        "auth", "respond", "intake", "shapes", "desk_app", "desk", "agreements", "door_app", "recipient",
        "logs", "proxy", "desk_line",
    ),
    "cli": (
        "up", "supervise", "serve", "place", "demo", "doctor", "keys", "agreement", "imports", "log",
        "scenario", "say",
    ),
}  # fmt: skip

# A package too large to read as one list: what to look for -> its modules in the order of use. Each module
# stands under exactly one heading (`test_docs.py`).
GROUPS: Mapping[str, Mapping[str, tuple[str, ...]]] = {
    "agreements": {
        "What is agreed, and by whom": ("model", "ballots"),
        "What may be in a text": ("check", "findable", "emptied", "foreseen"),
        "What it gives": ("bars", "switches", "project", "reasons"),
        "Its life in the register": (
            "register", "life", "notice", "warnings", "barring", "timeline",
        ),
        "Proofs kept, and everything counted again": ("certified", "audit"),
    },
}  # fmt: skip


# ---------------------------------------------------------------------- the command line


def commands() -> Iterator[tuple[str, Any]]:
    """Every command a person may call, with its full name, in the order of the program's own list."""
    root: Any = typer.main.get_command(cli.app)
    yield from _walk("openpars", root)


def _walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
    yield name, command
    children = getattr(command, "list_commands", None)
    for child in children(None) if children is not None else ():
        below = command.get_command(None, child)
        if not below.hidden:
            yield from _walk(f"{name} {child}", below)


def _parameter(one: Any) -> str:
    names = ", ".join(f"`{name}`" for name in one.opts)
    if one.param_type_name == "argument":
        names = f"`{one.name.upper()}`"
    kind = one.type_descriptor.annotation
    choices = list(kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else []
    allowed = f"One of {', '.join(f'`{choice.value}`' for choice in choices)}." if choices else ""
    default = one.default if isinstance(one.default, str | int | float | Path) else None
    shown = "" if default is None or isinstance(default, bool) else f" Usually `{_plain(default)}`."
    said = " ".join((getattr(one, "help", None) or "").split())
    return f"| {names} | {'yes' if one.required else ''} | {_cell(f'{said} {allowed}'.strip() + shown)} |"


def _plain(value: object) -> object:
    return value.value if isinstance(value, StrEnum) else value


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def cli_help() -> str:
    """Each command with its sentence, its arguments and its options."""
    parts = []
    for name, command in commands():
        said = (command.help or "").strip()
        rows = [
            _parameter(one)
            for one in command.params
            if one.name not in {"help", "install_completion", "show_completion"}
        ]
        table = ["", "| | needed | |", "|---|---|---|", *rows] if rows else []
        parts.append("\n".join([f"### `{name}`", "", said, *table]))
    return "\n\n".join(parts)


# ---------------------------------------------------------------------- HTTP


def applications() -> tuple[FastAPI, FastAPI]:
    """The two processes' applications, not started: the door's and the desks'."""
    nowhere = Settings(data_dir=Path("nowhere"))
    return door_app.create_app(nowhere), desk_app.create_app(nowhere)


def routes(application: FastAPI) -> Iterator[Any]:
    """Every route of an application, those of included routers too."""
    for one in application.routes:
        inner = getattr(one, "original_router", None)
        yield from (one,) if inner is None else inner.routes


def route_table(application: FastAPI, *prefixes: str) -> str:
    """Method, path and the handler's own first sentence."""
    rows = ["| | | |", "|---|---|---|"]
    for one in routes(application):
        if not one.path.startswith(prefixes) or one.path == "/{path:path}":
            continue
        methods = ", ".join(sorted(set(one.methods) - {"HEAD"}))
        rows.append(f"| {methods} | `{one.path}` | {_cell(_sentence(one.endpoint.__doc__))} |")
    # A busy address may be routed twice: once past the framework, once for the OpenAPI text.
    return "\n".join(dict.fromkeys(rows))


def _sentence(docstring: str | None) -> str:
    return " ".join((docstring or "").split("\n\n")[0].split())


def bodies(application: FastAPI) -> str:
    """What each desk route reads, from the schema it publishes. A star: required."""
    found = []
    for path, methods in application.openapi()["paths"].items():
        body = methods.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json")
        if body is not None:
            found.append(f"- `POST {path}`: {_object(body['schema'])}")
    return "\n".join(found)


def _object(schema: Mapping[str, Any]) -> str:
    needed = schema.get("required", [])
    return ", ".join(
        f"`{name}`{'*' if name in needed else ''}{_inside(one)}" for name, one in schema["properties"].items()
    )


def _inside(schema: Mapping[str, Any]) -> str:
    kinds = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    kind: Mapping[str, Any] = kinds[0] if kinds else {}
    if "enum" in kind:
        return f" ({', '.join(kind['enum'])})"
    if "properties" in kind:
        return f" {{ {_object(kind)} }}"
    if kind.get("type") == "array":
        return f" [{_inside(kind['items']).strip() or 'texts'}]"
    return {"integer": " (whole number)", "boolean": " (true or false)"}.get(str(kind.get("type")), "")


def problems() -> str:
    """The closed list of problem codes."""
    rows = ["| code | status | title |", "|---|---|---|"]
    rows += [f"| `{code.value}` | {STATUS[code]} | {TITLE[code]} |" for code in Code]
    return "\n".join(rows)


# ---------------------------------------------------------------------- the language


def _precision(one: Precision, field: Field) -> str:
    tells = []
    if one.proxy_for:
        tells.append(f"tells {_labels(one.proxy_for)}")
    if one.hints_at:
        tells.append(f"hints at {_labels(one.hints_at)}")
    return f"`{one.name}`: {one.meaning}" + (f" ({'; '.join(tells)})" if tells else "")


def _labels(names: Iterable[str]) -> str:
    return ", ".join(FIELDS[name].label for name in names)


def fields() -> str:
    """The catalogue of fields."""
    rows = ["| field | what it is | shown as | may be a key | about | |", "|---|---|---|---|---|---|"]
    for field in FIELDS.values():
        key = "alone" if field.identifier else "with another" if field.key else ""
        about = "anyone" if len(field.roles) == len(Role) else "arrestee"
        shown = "<br>".join(_precision(one, field) for one in field.precisions)
        rows.append(
            f"| `{field.name}` | {field.meaning} | {shown} | {key} | {about} | {field.sensitivity.value} |"
        )
    return "\n".join(rows)


def criteria() -> str:
    """The catalogue of row conditions and alert criteria."""
    rows = ["| criterion | what it is | in `when` | in `alert_by` | values |", "|---|---|---|---|---|"]
    for one in CRITERIA.values():
        values = ", ".join(f"`{value}`" for value in one.values) or (
            f"`{one.pattern}`" if one.pattern else "any"
        )
        condition, alert = ("yes" if one.condition else ""), ("yes" if one.alert else "")
        rows.append(f"| `{one.name}` | {one.label} | {condition} | {alert} | {values} |")
    rows.append("| `arrested_within_days` | at most so many days since the arrest | yes | | a whole number |")
    rows.append("| `arrested_from` | the first day of arrest, in the zone of the term | yes | | a date |")
    rows.append("| `arrested_through` | the last day of arrest, in the zone of the term | yes | | a date |")
    return "\n".join(rows)


def bars() -> str:
    """The bars of the jurisdiction pack."""
    path = PACKAGE / "jurisdictions" / "philadelphia" / "bars.toml"
    rows = ["| bar | holds | from | against | standing |", "|---|---|---|---|---|"]
    for one in tomllib.loads(path.read_text("utf-8"))["bar"]:
        on = "once it is switched on" if one.get("switchable") else "always"
        label = f" ({one['label']})" if "label" in one else ""
        against = "everybody" if one["classes"] == ["*"] else ", ".join(one["classes"])
        since = one.get("from", "always")
        rows.append(
            f"| `{one['id']}`: {_cell(one['title'])}{label} | {on} | {since} | {against} "
            f"| {one['standing']} |"
        )
    return "\n".join(rows)


def topics() -> str:
    """The topics of `[cjis]`."""
    return ", ".join(f"`{topic}`" for topic in CJIS_TOPICS) + "."


def example() -> str:
    """A whole agreement that ships with the program."""
    text = (ROOT / "examples" / "agreements" / "ice-felony-warrant.toml").read_text("utf-8")
    return f"```toml\n{text.strip()}\n```"


# ---------------------------------------------------------------------- words and modules


def _checked(schema: str, column: str) -> list[str]:
    """The words of a CHECK (column IN (...)) in a schema file: the second closed list beside the enums."""
    text = (PACKAGE / schema / "schema.sql").read_text("utf-8")
    found = re.findall(rf"\b{column}\s+text NOT NULL CHECK \({column} IN\s*\(([^)]*)\)", text)
    return list(dict.fromkeys(word for group in found for word in re.findall(r"'([^']+)'", group)))


def vocabularies() -> dict[str, list[str]]:
    """Every closed vocabulary, as the program spells it."""
    enums: dict[str, type[StrEnum]] = {
        "staff role": StaffRole, "role in an arrest": Role, "stage of a charge": Stage,
        "type of bail": BailType, "custody": Custody, "seal of a file": Seal, "state of a file": State,
        "act": Act, "queue": Queue, "way": Way, "silence": Silence, "kind of bar": BarKind,
        "question of a ballot": Question, "choice of a ballot": Choice,
        "reading of a disputed rule": RuleReading, "reading of the shield": Shield,
        "what is told of a renewal": Told,
        "sensitivity of a field": Sensitivity,
    }  # fmt: skip
    found = {name: [one.value for one in words] for name, words in enums.items()}
    found["state of a version"] = _checked("agreements", "state")
    found["event of an agreement"] = _checked("agreements", "what")
    found["state of a share"] = _checked("shares", "state")
    found["standing of a docket"] = _checked("feeds", "standing")
    found["kind of alert"] = _checked("alerts", "kind")
    for tree, kinds in SCHEMAS.items():
        found[f"kind of entry, {tree}"] = list(kinds)
    return found


def words() -> str:
    """The closed vocabularies as a table."""
    rows = ["| vocabulary | its words |", "|---|---|"]
    rows += [f"| {name} | {', '.join(f'`{word}`' for word in one)} |" for name, one in vocabularies().items()]
    return "\n".join(rows)


def properties() -> str:
    """Every property that `prove` knows, and whether it asks it unasked."""
    rows = ["| property | says | asked when none is named |", "|---|---|---|"]
    rows += [
        f"| `{one.name}` | {one.says(ENGLISH)} | {'yes' if one.name in DEFAULT else ''} |" for one in fixed()
    ]
    rows += [f"| `{name}` | {says} | |" for name, says in WITH_WORD.items()]
    return "\n".join(rows)


def rights() -> str:
    """Which role does which act."""
    rows = ["| act | done by |", "|---|---|"]
    rows += [f"| `{act.value}` | {', '.join(sorted(roles))} |" for act, roles in MAY.items()]
    return "\n".join(rows)


def packages() -> list[str]:
    """Every package of the program."""
    return sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))


def modules(package: str) -> str:
    """Each module with the first sentence of its docstring, under headings where there are many."""
    known = module_files(package)
    if package in GROUPS:
        parts = (f"{title}:\n\n{_lines(known, names)}" for title, names in GROUPS[package].items())
        return "\n\n".join(parts)
    order = [name for name in ORDER.get(package, ()) if name in known]
    return _lines(known, (*order, *(name for name in known if name not in order)))


def module_files(package: str) -> dict[str, Path]:
    """A package's own modules by name."""
    folder = PACKAGE.joinpath(*package.split("."))
    return {path.stem: path for path in sorted(folder.glob("*.py")) if not path.stem.startswith("__")}


def _lines(known: Mapping[str, Path], names: Iterable[str]) -> str:
    return "\n".join(f"- `{name}`: {_opening(known[name])}" for name in names)


def _opening(path: Path) -> str:
    said = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    first = " ".join(said.split("\n\n")[0].split())
    return re.split(r"(?<=[.!?:])\s", first)[0].rstrip(":")


# ---------------------------------------------------------------------- blocks


def block(name: str) -> str:
    """What stands in the block of this name. Raises KeyError for a name nobody knows."""
    if name.startswith("modules "):
        return modules(name.removeprefix("modules "))
    door, desks = applications()
    made: dict[str, Callable[[], str]] = {
        "cli": cli_help,
        "problems": problems,
        "routes recipients": lambda: route_table(door, "/v1"),
        "routes log": lambda: route_table(door, "/log"),
        "routes desks": lambda: route_table(desks, "/desk/arrests", "/desk/dockets", "/desk/queue"),
        "routes agreements": lambda: route_table(desks, "/agreements", "/bars"),
        "routes pages": lambda: _pages(door, desks),
        "bodies": lambda: bodies(desks),
        "fields": fields,
        "criteria": criteria,
        "bars": bars,
        "topics": topics,
        "example": example,
        "words": words,
        "rights": rights,
        "properties": properties,
    }
    return made[name]()


def _pages(door: FastAPI, desks: FastAPI) -> str:
    machine = ("/v1", "/log", "/agreements", "/bars", "/desk/arrests", "/desk/dockets", "/desk/queue")
    rows = []
    for application in (door, desks):
        for one in routes(application):
            if one.path.startswith(machine) or one.path == "/{path:path}":
                continue
            methods = ", ".join(sorted(set(one.methods) - {"HEAD"}))
            rows.append(f"`{methods} {one.path}`")
    return ", ".join(rows) + "."


def documents() -> list[Path]:
    """Every document that this project's founders write by hand."""
    return sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("**/*.md")])


def filled(text: str) -> str:
    """A document with every generated block made anew."""
    return BLOCK.sub(lambda found: f"{found[1]}{block(found[2])}\n{found[3]}", text)
