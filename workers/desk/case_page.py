"""The page of a complaint: how far it is, what to tell the customer, and what this person may do (rules A6, B10, F3).

Everybody who may see the case sees the page: names and numbers masked, no words. What people wrote is shown only to
those who work on it or serve the customer. Actions are calls of the API, which checks each by itself.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from workers.cases.evidence import KINDS
from workers.desk.caller import Actor, me
from workers.desk.case_notes import may_read, may_write, works_on
from workers.desk.people import has
from workers.desk.services import DeskServices
from workers.desk.telling import last_told, plain_progress
from workers.errors import NotFound
from workers.store import appeals, case_view, cases, complaints, evidence, extensions, notes, overview, staff
from workers.store import requests as asked
from workers.store.outbox import Transaction
from workers.store.tables import Complaint

_AUDIENCES: Final = ("customer", "authority")


def add_case_page(pages: APIRouter, services: DeskServices, page: Callable[..., HTMLResponse]) -> None:
    """The route."""

    @pages.get("/complaints/{number}", response_model=None)
    def case(number: str, said: Annotated[str, Query(max_length=20)] = "") -> Response:
        if not number.isascii() or not number.isprintable():
            raise NotFound(f"There is no complaint {number[:40]!a}.")
        now, who = services.clock.now(), me()
        with services.database.read() as tx:
            if cases.is_incident(tx, number):
                return RedirectResponse(f"/events/{number}")
            found = case_view.show(tx, number, services.timeline_words, now=now)
            mine = _mine(services, tx, number, who.actor) if who else _NOBODY
            people = staff.names(tx, _people(found, mine))
        return page(
            "case.html",
            case=found,
            deadlines=told_deadlines(found, now),
            people=people,
            said=said,
            mine=mine,
            submission=secrets.token_hex(16),
            evidence_kinds=KINDS,
            largest=services.evidence.largest_file_bytes,
        )


_NOBODY: Final[dict[str, Any]] = {
    "username": None,
    "notes": None,
    "told": None,
    "last_told": None,
    "may": frozenset(),
    "case_files": (),
    "marks": (),
    "marked": (),
}
"""What is shown to whoever looks without being signed in: the masked case."""


def _mine(services: DeskServices, tx: Transaction, number: str, who: Actor) -> dict[str, Any]:
    """What the page has for this person.

    Returns:
        username; notes, None where they may not be read; told and last_told, None for who does not serve customers;
        may: what can be done now, as words; case_files: the audiences they may have; marks and those that hold.
    """
    complaint = complaints.get(tx, number)
    rights = services.rights
    serves = rights.may("serve-customer", who.groups)
    told = plain_progress(services, tx, complaint)
    return {
        "username": who.name,
        "notes": notes.of(tx, number) if may_read(services, tx, who, complaint) else None,
        "told": told if serves else None,
        "last_told": last_told(tx, number) if serves else None,
        "may": frozenset(word for word, is_so in _may(services, tx, complaint, who, told).items() if is_so),
        "case_files": _case_files(services, tx, complaint, who),
        "marks": evidence.MARKS,
        "marked": evidence.marked(tx, number),
    }


def _may(
    services: DeskServices, tx: Transaction, complaint: Complaint, who: Actor, told: Mapping[str, Any]
) -> dict[str, bool]:
    """What can be done with the complaint now by this person; the API says the same when it is done."""
    rights, groups = services.rights, who.groups
    serves, is_kept = rights.may("serve-customer", groups), complaint.anonymised_at is None
    writes = is_kept and may_write(services, tx, who, complaint)
    was_mine = groups is None or _was_mine(tx, complaint, who)
    return {
        "note": writes,
        "evidence": writes,
        "read-evidence": was_mine or rights.may("read-evidence", groups),
        "survey": serves and told["may_answer"],
        "appeal": serves and told["may_appeal"],
        "withdraw": serves and asked.withdrawal_is_open(tx, complaint),
        "extend": has(who, complaint) and extensions.may_be_asked(tx, complaint),
        "mark": is_kept and rights.may("mark-complaint", groups),
    }


def _was_mine(tx: Transaction, complaint: Complaint, who: Actor) -> bool:
    return who.name == complaint.owner_person or who.name in appeals.worked_on(tx, complaint.number)


def _case_files(services: DeskServices, tx: Transaction, complaint: Complaint, who: Actor) -> tuple[str, ...]:
    """The compiled case files that this person may have: the masked one, and with the right the whole one."""
    whole = services.rights.may("read-case-file", who.groups) or _was_mine(tx, complaint, who)
    able = {"customer": whole or works_on(tx, who, complaint) or who.groups is None, "authority": whole}
    return tuple(
        each
        for each in _AUDIENCES
        if able[each] and evidence.case_file(tx, complaint.number, each) is not None
    )


def _people(found: Mapping[str, Any], mine: Mapping[str, Any]) -> set[str | None]:
    """Everybody whom the page names."""
    people: set[str | None] = {(found.get("owner") or {}).get("person")}
    people |= {each["who"] for each in found["timeline"]} | {each["added_by"] for each in found["evidence"]}
    people |= {each["by"] for each in found["marks"]} | {each.author for each in mine["notes"] or ()}
    return people


def told_deadlines(case: Mapping[str, Any], now: datetime) -> list[dict[str, Any]]:
    """The deadlines with how urgent they are and how much of their time is gone."""
    received = datetime.fromisoformat(case["received_at"])
    told = []
    for each in case["deadlines"]:
        due_at = datetime.fromisoformat(each["due_at"])
        met_at = datetime.fromisoformat(each["met_at"]) if each["met_at"] else None
        word: str
        word, used = overview.urgency(received, due_at, met_at or now)
        if met_at is not None:
            word = "missed" if each["missed"] else "met"
        told.append({"kind": each["kind"], "due_at": due_at, "met_at": met_at, "urgency": word, "used": used})
    return told
