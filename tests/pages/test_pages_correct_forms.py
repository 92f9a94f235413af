# SPDX-License-Identifier: Apache-2.0
"""From the correction page's form to the act: only what was changed is sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from openpars.accounts.keys import StaffRole
from openpars.city.examples import examples
from openpars.desk import view
from openpars.record.checks import Setting
from openpars.record.correcting import correct
from openpars.record.forms import ChargeCorrection
from openpars.record.pack import pack
from openpars.web.pages import correction_forms, desk_views, times
from openpars.web.pages.correction_forms import Change
from openpars.web.pages.typed import Typed

NOW = datetime(2026, 11, 26, 17, 0, tzinfo=UTC)
FILE = examples(NOW)[0].file
SETTING = Setting(pack("philadelphia"), NOW)


def whole(role: StaffRole = StaffRole.RECORDS, file: Any = FILE) -> dict[str, Any]:
    return view.whole(file, role, SETTING)


def typed(**changes: str) -> Typed:
    standing = correction_forms.standing(whole())
    return Typed({**standing, "reason": "typed wrong", **changes}, times.CITY_ZONE)


def test_the_form_as_it_came_changes_nothing() -> None:
    form = typed()
    assert correction_forms.corrected(form, whole(), SETTING.pack, NOW) is None
    assert [problem.text for problem in form.problems] == [
        "Nothing is changed yet. Change what is wrong, then go on."
    ]


def test_only_what_was_changed_is_sent_and_the_act_takes_it() -> None:
    form = typed(first="Anna", zip="", **{"charge-1-grade": "F3"})
    found = correction_forms.corrected(form, whole(), SETTING.pack, NOW)
    assert found is not None
    sent = found.form
    assert sent.arrestee is not None
    assert sent.arrestee.name is not None
    assert (sent.arrestee.name.first, sent.arrestee.name.last) == ("Anna", None)
    assert replace(sent.arrestee, name=None) == type(sent.arrestee)()
    assert sent.clear == ("arrestee.zip",)
    assert sent.charges == (ChargeCorrection(1, None, "F3", None),)
    assert (sent.arrested_at, sent.district, sent.next_date) == (None, None, None)
    was = FILE.arrestee
    assert found.changes == (
        Change("First name", was.name.first, "Anna"),
        Change("ZIP code", was.zip or "", "not recorded"),
        Change("Charge 1, grade", FILE.charges[0].effective_grade or "", "F3"),
    )
    after = correct(FILE, sent, SETTING)
    assert (after.arrestee.name.first, after.arrestee.zip) == ("Anna", None)
    assert after.arrestee.name.last == was.name.last


@pytest.mark.parametrize("name", ["last", "first", "birth_date", "charge-1-grade", "charge-1-counts"])
def test_what_a_file_cannot_be_without_is_not_emptied(name: str) -> None:
    form = typed(**{name: ""})
    assert correction_forms.corrected(form, whole(), SETTING.pack, NOW) is None
    assert [problem.field for problem in form.problems] == [name]


def test_the_history_names_what_a_role_sees_and_nothing_else() -> None:
    assert FILE.arrestee.ssn is not None
    last4 = FILE.arrestee.ssn[5:]
    other = replace(FILE, arrestee=replace(FILE.arrestee, ssn=f"90002{last4}"))
    told = {
        role: view.changed(whole(role), whole(role, other))
        for role in (StaffRole.RECORDS, StaffRole.DISTRICT_ATTORNEY)
    }
    assert told == {StaffRole.RECORDS: ("arrestee.ssn",), StaffRole.DISTRICT_ATTORNEY: ()}
    rows = desk_views.history(
        [{"version": 2, "act": "correct", "by": "records", "user": None, "emptied": False,
          "happened_at": "2026-11-26T17:00:00Z", "recorded_at": "2026-11-26T17:00:00Z"}],
        {2: ((), "typed wrong")},
    )  # fmt: skip
    assert rows[0].more == "Nothing that this desk sees. Reason: typed wrong"
