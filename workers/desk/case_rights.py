"""The API of the rights around a case: evidence, marks, the case file (rules B4, B7, B9, B10, D11)."""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from workers.cases.evidence import check_kind, media_type
from workers.cases.readable import Note
from workers.cases.rights import Right
from workers.desk.complaint_api import unless_changed
from workers.desk.once import Once, OnceRoute
from workers.desk.people import Actor, actor
from workers.desk.services import DeskServices
from workers.desk.words import iso
from workers.errors import NotFound, Refused
from workers.store import appeals, case_view, cases, complaints, evidence
from workers.store.file_store import Draft
from workers.store.outbox import Transaction

Number = Annotated[str, Path(pattern=r"^[A-Za-z0-9-]{1,32}$")]
Hash = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]
Person = Annotated[str, Query(alias="as", max_length=200)]
MarkKind = Literal["malicious", "false", "unreasonable-behaviour"]
_PLAIN: Final = "text/plain; charset=utf-8"


class MarkBody(BaseModel):
    """Who marks a complaint, or takes a mark back, and why."""

    model_config = ConfigDict(extra="forbid")

    person: str = Field(alias="as", strict=True, max_length=200)
    mark: MarkKind
    grounds: Note


def router(services: DeskServices) -> APIRouter:
    """The routes."""
    api = APIRouter(prefix="/api/v1/complaints/{number}", route_class=OnceRoute)
    unchanged = [Depends(unless_changed(services))]
    _add_evidence(api, services)
    _add_marks(api, services, unchanged)
    _add_case_file(api, services)
    _add_upload(api, services, unchanged)
    return api


def _add_upload(api: APIRouter, services: DeskServices, unchanged: list[Any]) -> None:
    @api.post("/evidence", dependencies=unchanged)
    async def add(
        request: Request,
        number: Number,
        person: Person,
        kind: Annotated[str, Query(max_length=40)],
        name: Annotated[str, Query(max_length=200)] = "",
    ) -> Response:
        """A file, as the body of the request; 201 when it is new, 200 when the case had it before."""
        await run_in_threadpool(_check_room, services, number, person)
        incoming = await run_in_threadpool(services.files.receive, services.evidence.largest_file_bytes)
        try:
            async for piece in request.stream():
                await run_in_threadpool(incoming.write, piece)
            draft = await run_in_threadpool(incoming.finish)
        finally:
            incoming.discard()

        async def keep() -> Response:
            kept, is_new = await run_in_threadpool(_keep, services, number, person, kind, name, draft)
            return JSONResponse({"number": number, **kept}, 201 if is_new else 200)

        once: Once = request.app.state.once
        try:
            return await once.answer(request, draft.sha256.encode(), keep)
        finally:
            await run_in_threadpool(services.files.discard, draft)


def _add_evidence(api: APIRouter, services: DeskServices) -> None:
    @api.get("/evidence")
    def listed(number: Number) -> list[dict[str, Any]]:
        """What there is: names, kinds, sizes, by whom."""
        with services.database.read() as tx:
            cases.get(tx, number)
            return [case_view.piece(each) for each in evidence.of(tx, number)]

    @api.get("/evidence/{sha256}")
    def content(number: Number, sha256: Hash, person: Person) -> Response:
        """The file itself, for people who work on the case."""
        with services.database.read() as tx:
            _may_read(services, tx, number, person, "read-evidence")
            found = evidence.get(tx, number, sha256)
            path = services.files.find(sha256)
        text = found.media_type == "text/plain"
        return FileResponse(path, media_type=_PLAIN if text else found.media_type, headers=_named(found.name))


def _add_marks(api: APIRouter, services: DeskServices, unchanged: list[Any]) -> None:
    @api.get("/marks")
    def listed(number: Number, person: Person) -> list[dict[str, Any]]:
        """Every mark set or taken back, with its grounds, for people who may mark."""
        with services.database.read() as tx:
            complaints.get(tx, number)
            _check(services, tx, person, "mark-complaint")
            return [
                {
                    "mark": each.kind,
                    "is_set": each.is_set,
                    "grounds": each.grounds,
                    "by": each.by,
                    "at": iso(each.at),
                }
                for each in evidence.marks(tx, number)
            ]

    @api.post("/marks", dependencies=unchanged)
    def mark(number: Number, body: MarkBody) -> dict[str, Any]:
        """Marks a complaint; its handling goes on as before."""
        return _mark(services, number, body, is_set=True)

    @api.post("/marks/reversal", dependencies=unchanged)
    def unmark(number: Number, body: MarkBody) -> dict[str, Any]:
        """Takes a mark back."""
        return _mark(services, number, body, is_set=False)


