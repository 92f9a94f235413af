# SPDX-License-Identifier: Apache-2.0
"""A listing as the court's desk takes it. Pure. What the file does not say stays None."""

from __future__ import annotations

from openpars.feeds.filings import Docket
from openpars.feeds.sequence import Act, Kind
from openpars.feeds.values import ListedBail, Status
from openpars.record.file import Custody, Name
from openpars.record.forms import BailForm, CourtDocket


def court_docket(act: Act, docket: Docket, name: Name) -> CourtDocket:
    """The whole listing, not only what changed: the desk writes a version only if something is new."""
    listed = docket.listed
    custody, place = _custody(act, listed.custody_place)
    return CourtDocket(
        docket=listed.docket,
        name=name,
        at=act.at,
        filed_at=listed.filed_at,
        age_stated=listed.age,
        zip=listed.zip,
        charges=() if listed.charge is None else (listed.charge,),
        represented=docket.represented,
        bail=_bail(listed.bail, act),
        custody=custody,
        custody_place=place,
    )


def _bail(listed: ListedBail, act: Act) -> BailForm | None:
    if listed.type is None:
        return None
    return BailForm(
        type=listed.type,
        at=listed.at or act.at,
        amount=None if listed.amount is None else listed.amount // 100,
        posted=listed.status is Status.POSTED,
    )


def _custody(act: Act, place: str | None) -> tuple[Custody | None, str | None]:
    """A place is a commitment. A blank after a place is a release; a blank alone says nothing."""
    if place is not None:
        return Custody.COMMITTED, place
    return (Custody.RELEASED, None) if Kind.CUSTODY in act.kinds else (None, None)
