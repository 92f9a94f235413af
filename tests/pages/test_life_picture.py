# SPDX-License-Identifier: Apache-2.0
"""The picture of an agreement: every stretch where it was, the words beside it, nothing outside its frame."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openpars.agreements.register import Entry, Event
from openpars.web.pages.life_picture import LifePicture, pictures
from openpars.web.pages.words import Words

BEGAN = datetime(2025, 9, 1, 4, tzinfo=UTC)
ENDS = BEGAN + timedelta(days=100)


def entry(*events: Event, ended: datetime | None = None, notice: datetime | None = None) -> Entry:
    started = Event("started", BEGAN, "term")
    return Entry(
        "a", 1, "city", "ice", "in_force", "0" * 64, BEGAN, ENDS, ended, False, "", None, notice, None, (),
        (started, *events), (),
    )  # fmt: skip


def stretches(picture: LifePicture) -> list[tuple[str, int]]:
    """Each stretch and how many days long it is drawn."""
    scale = (picture.width - 16) / 100
    return [(bar.kind, round(bar.length / scale)) for bar in picture.lanes[0].bars]


def draw(one: Entry, day: float, state: str = "in_force") -> LifePicture:
    return pictures([one], [state], BEGAN + timedelta(days=day), Words("en"))[0]


def test_what_was_and_what_is_to_come() -> None:
    assert stretches(draw(entry(), 40)) == [("held", 40), ("planned", 60)]


def test_a_suspension_is_a_stretch_of_its_own() -> None:
    stopped = Event("suspended", BEGAN + timedelta(days=10), "police")
    again = Event("resumed", BEGAN + timedelta(days=30), "police")
    assert stretches(draw(entry(stopped, again), 40)) == [
        ("held", 10),
        ("suspended", 20),
        ("held", 10),
        ("planned", 60),
    ]
    assert stretches(draw(entry(stopped), 40, "suspended"))[:2] == [("held", 10), ("suspended", 30)]


def test_notice_cuts_what_was_voted() -> None:
    notice = BEGAN + timedelta(days=70)
    assert stretches(draw(entry(notice=notice), 40)) == [("held", 40), ("planned", 30), ("cut", 30)]


def test_an_early_end_is_the_end() -> None:
    ended = BEGAN + timedelta(days=50)
    picture = draw(entry(Event("ended", ended, "owners"), ended=ended), 80, "ended")
    assert stretches(picture) == [("held", 50), ("cut", 50)]
    assert picture.kinds == ("ended",)
    assert "Version 1, Ended: from Sep 1, 2025" in picture.text
    assert "until Oct 21, 2025" in picture.text


def test_a_text_that_was_lost_is_not_drawn() -> None:
    assert pictures([entry()], ["rejected"], ENDS, Words("en")) == ()


@pytest.mark.parametrize("lang", ["en", "es"])
@given(
    days=st.floats(-500, 500),
    events=st.lists(
        st.tuples(
            st.sampled_from(["suspended", "resumed", "notice", "warning", "ended"]), st.floats(-200, 300)
        ),
        max_size=8,
    ),
    ended=st.none() | st.floats(0.01, 100),
)
def test_nothing_is_drawn_outside_its_frame(
    lang: str, days: float, events: list[tuple[str, float]], ended: float | None
) -> None:
    told = sorted((Event(what, BEGAN + timedelta(days=at), "x") for what, at in events), key=lambda e: e.at)
    over = None if ended is None else BEGAN + timedelta(days=ended)
    state = "ended" if over else "in_force"
    for picture in pictures([entry(*told, ended=over)], [state], BEGAN + timedelta(days=days), Words(lang)):
        bars = [bar for lane in picture.lanes for bar in lane.bars]
        assert all(bar.at >= 0 and bar.at + bar.length <= picture.width for bar in bars)
        assert all(8 <= mark.at <= picture.width - 8 for mark in picture.marks)
        assert all(one.at + one.length <= two.at + 2 for one, two in itertools.pairwise(bars))
