"""Complaints as TM Forum trouble tickets: the same case in other words, and nothing more than the process allows."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.desk.calling import system
from tests.desk_server import RunningDesk, add_complaint, add_person
from workers.store import complaints, notes
from workers.store.tables import Answer, Complaint

TICKETS = "/api/v1/tmf621/troubleTicket"
TICKET: dict[str, Any] = {
    "@type": "TroubleTicket",
    "description": "套餐多扣了费，要求退还",
    "severity": "Minor",
    "ticketType": "complaint",
    "channel": {"id": "app", "@type": "ChannelRef"},
    "externalIdentifier": [{"id": "CRM-4711", "owner": "crm", "externalIdentifierType": "case"}],
    "relatedParty": [
        {
            "role": "customer",
            "partyOrPartyRole": {
                "@type": "Individual",
                "name": "王小明",
                "contactMedium": [{"@type": "PhoneContactMedium", "phoneNumber": "13800138000"}],
            },
        }
    ],
    "troubleTicketCharacteristic": [
        {"name": "policy", "value": "petition"},
        {"name": "province", "value": "浙江省"},
        {"name": "product", "value": "mobile"},
    ],
}


def test_a_ticket_is_a_complaint_and_reads_back_masked(desk: RunningDesk, api: httpx.Client) -> None:
    """The customer's words and telephone number are not in it; twice the same identifier is once."""
    made = api.post(TICKETS, json=TICKET)
    again = api.post(TICKETS, json=TICKET)
    assert (made.status_code, again.status_code) == (201, 200)
    number = made.json()["id"]
    assert again.json()["id"] == number
    assert made.headers["location"] == made.json()["href"] == f"{TICKETS}/{number}"
    with desk.database.read() as tx:
        row = complaints.look(tx, number)
        kept = (row.text, row.channel, row.external_ref, row.province, row.product, row.customer_name)
    assert kept == (TICKET["description"], "app", "CRM-4711", "浙江省", "mobile", "王小明")
    found = api.get(f"{TICKETS}/{number}").json()
    assert (found["status"], found["severity"], found["ticketType"]) == ("acknowledged", "Minor", "complaint")
    assert found["statusChangeHistory"][0]["status"] == "acknowledged"
    assert "13800138000" not in str(found)
    assert "多扣" not in str(found)
    assert found["relatedParty"][-1]["role"] == "customer"


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        ("received", "acknowledged"),
        ("accepted", "acknowledged"),
        ("in-progress", "inProgress"),
        ("resolved", "resolved"),
        ("closed", "closed"),
        ("withdrawn", "cancelled"),
    ],
)
def test_every_state_has_its_word(sqlite_desk: RunningDesk, ours: str, theirs: str) -> None:
    number = add_complaint(sqlite_desk)
    with sqlite_desk.database.begin() as tx:
        tx.get_one(Complaint, number).status = ours
    with sqlite_desk.client() as client:
        assert client.get(f"{TICKETS}/{number}").json()["status"] == theirs
        assert [each["id"] for each in client.get(TICKETS, params={"status": theirs}).json()] == [number]
        assert client.get(TICKETS, params={"status": "held"}).json() == []


def test_the_list_is_counted_and_cut_as_tm_forum_has_it(desk: RunningDesk, api: httpx.Client) -> None:
    """offset, limit, fields; 206 as long as it is not the whole list."""
    numbers = [add_complaint(desk) for _ in range(3)]
    part = api.get(TICKETS, params={"offset": 1, "limit": 1, "fields": "status"})
    assert (part.status_code, part.headers["x-total-count"], part.headers["x-result-count"]) == (
        206,
        "3",
        "1",
    )
    (found,) = part.json()
    assert found == {
        "@type": "TroubleTicket",
        "id": numbers[1],
        "href": f"{TICKETS}/{numbers[1]}",
        "status": "acknowledged",
    }
    whole = api.get(TICKETS)
    assert (whole.status_code, len(whole.json())) == (200, 3)
    assert list(api.get(f"{TICKETS}/{numbers[0]}", params={"fields": "status"}).json()) == [
        "@type",
        "id",
        "href",
        "status",
    ]


