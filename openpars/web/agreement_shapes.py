# SPDX-License-Identifier: Apache-2.0
"""The JSON about agreements, ballots and letters, as closed and strict as `web.shapes`."""

from __future__ import annotations

from typing import Literal

from openpars.web.shapes import Day, Instant, Number, Shape, Text


class BallotShape(Shape):
    """POST /agreements/{id}/ballots. In demo mode all from `hash` on may be absent.

    `key` is the fingerprint of the ballot key, `signature` base64 of its signature over the statement.
    """

    version: Number
    question: Literal["enact", "renew", "end", "amend"]
    choice: Literal["yes", "no", "abstain"]
    hash: Text | None = None
    round: Number | None = None
    expires: Instant | None = None
    key: Text | None = None
    signature: Text | None = None


class RoundShape(Shape):
    """POST /agreements/{id}/rounds: ask for the end, or ask again about a text that was lost."""

    version: Number
    question: Literal["enact", "renew", "end", "amend"]
    closes: Instant | None = None


class BallotKeyShape(Shape):
    """POST /ballot-keys. Signatures are base64, over the key's statement.

    The first key of a stakeholder needs no endorsement; every later one that of a key which holds.
    """

    label: Text
    public_key: Text
    proof: Text
    endorsed_by: Text | None = None
    endorsement: Text | None = None


class ReasonShape(Shape):
    """POST /agreements/{id}/end, …/suspend, …/resume, …/withdraw-notice, /ballot-keys/{id}/revoke."""

    reason: Text | None = None


class NoticeShape(Shape):
    """POST /agreements/{id}/notice. `effective`: the last day it holds, or an instant with an offset.

    Absent: the end of the term.
    """

    reason: Text | None = None
    effective: Text | None = None


class LetterShape(Shape):
    """POST /agreements/{id}/letters. `deadline`: the last day for an answer; notice has none."""

    kind: Literal["notice", "inquiry", "breach", "renewal"]
    text: Text | None = None
    clause: Text | None = None
    deadline: Day | None = None
    to: Text | None = None


class ServeShape(Shape):
    """POST /agreements/{id}/letters/{number}/serve. `on` defaults to today."""

    how: Literal["email", "hand", "post", "portal"]
    proof: Text
    on: Day | None = None


class ReplyShape(Shape):
    """POST /agreements/{id}/letters/{number}/reply. `on` defaults to today."""

    who: Text
    summary: Text
    on: Day | None = None
