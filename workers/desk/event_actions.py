"""What people do on the page of an event: another tier, complaints, a word to every customer (rules E3, E6).

Whoever is refused sees the page again with what they wrote. A button pressed twice, or by two people at once, works
once: forms carry what was seen (`round`, `seen`) and what makes a telling the same one (`id`).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Annotated, Final, Protocol

from fastapi import APIRouter, Depends, Form, Path
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from workers.desk.access import signed_in
from workers.desk.caller import Actor, current
from workers.desk.event_room import Asked
from workers.desk.events import LONGEST_REASON, attached, let_go, move, rehearsal, told
from workers.desk.problems import status_of
from workers.desk.services import DeskServices
from workers.desk.steering import check_steering
from workers.errors import Conflict, DubanError, Refused
from workers.notifications import event_news
from workers.store.incident_moves import DOWN, UP

Me = Annotated[Actor, Depends(signed_in)]
_Number = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$")]
_Reason = Annotated[str, Form(max_length=LONGEST_REASON)]
_Round = Annotated[int, Form(ge=0)]
_News = Annotated[str, Form(max_length=4 * event_news.LONGEST)]
_Id = Annotated[str, Form(pattern=r"^[A-Za-z0-9-]{8,64}$")]
_CASE: Final = re.compile(r"[A-Za-z0-9-]{1,32}")
_MOST_NUMBERS: Final = 100


class Room(Protocol):
    """Shows the page of an event, with what was refused or is to be confirmed."""

    def __call__(self, number: str, asked: Asked, status: int = ...) -> HTMLResponse:
        """The page."""
        ...


def add_event_actions(pages: APIRouter, services: DeskServices, room: Room) -> None:
    """The routes."""

    def done(number: str, asked: Asked, act: Callable[[], object]) -> Response:
        """Does it, and goes back to the event; what was refused is shown there with its reason."""
        try:
            act()
        except DubanError as error:
            return room(number, Asked(asked.act, str(error), asked.given), status_of(error))
        return RedirectResponse(f"/events/{number}", 303)

    @pages.post("/events/{number}/raise", response_model=None)
    def raise_event(number: _Number, who: Me, round: _Round, reason: _Reason = "") -> Response:
        """Calls the next tier."""
        asked = Asked("raise", given={"reason": reason})
        return done(number, asked, lambda: move(services, number, UP, who.name, _said(reason), round))

    @pages.post("/events/{number}/hand-back", response_model=None)
    def hand_back_event(number: _Number, who: Me, round: _Round, reason: _Reason = "") -> Response:
        """Calls the lower tier again."""
        asked = Asked("hand-back", given={"reason": reason})
        return done(number, asked, lambda: move(services, number, DOWN, who.name, _said(reason), round))

    @pages.post("/events/{number}/attach", response_model=None)
    def attach_complaints(
        number: _Number, who: Me, numbers: Annotated[str, Form(max_length=4000)] = ""
    ) -> Response:
        """Ties the complaints whose numbers were written."""
        asked = Asked("attach", given={"numbers": numbers})
        return done(number, asked, lambda: attached(services, number, _numbers(numbers), who.name))

    @pages.post("/events/{number}/complaints/{complaint}/detach", response_model=None)
    def detach_complaint(number: _Number, complaint: _Number, who: Me, reason: _Reason = "") -> Response:
        """Lets one go."""
        asked = Asked("detach", given={"complaint": complaint, "reason": reason})
        return done(
            number, asked, lambda: let_go(services, number, complaint, who.name, reason.strip() or None)
        )

    _add_telling(pages, services, room)


def _add_telling(pages: APIRouter, services: DeskServices, room: Room) -> None:
    def rehearsed(number: str, news: str, id_: str, wrong: str | None = None, status: int = 200) -> Response:
        found = rehearsal(services, number, news)
        return room(number, Asked("tell", wrong, {"news": news.strip(), "id": id_}, found), status)

    @pages.post("/events/{number}/tell", response_model=None)
    def preview_news(number: _Number, who: Me, news: _News = "") -> Response:
        """Shows who would be told what."""
        current().is_noted = True  # nothing is done yet
        try:
            check_steering(services, number, who.name)
            return rehearsed(number, news, secrets.token_hex(12))
        except Refused as error:
            return room(number, Asked("tell", str(error), {"news": news}), status_of(error))

    @pages.post("/events/{number}/tell/send", response_model=None)
    def tell_customers(
        number: _Number, who: Me, id: _Id, seen: Annotated[int, Form(ge=0)], news: _News = ""
    ) -> Response:
        """Tells them. Where somebody told them meanwhile, it is shown anew and asked again."""
        given = {"news": news}
        try:
            check_steering(services, number, who.name)
            text = event_news.checked(services.wording, news)
            told(services, number, text, who, id, seen)
        except Conflict as error:
            try:
                return rehearsed(number, news, id, str(error), 409)
            except Refused:  # it was solved or has ended
                return room(number, Asked("tell", str(error), given), 409)
        except DubanError as error:
            return room(number, Asked("tell", str(error), given), status_of(error))
        return RedirectResponse(f"/events/{number}", 303)


def _said(reason: str) -> str:
    """Why the event is moved. Raises Refused when nothing was written (rule E3)."""
    if not reason.strip():
        raise Refused("请写明理由。 Say why.")
    return reason.strip()


def _numbers(written: str) -> list[str]:
    """The numbers in a text, between blanks, commas and the like.

    Raises:
        Refused: there is none, one is no number, or there are too many.
    """
    found = list(dict.fromkeys(re.split(r"[\s,;，；、]+", written.strip()))) if written.strip() else []
    if not found:
        raise Refused("请填写投诉编号。 Write the numbers of complaints.")
    if len(found) > _MOST_NUMBERS:
        raise Refused(f"一次最多 {_MOST_NUMBERS} 件。 At most {_MOST_NUMBERS} at once.")
    odd = [each for each in found if not _CASE.fullmatch(each)]
    if odd:
        raise Refused(f"不是投诉编号：{odd[0][:40]!a}。 That is no number of a complaint.")
    return found
