# SPDX-License-Identifier: Apache-2.0
"""The closed list of ways OpenPARS says no. Nothing else ever reaches a caller.

A problem carries a code from this list, a plain sentence and at most the *name* of a field.
It never carries a value: an error that repeats data is a leak (a database's own text prints the
row it collided with).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Code(StrEnum):
    """Every problem code, as it stands in `https://openpars.org/problems/<code>`."""

    NO_AGREEMENT = "no-agreement"
    AGREEMENT_ENDED = "agreement-ended"
    AGREEMENT_SUSPENDED = "agreement-suspended"
    AMBIGUOUS_AGREEMENT = "ambiguous-agreement"
    PURPOSE_NOT_PERMITTED = "purpose-not-permitted"
    KEY_NOT_PERMITTED = "key-not-permitted"
    CASE_NUMBER_REQUIRED = "case-number-required"
    LIMIT_REACHED = "limit-reached"
    NOT_FOUND = "not-found"
    INVALID = "invalid"
    CONFLICT = "conflict"
    UNAUTHENTICATED = "unauthenticated"
    FORBIDDEN = "forbidden"
    LOG_UNAVAILABLE = "log-unavailable"


STATUS: dict[Code, int] = {
    Code.NO_AGREEMENT: 403,
    Code.AGREEMENT_ENDED: 403,
    Code.AGREEMENT_SUSPENDED: 403,
    Code.AMBIGUOUS_AGREEMENT: 409,
    Code.PURPOSE_NOT_PERMITTED: 403,
    Code.KEY_NOT_PERMITTED: 403,
    Code.CASE_NUMBER_REQUIRED: 422,
    Code.LIMIT_REACHED: 429,
    Code.NOT_FOUND: 404,
    Code.INVALID: 422,
    Code.CONFLICT: 409,
    Code.UNAUTHENTICATED: 401,
    Code.FORBIDDEN: 403,
    Code.LOG_UNAVAILABLE: 503,
}

TITLE: dict[Code, str] = {
    Code.NO_AGREEMENT: "No agreement in force",
    Code.AGREEMENT_ENDED: "The agreement has ended",
    Code.AGREEMENT_SUSPENDED: "The agreement is suspended",
    Code.AMBIGUOUS_AGREEMENT: "More than one agreement fits",
    Code.PURPOSE_NOT_PERMITTED: "This purpose is not in the agreement",
    Code.KEY_NOT_PERMITTED: "The agreement does not allow searching by this",
    Code.CASE_NUMBER_REQUIRED: "A case number is required",
    Code.LIMIT_REACHED: "A limit is reached",
    Code.NOT_FOUND: "Nothing found",
    Code.INVALID: "Something in the request is not right",
    Code.CONFLICT: "This conflicts with what is already recorded",
    Code.UNAUTHENTICATED: "Please sign in",
    Code.FORBIDDEN: "Your role does not allow this",
    Code.LOG_UNAVAILABLE: "The log cannot be written, so nothing is disclosed",
}


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request answered no. A value, because refusals are logged like answers.

    `field` names the place in the request, in dotted form (`charges.0.grade`); `detail` says what
    would be right. Neither may contain anything the caller sent or the record holds.
    """

    code: Code
    detail: str
    field: str | None = None

    @property
    def status(self) -> int:
        """HTTP status for this code."""
        return STATUS[self.code]

    def body(self) -> dict[str, object]:
        """The RFC 9457 problem document."""
        problem: dict[str, object] = {
            "type": f"https://openpars.org/problems/{self.code}",
            "title": TITLE[self.code],
            "status": self.status,
            "detail": self.detail,
        }
        if self.field is not None:
            problem["field"] = self.field
        return problem


class Refused(Exception):
    """Carries a `Refusal` out of an act, so that its transaction rolls back."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.code)
        self.refusal = refusal


def refuse(code: Code, detail: str, field: str | None = None) -> Refused:
    """Shorthand: `raise refuse(Code.INVALID, "…", "birth_date")`."""
    return Refused(Refusal(code, detail, field))