def _add_case_file(api: APIRouter, services: DeskServices) -> None:
    @api.get("/case-file")
    def case_file(
        number: Number,
        person: Person,
        audience: Annotated[Literal["authority", "customer"], Query(alias="for")] = "customer",
    ) -> Response:
        """The compiled case file: masked for the customer, or whole, for people with the right."""
        with services.database.read() as tx:
            _may_read(services, tx, number, person, "read-case-file" if audience == "authority" else None)
            found = evidence.case_file(tx, number, audience)
            if found is None:
                raise NotFound(
                    f"案卷尚未编制。 There is no case file of {number}: it is compiled when an appeal stays unsolved."
                )
            content = services.files.read(found.sha256)
        return Response(content, media_type="text/html", headers=_named(f"{number}-{audience}.html"))


def _check_room(services: DeskServices, number: str, person: str) -> None:
    """Before a long file is sent: does the case exist, may this person act, is there room?"""
    with services.database.read() as tx:
        cases.get(tx, number)
        actor(tx, person, is_sample_staff=services.is_sample_staff)
        most = services.evidence.files_per_case
        if len(evidence.of(tx, number)) >= most:
            raise Refused(
                f"证据已达上限。 The case has {most} files of evidence, which is as many as it may have."
            )


def _keep(
    services: DeskServices, number: str, person: str, kind: str, name: str, draft: Draft
) -> tuple[dict[str, Any], bool]:
    try:
        with draft.path.open("rb") as file:
            found = media_type(file, draft.size)
        check_kind(kind, found)
        with services.database.begin() as tx:
            cases.get(tx, number)  # takes turns with others who add to this case
            who = actor(tx, person, is_sample_staff=services.is_sample_staff)
            now = services.clock.now()
            piece, is_new = evidence.add(
                tx, number, draft, name=_plain(name, found), media_type=found, kind=kind, by=who.name, at=now
            )
            services.files.keep(draft)  # before the commit: a row never points to nothing
            return case_view.piece(piece), is_new
    finally:
        services.files.discard(draft)


def _mark(services: DeskServices, number: str, body: MarkBody, *, is_set: bool) -> dict[str, Any]:
    services.wording.check([("依据（grounds）", "note", body.grounds)])
    with services.database.begin() as tx:
        complaints.get(tx, number)
        who = _check(services, tx, body.person, "mark-complaint")
        now = services.clock.now()
        evidence.mark(tx, number, body.mark, is_set=is_set, grounds=body.grounds, by=who.name, at=now)
        return {"number": number, "marked": list(evidence.marked(tx, number))}


def _check(services: DeskServices, tx: Transaction, person: str, right: Right) -> Actor:
    who = actor(tx, person, is_sample_staff=services.is_sample_staff)
    services.rights.check(right, who.name, who.groups)
    return who


def _may_read(services: DeskServices, tx: Transaction, number: str, person: str, right: Right | None) -> None:
    """People who work on the case may, and those with the right (rule B10)."""
    case = cases.get(tx, number)
    who = actor(tx, person, is_sample_staff=services.is_sample_staff)
    if who.groups is None or right is None:
        return
    works_on_it = who.name == case.owner_person or who.name in appeals.worked_on(tx, number)
    if not works_on_it:
        services.rights.check(right, who.name, who.groups)


def _plain(name: str, found: str) -> str:
    """The name of the file without a path and without what nobody can read; what it is, where it has none."""
    last = PurePath(name.replace("\\", "/")).name
    clean = "".join(letter for letter in last if letter.isprintable()).strip()
    return clean[:200] or found.replace("/", ".")


def _named(name: str) -> dict[str, str]:
    return {"Content-Disposition": f"attachment; filename*=UTF-8''{quote(name)}"}
