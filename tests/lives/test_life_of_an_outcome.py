# SPDX-License-Identifier: Apache-2.0
"""An outcome, from the court's act to whoever may know it; and nobody else hears of it."""

from __future__ import annotations

from tests.driver import Driver, unique

WHOLE = 'name = "whole", charges = "text", charge_outcome = "whole"'


def test_only_convictions_are_told_to_who_may_know_convictions(drive: Driver) -> None:
    convicted, purpose = drive.agree(when='charge_outcome = ["convicted"]', show=WHOLE)
    blind, other = drive.agree(recipient="ice", show='name = "whole", charges = "whole"')
    for who, asked in (("fbi", purpose), ("ice", other)):
        body = {"purpose": asked, "case_number": "CASE-1", "criteria": {"charge_grade": ["F1"]}}
        drive.done(who, "POST", "/v1/subscriptions", body)
    with drive.feed("fbi", agreement=convicted) as feed, drive.feed("ice", agreement=blind) as silent:
        arrest, form = drive.book(
            arrestee=drive.booking()["arrestee"] | {"interpreter": "spa", "birth_place": unique("Town ")}
        )
        assert silent.next()["type"] == "org.openpars.share.appeared"
        drive.approve(arrest)
        drive.done("district-attorney", "POST", f"/desk/arrests/{arrest}/complaint", {})
        held = {"magistrate": "Magistrate One", "probable_cause": True}
        drive.done("courts", "POST", f"/desk/arrests/{arrest}/arraignment", held)
        silent.rest(0.5)  # the charge's stage, which it may see
        assert drive.records("fbi", purpose, drive.find(form)) == []
        before = drive.records("ice", other, drive.find(form))

        def ended(word: str) -> None:
            told = {"dispositions": [{"charge": 1, "disposition": word}]}
            drive.done("courts", "POST", f"/desk/arrests/{arrest}/disposition", told)

        # an outcome that is no conviction: nobody hears
        ended("dismissed")
        assert feed.rest(1) == []
        # convicted: the row appears, with the outcome and nothing that is not granted
        ended("convicted")
        event = feed.next()
        assert event["type"] == "org.openpars.share.appeared"
        assert event["data"]["charge_outcome"] == ["convicted"]
        assert not {"interpreter", "birth_place", "disposition"} & set(event["data"])
        (record,) = drive.records("fbi", purpose, drive.find(form))
        assert record["charge_outcome"] == ["convicted"]
        # taken back: withdrawn, by the id alone
        ended("vacated")
        event = feed.next()
        assert event["type"] == "org.openpars.share.withdrawn"
        assert set(event["data"]) == {"id", "why"}
        # to the other agreement none of it has happened
        assert silent.rest(0.5) == []
        assert drive.records("ice", other, drive.find(form)) == before