def test_cancelling_a_ticket_withdraws_the_complaint(desk: RunningDesk, api: httpx.Client) -> None:
    number = add_complaint(desk)
    merge = {"Content-Type": "application/merge-patch+json"}
    told = api.patch(
        f"{TICKETS}/{number}", json={"status": "cancelled", "statusChangeReason": "客户撤诉"}, headers=merge
    )
    assert told.status_code == 200
    with desk.database.read() as tx:
        assert [each.value for each in tx.query(Answer)] == ["客户撤诉"]
    again = api.patch(f"{TICKETS}/{number}", json={"status": "cancelled"})
    assert again.status_code == 409


def test_notes_are_added_and_read_by_who_may_read_them(desk: RunningDesk, api: httpx.Client) -> None:
    """What people wrote is shown to systems with the scope for it only."""
    number = add_complaint(desk)
    add_person(desk, "lin.qiantai", "front-desk")
    sent = {"note": [{"text": "客户来电催办", "author": "lin.qiantai", "@type": "Note"}]}
    key = {"Idempotency-Key": "b3b6d3b0-6c3e-4f0e-8f0e-0f8b1c7e6a52"}
    for _ in range(2):
        assert api.patch(f"{TICKETS}/{number}", json=sent, headers=key).status_code == 200
    with desk.database.read() as tx:
        assert [(each.author, each.text) for each in notes.of(tx, number)] == [
            ("lin.qiantai", "客户来电催办")
        ]
    assert [each["text"] for each in api.get(f"{TICKETS}/{number}").json()["note"]] == ["客户来电催办"]
    with (
        system(desk, "complaints:read") as crm,
        system(desk, "complaints:read", "evidence:read", name="b") as both,
    ):
        assert "note" not in crm.get(f"{TICKETS}/{number}").json()
        assert "note" in both.get(f"{TICKETS}/{number}").json()


def test_a_stale_change_is_refused(desk: RunningDesk, api: httpx.Client) -> None:
    number = add_complaint(desk)
    tag = api.get(f"{TICKETS}/{number}").headers["etag"]
    assert api.get(f"{TICKETS}/{number}", headers={"If-None-Match": tag}).status_code == 304
    sent = {"note": [{"text": "客户来电催办", "author": "anyone"}]}
    assert api.patch(f"{TICKETS}/{number}", json=sent, headers={"If-Match": tag}).status_code == 200
    assert api.patch(f"{TICKETS}/{number}", json=sent, headers={"If-Match": tag}).status_code == 412


@pytest.mark.parametrize(
    "change",
    [
        {"status": "closed"},
        {"status": "cancelled", "note": [{"text": "x", "author": "anyone"}]},
        {"description": "另一件事"},
        {"statusChangeReason": "x"},
        {"note": [{"text": ""}]},
        {"note": [{"text": "没有署名"}]},
        {},
        [],
    ],
)
def test_what_the_process_does_not_allow_is_refused(sqlite_desk: RunningDesk, change: object) -> None:
    number = add_complaint(sqlite_desk)
    with sqlite_desk.client() as client:
        refused = client.patch(f"{TICKETS}/{number}", json=change)
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/refused")


@pytest.mark.parametrize(
    "wrong",
    [
        {"ticketType": "incident"},
        {"relatedParty": []},
        {"description": None},
        {"channel": {"id": "pigeon"}},
        {"troubleTicketCharacteristic": [{"name": "shoe-size", "value": 43}]},
        {"troubleTicketCharacteristic": [{"name": "policy", "value": "nothing"}]},
    ],
)
def test_what_is_no_complaint_is_refused(sqlite_desk: RunningDesk, wrong: dict[str, Any]) -> None:
    with sqlite_desk.client() as client:
        refused = client.post(TICKETS, json=TICKET | wrong)
        assert (
            client.post(TICKETS, content=b"{", headers={"Content-Type": "application/json"}).status_code
            == 422
        )
    assert refused.status_code == 422
    assert "13800138000" not in refused.text


def test_an_event_is_no_ticket(desk: RunningDesk, api: httpx.Client) -> None:
    event = {"as": "a.b", "policy": "petition", "kind": "hall-outage", "region": {"province": "浙江"}}
    number = api.post("/api/v1/events", json=event).json()["number"]
    assert api.get(f"{TICKETS}/{number}").status_code == 404
    assert api.patch(f"{TICKETS}/{number}", json={"status": "cancelled"}).status_code == 404
