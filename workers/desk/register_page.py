"""The page on which the front desk registers a complaint (rules A1, A2, B12, D6): one form, sent by its script."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from typing import Any, Final

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, JSONResponse
from pydantic import Field

from workers.cases.complaint import ComplaintLine, check
from workers.cases.complaint_problems import problems
from workers.cases.evidence import KINDS
from workers.cases.region import spoken
from workers.desk.access import allowed_by
from workers.desk.bodies import Body, Words
from workers.desk.caller import Actor, current
from workers.desk.problems import of_error, problem
from workers.desk.services import DeskServices
from workers.desk.similar import place_of
from workers.errors import Conflict, DubanError, Refused
from workers.store import alike, complaints, intake, notes

_FAILED: Final = "有 {count} 处需要修改。 Please look again where it says so."


class GuideBody(Body):
    """A fault guide as it was followed: its kind, and the answers by question."""

    kind: str = Field(strict=True, max_length=40)
    answers: dict[str, str]


class RegisterBody(Body):
    """What the page sends.

    Attributes:
        submission: of this page; sent twice, it is one complaint.
        complaint: a complaint line without its region.
        place: province, city, branch in one field.
        remark: what the front desk adds for whoever handles it.
    """

    submission: str = Field(strict=True, pattern=r"^[0-9a-f]{32}$")
    complaint: dict[str, Any]
    place: str = Field("", strict=True, max_length=200)
    remark: Words = ""
    guide: GuideBody | None = None


def add_register_page(pages: APIRouter, services: DeskServices, page: Callable[..., HTMLResponse]) -> None:
    """The form and what it sends."""
    serves: Any = Depends(allowed_by(services.rights, "serve-customer"))

    @pages.get("/front-desk/register")
    def register_form(who: Actor = serves) -> HTMLResponse:
        """An empty form, with the place where the person works."""
        with services.database.read() as tx:
            places = alike.places(tx)
        return page(
            "register.html",
            who=who,
            desk=services.front_desk,
            guides=services.fault_guides.kinds,
            evidence_kinds=KINDS,
            largest=services.evidence.largest_file_bytes,
            most=services.evidence.files_per_case,
            place=spoken(who.region),
            places=[spoken(each) for each in places],
            submission=secrets.token_hex(16),
        )

    @pages.post("/front-desk/register")
    def complaint_registered(body: RegisterBody, who: Actor = serves) -> JSONResponse:
        """Keeps the complaint; sent twice, it is the same one. 422 says what is wrong, field by field."""
        document, wrong = _read(services, body)
        if wrong:
            return problem(422, _FAILED.format(count=len(wrong)), fields=wrong)
        line = check(document, policies=services.policies, now=services.clock.now())
        try:
            kept = _kept(services, line, body.submission)
        except DubanError as error:
            return of_error(error)
        current().subject = kept.number
        _add_notes(services, body, kept.number, who)
        said_ = "registered" if kept.is_new else "registered-before"
        told = {
            "number": kept.number,
            "is_new": kept.is_new,
            "next": f"/complaints/{kept.number}?said={said_}",
        }
        return JSONResponse(told, 201 if kept.is_new else 200)


def _kept(services: DeskServices, line: ComplaintLine, submission: str) -> intake.Accepted:
    kept = intake.accept(services.database, services.clock, line, services.wake_relay, submission=submission)
    if not kept.is_new:
        _refuse_another(services, kept.number, line)
    return kept


def _refuse_another(services: DeskServices, number: str, line: ComplaintLine) -> None:
    """Raises Conflict when this page brought a complaint with other words before: nothing is lost silently."""
    with services.database.read() as tx:
        known = complaints.get(tx, number)
        is_same = known.anonymised_at is not None or (known.text, known.customer_key) == (
            line.text,
            line.customer.key,
        )
    if not is_same:
        raise Conflict(
            f"此页已登记为 {number}，内容不同。要登记为另一件，请再点一次。 This page is {number}, "
            "with other words. Send it again to register another complaint."
        )


def _read(services: DeskServices, body: RegisterBody) -> tuple[dict[str, Any], dict[str, str]]:
    """The complaint line, and what is wrong by field."""
    wrong: dict[str, str] = {}
    document = dict(body.complaint)
    try:
        with services.database.read() as tx:
            document["region"] = place_of(tx, body.place).model_dump()
    except Refused as error:
        wrong["place"] = str(error)
    wrong = problems(document, policies=services.policies, now=services.clock.now()) | wrong
    try:
        services.wording.check([("备注（remark）", "note", body.remark)])
    except Refused as error:
        wrong["remark"] = str(error)
    return document, wrong


def _add_notes(services: DeskServices, body: RegisterBody, number: str, who: Actor) -> None:
    """What the front desk found out stands beside the complaint; sent again, it is there once."""
    texts: Mapping[str, str] = {"remark": body.remark, "guide": _followed(services, body.guide)}
    with services.database.begin() as tx:
        for part, text in texts.items():
            if text:
                notes.add(
                    tx,
                    number,
                    text,
                    author=who.name,
                    is_of_customer=False,
                    at=services.clock.now(),
                    submission=f"{body.submission}-{part}",
                )


def _followed(services: DeskServices, guide: GuideBody | None) -> str:
    """The guide in words: each question with its answer, and what comes next; a guide that fits no more is left out."""
    if guide is None or not guide.answers:
        return ""
    try:
        return services.fault_guides.in_words(guide.kind, guide.answers)
    except Refused:
        return ""
