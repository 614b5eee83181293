"""Notes on a case: who may add and read them, and the API (rules A6, B10, F3)."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query
from fastapi.responses import JSONResponse
from pydantic import Field

from workers.cases import readable
from workers.cases.rights import Right
from workers.cases.wording import Context
from workers.desk.bodies import Body
from workers.desk.complaint_api import unless_changed
from workers.desk.once import OnceRoute, keep_with
from workers.desk.people import Actor, actor
from workers.desk.services import DeskServices
from workers.desk.words import iso
from workers.errors import Forbidden
from workers.store import appeals, cases, notes
from workers.store.cases import AnyCase
from workers.store.note_tables import Note
from workers.store.outbox import Transaction

Number = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$")]
_READERS: Final[tuple[Right, ...]] = ("serve-customer", "read-case-file")


class NoteBody(Body):
    """Who adds a note, what it says, and whose words they are."""

    person: str = Field(alias="as", strict=True, max_length=200)
    text: readable.Note
    of_customer: bool = Field(False, strict=True)
    submission: str | None = Field(None, strict=True, max_length=64, pattern=r"^[A-Za-z0-9_-]+$")


def router(services: DeskServices) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/api/v1/complaints/{number}", route_class=OnceRoute)

    @api.post("/notes", dependencies=[Depends(unless_changed(services))])
    def add(number: Number, body: NoteBody) -> JSONResponse:
        """A note; 201 when it is new, 200 when the same submission brought it before."""
        context: Context = "quoted" if body.of_customer else "note"
        services.wording.check([("备注（text）", context, body.text)])
        with services.database.begin() as tx:
            case = cases.get(tx, number)
            who = actor(tx, body.person, is_sample_staff=services.is_sample_staff)
            if not may_write(services, tx, who, case):
                raise Forbidden(
                    f"{who.name} 不办理此件。 {who.name} does not work on {number} and serves no customers."
                )
            found, is_new = notes.add(
                tx,
                number,
                body.text,
                author=who.name,
                is_of_customer=body.of_customer,
                at=services.clock.now(),
                submission=body.submission,
            )
            answer = JSONResponse(shown(found), 201 if is_new else 200)
            keep_with(tx, answer)
            return answer

    @api.get("/notes")
    def listed(
        number: Number, person: Annotated[str, Query(alias="as", max_length=200)]
    ) -> list[dict[str, Any]]:
        """The notes of a case, for people who work on it or serve its customer."""
        with services.database.read() as tx:
            case = cases.get(tx, number)
            who = actor(tx, person, is_sample_staff=services.is_sample_staff)
            if not may_read(services, tx, who, case):
                raise Forbidden(f"{who.name} 不办理此件。 {who.name} does not work on {number}.")
            return [shown(each) for each in notes.of(tx, number)]

    return api


def shown(note: Note) -> dict[str, Any]:
    """A note as JSON."""
    return {
        "id": note.id,
        "number": note.number,
        "author": note.author,
        "of_customer": note.is_of_customer,
        "text": note.text,
        "at": iso(note.at),
    }


def works_on(tx: Transaction, who: Actor, case: AnyCase) -> bool:
    """Whether the case is theirs, their group's, or was (rule B10)."""
    if who.groups is None or who.name == case.owner_person or case.owner_group in who.groups:
        return True
    return who.name in appeals.worked_on(tx, case.number)


def may_write(services: DeskServices, tx: Transaction, who: Actor, case: AnyCase) -> bool:
    """Who works on the case, and who serves its customer."""
    return services.rights.may("serve-customer", who.groups) or works_on(tx, who, case)


def may_read(services: DeskServices, tx: Transaction, who: Actor, case: AnyCase) -> bool:
    """The same, and who may read whole case files."""
    return any(services.rights.may(right, who.groups) for right in _READERS) or works_on(tx, who, case)
