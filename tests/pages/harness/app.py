# SPDX-License-Identifier: Apache-2.0
# ruff: noqa: E501
"""Every page with invented data, over HTTP, for screenshots and browser tests. No city, no database."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from datetime import UTC, datetime

from fastapi import FastAPI, Request
from starlette.responses import HTMLResponse, JSONResponse, Response, StreamingResponse

from openpars.errors import Code, Refusal
from openpars.settings import City
from openpars.web.pages import desk_views, editor_views, field_pages, public_views, scenario_views, view
from openpars.web.pages.agreement_views import PlainChanges, certificates
from openpars.web.pages.view import Frame, Link
from openpars.web.pages.words import Words
from tests.pages.harness import invented as it

app = FastAPI(docs_url=None, openapi_url=None)
app.state.city = City(
    "http://127.0.0.1",
    demo=True,
    warning="The database server is below the safe version: outside agencies are shut out except in a demonstration.",
)
app.mount("/static", view.Assets())

POLICE = (
    "Police desk",
    (Link("/desk/police/book", "Book an arrest"), Link("/desk/police", "Custody list")),
    "/desk/sign-out",
)
DA = ("District Attorney's charging desk", (Link("/desk/charging", "Charging queue"),), "/desk/sign-out")
COURT = ("Arraignment court", (Link("/desk/court", "Arraignment list"),), "/desk/sign-out")
AGENCY = (
    "U.S. Immigration and Customs Enforcement",
    (
        Link("/recipient", "Search"),
        Link("/recipient/feed", "Live feed"),
        Link("/recipient/agreement", "Agreement"),
    ),
    "/recipient/sign-out",
)
GRADES = it.GRADES
PURPOSES = tuple((p.code, p.label) for p in it.MINE.purposes)
LABELS = {"sid": "State identification number", "docket": "Docket number"}


def staff(request: Request, who: tuple[str, tuple[Link, ...], str]) -> Frame:
    return view.frame(request, desk=who[0], nav=who[1], sign_out=who[2])


def public(request: Request) -> Frame:
    return view.frame(request, lang=view.language(request), translated=True)


def editor_page(request: Request, text: str) -> Response:
    answer = editor_views.checked({"text": text}, it.NOW, Words(view.language(request)))
    return view.respond(
        "editor.html",
        public(request),
        base="/public/editor",
        c=answer,
        samples=("ice-felony-warrant",),
        choices=("ice-pars/2",),
        begun="",
        refused=None,
        nonce="x",
    )


def queue(page: Frame, template: str, **more: object) -> Response:
    values: dict[str, object] = {
        "title": "Charging queue", "lead": "Arrests whose proposed charges wait for a decision.", "rows": it.ROWS, "total": 124, "noun": "arrests wait",
        "noun_one": "arrest waits", "caption": "Charging queue", "act": "Decide", "poll": "/desk/charging/rows", "stamp": "1", "gone": "",
        "empty_title": "No charge waits for a decision", "empty_text": "New arrests show here by themselves.",
    }  # fmt: skip
    return view.respond(template, page, **{**values, **more})


@app.get("/desk/charging/rows")
def _rows(request: Request) -> Response:
    return Response(status_code=204)


PAGES = {
    "/": lambda r: view.respond("public_front.html", public(r), keep_language=True, in_force=2, log_size=1204),
    "/sign-in": lambda r: view.respond("sign_in.html", public(r), staff=it.STAFF_DESKS, outside=it.OUTSIDE),
    "/public/agreements": lambda r: view.respond("register.html", public(r), filling={(it.CARD.id, it.CARD.version): 42}, in_force=(it.SOON, it.CARD), coming=(), past=(it.PAST,)),
    "/public/agreements/ice-felony": lambda r: view.respond("agreement.html", public(r), filling={(it.VIEW.card.id, it.VIEW.card.version): 42}, a=it.VIEW, certificates=certificates(it.CERTIFICATES, Words(view.language(r))), readings=public_views.readings("ice-pars"), **it.around(view.language(r))),
    "/public/scenario/philadelphia-2008-2018": lambda r: view.respond("scenario.html", public(r), s=scenario_views.scenario(r.query_params.get("shield"), Words(view.language(r))), shields=scenario_views.shields()),
    "/public/fields": lambda r: view.respond("fields.html", public(r), catalogue=field_pages.catalogue(Words(view.language(r)))),
    "/public/editor": lambda r: editor_page(r, it.FELONY),
    "/public/editor/empty": lambda r: editor_page(r, ""),
    "/public/editor/faults": lambda r: editor_page(r, it.FAULTY),
    "/public/log": lambda r: view.respond("log.html", public(r), tree=it.TREE, first_command="curl -O http://127.0.0.1:8080/public/openpars_verify.py", second_command="python openpars_verify.py http://127.0.0.1:8080/log"),
    "/problem": lambda r: view.problem(public(r), Refusal(Code.UNAUTHENTICATED, "Sign in, or send a key that is in force.")),
    "/busy": lambda _: HTMLResponse(view.busy()),
    "/desk": lambda r: view.respond("desk_home.html", staff(r, ("Records officer", (), "/desk/sign-out")), lead="Your work is done by program for now.", links=((Link("/public/agreements", "Agreements"), "Every text and vote."), (Link("/public/log", "The log"), "What left, and how to check it."))),
    "/desk/police/book": lambda r: view.respond("police_book.html", staff(r, POLICE), values={"arrested_date": "11/21/2026", "arrested_time": "2014"}, errors=(), charge_rows=2, person_rows=1, grades=GRADES, sexes=it.SEXES, races=it.RACES, ethnicities=desk_views.ETHNICITIES, interpreters=desk_views.INTERPRETERS, notices=desk_views.NOTICES, idempotency="x", same_incident=False),
    "/desk/police/book-errors": lambda r: view.respond("police_book.html", staff(r, POLICE), values=it.BOOK_VALUES, errors=it.BOOK_ERRORS, charge_rows=3, person_rows=2, grades=GRADES, sexes=it.SEXES, races=it.RACES, ethnicities=desk_views.ETHNICITIES, interpreters=desk_views.INTERPRETERS, notices=desk_views.NOTICES, idempotency="x", same_incident=True),
    "/desk/police/booked": lambda r: view.respond("police_booked.html", staff(r, POLICE), file=it.file()),
    "/desk/police": lambda r: queue(staff(r, POLICE), "queue.html", title="Custody list", noun="persons held", noun_one="person held", act="Open", lead="Everyone held, and until when.", poll="/desk/charging/rows"),
    "/desk/charging": lambda r: queue(staff(r, DA), "queue.html"),
    "/desk/charging/empty": lambda r: queue(staff(r, DA), "queue.html", rows=(), total=0),
    "/desk/charging/one": lambda r: view.respond("charging.html", staff(r, DA), file=it.file(), errors=(), values={"charge-2-decision": "changed", "charge-3-decision": "declined"}, grades=GRADES),
    "/desk/charging/complaint": lambda r: view.respond("complaint.html", staff(r, DA), file=it.file("approved"), errors=()),
    "/desk/court": lambda r: queue(staff(r, COURT), "queue.html", title="Arraignment list", lead="Complaints filed, ready for the preliminary arraignment.", act="Arraign", noun="persons wait", noun_one="person waits"),
    "/desk/court/one": lambda r: view.respond("arraign.html", staff(r, COURT), file=it.file("approved"), errors=(it.Problem("ability_to_pay", "Monetary bail needs a word on the ability to pay (Rule 528)."),), values={"held_date": "11/22/2026", "held_time": "0415", "bail_type": "monetary", "amount": "25000", "percent": "10", "probable_cause": "yes"}, bail_types=it.BAIL),
    "/desk/court/outcomes": lambda r: view.respond("outcomes.html", staff(r, COURT), file=it.file("ended"), errors=(it.Problem("charge-2-disposition", "Choose one of the outcomes."),), values={"disposed_date": "12/02/2026", "disposed_time": "1030", "charge-2-disposition": "withdrawn"}, outcomes=desk_views.OUTCOMES),
    "/desk/court/outcomes/none": lambda r: view.respond("outcomes.html", staff(r, COURT), file=it.file("proposed"), errors=(), values={}, outcomes=desk_views.OUTCOMES),
    "/desk/file": lambda r: view.respond("file.html", staff(r, COURT), file=it.file("sealed"), history=it.HISTORY, corrects=True, done="The arraignment is on record.", next_href="/desk/court/one", next_text="Arraign"),
    "/recipient": lambda r: view.respond("recipient_search.html", staff(r, AGENCY), mine=it.MINE, others=("ice-other",), by=it.MINE.keys[0], errors=(), values={}, labels=LABELS, searched=False, records=(), receipt="", receipt_href="", purpose_options=PURPOSES),
    "/recipient/found": lambda r: view.respond("recipient_search.html", staff(r, AGENCY), mine=it.MINE, others=(), by=it.MINE.keys[0], errors=(), values={"purpose": "felony-warrant", "case_number": "W-2026-118", "find-last": "Doe", "find-first": "Ana", "find-birth_date": "3/4/1990"}, labels=LABELS, searched=True, records=it.RECORDS, receipt=it.CHECKPOINT, receipt_href="data:application/octet-stream;base64," + b64encode(it.CHECKPOINT.encode()).decode(), purpose_options=PURPOSES),
    "/recipient/feed": lambda r: view.respond("recipient_feed.html", staff(r, AGENCY), mine=it.MINE, subscriptions=("felony-warrant, case W-2026-118: grade of a charge F1 or F2",), criteria=(("charge_grade", "Grade of a charge", (("F1", "F1"), ("F2", "F2"), ("F3", "F3"))), ("district", "Police district", ())), errors=(), values={}, chosen={}, purpose_options=PURPOSES),
    "/desk/votes": lambda r: view.respond("votes.html", staff(r, COURT), votes=(it.VOTE,), mine="courts"),
    "/desk/votes-none": lambda r: view.respond("votes.html", staff(r, COURT), votes=(), mine="courts"),
    "/desk/votes/one": lambda r: view.respond("vote.html", staff(r, COURT), v=it.VOTE, mine="courts", votes=True, errors=(), plain_changes=it.CHANGED),
    "/desk/votes/waiting": lambda r: view.respond("vote.html", staff(r, COURT), v=it.VOTE, mine="courts", votes=True, errors=(), plain_changes=PlainChanges(1, "waiting")),
    "/recipient/agreement": lambda r: view.respond("recipient_agreement.html", staff(r, AGENCY), mine=it.MINE),
    "/recipient/over": lambda r: view.respond("recipient_over.html", staff(r, AGENCY), title="Your agreement has ended", text="City of Philadelphia and U.S. Immigration and Customs Enforcement share nothing now.", ended=(it.PAST,)),
    "/recipient/suspended": lambda r: view.respond("recipient_over.html", staff(r, AGENCY), title="Your agreement is suspended", text="Nothing is answered until the city resumes it.", ended=(replace(it.PAST, state="suspended"),)),
}  # fmt: skip


def _route(path: str) -> None:
    page = PAGES[path]

    async def serve(request: Request) -> Response:
        return page(request)

    app.add_api_route(path, serve, methods=["GET"])


for _path in PAGES:
    _route(_path)


@app.get("/desk/police/statutes")
async def _statutes() -> Response:
    return JSONResponse(
        [
            ["18 § 2702 §§ A1", "Aggravated Assault - Attempts to cause SBI"],
            ["18 § 2702 §§ A4", "Aggravated Assault - deadly weapon"],
            ["18 § 2701 §§ A1", "Simple Assault"],
        ]
    )


@app.get("/v1/alerts")
async def _alerts() -> Response:
    async def events():
        for kind, data in (
            ("appeared", '{"id": "9f9f9f9f", "name": {"last": "Doe", "first": "Ana"}, "charges": [{"text": "Simple Assault", "grade": "M2", "stage": "approved"}], "bail": {"type": "monetary", "amount": 25000}, "why": {"purpose": "felony-warrant", "agreement": "ice-felony", "subscription": "s"}}'),
            ("changed", '{"id": "9f9f9f9f", "name": {"last": "<svg/onload=alert(1)>", "first": "Bob"}, "next_date": "2026-12-01T14:00:00Z", "why": {"purpose": "felony-warrant", "agreement": "ice-felony", "subscription": "s"}}'),
            ("withdrawn", '{"id": "1f9f9f9f", "why": {"purpose": "felony-warrant", "agreement": "ice-felony", "subscription": "s"}}'),
        ):  # fmt: skip
            body = f'{{"specversion": "1.0", "id": "{kind}", "type": "org.openpars.share.{kind}", "time": "{datetime.now(UTC).isoformat()}", "data": {data}}}'
            yield f"id: {kind}\ndata: {body}\n\n"

    return StreamingResponse(events(), media_type="text/event-stream")
