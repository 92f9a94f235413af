# SPDX-License-Identifier: Apache-2.0
"""How a request comes to a desk: read strictly, or refused with the field and what would be right.

One function, `receive`, for every desk route: who asks, the body as one closed shape, the retry key and
the version. A refused request of a known role leaves a note in the acts log; no value of it does.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import TypeVar

from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response

from openpars.desk.room import Actor, Asked, Room
from openpars.desk.transact import Answer, note_refusal
from openpars.errors import Code, Refused, refuse
from openpars.record.checks import STATUS
from openpars.record.file import HOME
from openpars.record.pack import pack
from openpars.record.vault import held
from openpars.strict_json import BODY_LIMIT, read_object, shown
from openpars.web import auth, respond
from openpars.web.shapes import Shape

S = TypeVar("S", bound=Shape)

TEXT_LIMIT = 256 * 1024

_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)
_VERSION = re.compile(r'(?:W/)?"?([1-9][0-9]{0,8})"?', re.ASCII)

_SAYS: Mapping[str, str] = {
    "missing": "This is required.",
    "extra_forbidden": "There is no field of this name here.",
    "string_type": "A text.",
    "string_too_long": "This text is too long.",
    "int_type": "A whole number.",
    "int_from_float": "A whole number.",
    "greater_than_equal": "This number is out of range.",
    "less_than_equal": "This number is out of range.",
    "bool_type": "true or false.",
    "list_type": "A list.",
    "model_type": "An object.",
    "model_attributes_type": "An object.",
}


@dataclass(frozen=True, slots=True)
class Received:
    """A request at a desk, as far as every route needs it."""

    room: Room
    asked: Asked

    @property
    def actor(self) -> Actor:
        """Who asks."""
        return self.asked.actor


def room_of(request: Request) -> Room:
    """What `desk_app` opened for this process."""
    state = request.app.state
    return Room(
        pool=state.pool,
        owner=state.owner,
        keeper=state.keeper,
        share_keys=state.share_keys,
        bell=state.bell,
        key_store=state.key_store,
        pack=pack(HOME),
        demo=state.city.demo,
    )


def desk_route(
    handler: Callable[[Request], Awaitable[Response]],
) -> Callable[[Request], Awaitable[Response]]:
    """Answer every refusal of a handler as a problem, and note it when we know whose it is."""

    @wraps(handler)
    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Refused as problem:
            actor: Actor | None = getattr(request.state, "actor", None)
            if actor is not None and problem.refusal.status < 500:
                await note_refusal(room_of(request), actor, handler.__name__, problem.refusal)
            return respond.problem(problem.refusal)

    return answered


async def who(request: Request) -> Actor:
    """Who asks. Raises Refused UNAUTHENTICATED, INVALID."""
    staff = await auth.staff(request)
    if staff.user is not None and pack(HOME).names_status(staff.user):
        # It stands in every version this person writes: no place for a remark either.
        raise refuse(Code.INVALID, STATUS, "OpenPARS-User")
    actor = Actor(staff.role, staff.key_id, staff.user)
    request.state.actor = actor
    return actor


async def receive(request: Request, shape: type[S]) -> tuple[Received, S]:
    """Who asks, and a JSON body of this shape. Raises Refused."""
    actor = await who(request)
    _media(request, "application/json")
    body = await respond.body(request, BODY_LIMIT)
    read = parse(body, shape)
    return Received(room_of(request), _asked(request, actor, body)), read


async def receive_bytes(request: Request, media: str) -> tuple[Received, bytes]:
    """Who asks, and a body of another kind."""
    actor = await who(request)
    _media(request, media)
    body = await respond.body(request, TEXT_LIMIT)
    return Received(room_of(request), _asked(request, actor, body)), body


def _media(request: Request, wanted: str) -> None:
    # A form on another site can send texts and forms without asking the browser, but not this.
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given != wanted:
        raise refuse(Code.INVALID, f"Send the body as {wanted}.", "Content-Type")


def _asked(request: Request, actor: Actor, body: bytes) -> Asked:
    key = request.headers.get("idempotency-key")
    if key is not None and _KEY.fullmatch(key) is None:
        raise refuse(Code.INVALID, "1 to 200 visible ASCII characters.", "Idempotency-Key")
    expected = request.headers.get("if-match")
    version = None
    if expected is not None and expected.strip() != "*":
        found = _VERSION.fullmatch(expected.strip())
        if found is None:
            raise refuse(Code.INVALID, "The version number that the form was made from.", "If-Match")
        version = int(found[1])
    # The query too: `?closes=` is as much of a proposal as its text.
    place = f"{request.url.path}?{request.url.query}"
    whole = f"{request.method} {place} {hashlib.sha256(body).hexdigest()}"
    return Asked(actor, key, held().mark("request", whole), version)


def parse(body: bytes, shape: type[S]) -> S:
    """One JSON object of a shape. Raises Refused INVALID with the field as a dotted path."""
    content = read_object(body if body.strip() else b"{}")
    try:
        return shape.model_validate(content)
    except ValidationError as problems:
        raise _invalid(problems) from None


def _invalid(problems: ValidationError) -> Refused:
    first = problems.errors(include_url=False, include_context=True, include_input=False)[0]
    kind = str(first["type"])
    detail = _SAYS.get(kind, "This is not right.")
    if kind == "value_error":
        detail = str(first["ctx"]["error"])
    elif kind == "literal_error":
        detail = f"One of {first['ctx']['expected']}."
    path = ".".join(shown(part) for part in first["loc"])
    return refuse(Code.INVALID, detail, path or None)


def done(answer: Answer, **more: object) -> Response:
    """The answer, encoded once."""
    return respond.json({**answer.body, **more}, answer.status)
