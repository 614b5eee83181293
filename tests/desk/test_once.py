"""A write that is sent again with its Idempotency-Key is answered again, not done again; not even after a crash."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import httpx
import pytest
from fastapi.responses import JSONResponse
from sqlalchemy import func, select

from tests.desk.calling import system
from tests.desk_server import RunningDesk, add_complaint, add_person, add_task
from workers.cases.complaint import check
from workers.desk.once import Claim
from workers.store import intake, once
from workers.store.account_tables import AuditEntry
from workers.store.api_tables import OnceRequest
from workers.store.incident_tables import MajorIncident
from workers.store.suggestion_tables import Suggestion
from workers.store.tables import Answer, Complaint

LINE = {"policy": "petition", "channel": "web", "text": "套餐多扣了费", "customer": {"phone": "13800138000"}}
EVENT = {
    "as": "lin.qiantai",
    "policy": "petition",
    "kind": "hall-outage",
    "region": {"province": "浙江省"},
    "text": "营业厅停业，顾客13800138000排队",
}
KEY = "0f8b1c7e-6a52-4b0e-9d3a-1c2d3e4f5a6b"


def send(client: httpx.Client, path: str, body: Any, key: str = KEY) -> httpx.Response:
    return client.post(f"/api/v1{path}", json=body, headers={"Idempotency-Key": key})


def count(desk: RunningDesk, table: type[Any]) -> int:
    with desk.database.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(table)) or 0)


@pytest.mark.parametrize(
    ("path", "body", "table"),
    [
        ("/complaints", LINE, Complaint),
        ("/events", EVENT, MajorIncident),
        ("/suggestions", {"as": "lin.qiantai", "text": "账单写清楚些"}, Suggestion),
    ],
)
def test_what_is_made_is_made_once(
    desk: RunningDesk, api: httpx.Client, path: str, body: dict[str, Any], table: type[Any]
) -> None:
    first = send(api, path, body)
    again = send(api, path, body)
    assert first.status_code == again.status_code == 201
    assert first.content == again.content
    assert first.headers.get("location") == again.headers.get("location")
    assert (first.headers.get("idempotency-replayed"), again.headers["idempotency-replayed"]) == (
        None,
        "true",
    )
    assert count(desk, table) == 1
    assert count(desk, AuditEntry) == 1, "it was done once"
    assert send(api, path, body, key=KEY[::-1]).json() != first.json(), "another key is another request"


def test_a_withdrawal_a_completion_and_a_file_are_answered_again(
    desk: RunningDesk, api: httpx.Client
) -> None:
    """Without the key the second one hears that it was done before."""
    number = add_complaint(desk)
    key = add_task(desk, number)
    answers = {"as": "lin.qiantai", "variables": {"is_settled": True, "customer_reply": "已处理"}}
    for path, body in (
        (f"/tasks/{key}/completion", answers),
        (f"/complaints/{number}/withdrawal", {"reason": "已解决，不投诉了"}),
    ):
        first, again = send(api, path, body), send(api, path, body)
        assert (first.status_code, again.status_code) == (200, 200)
        assert first.content == again.content
        assert api.post(f"/api/v1{path}", json=body).status_code == 409
    file = f"/api/v1/complaints/{number}/evidence?as=lin.qiantai&kind=document&name=话费单.txt"
    sent = {"content": "话费单".encode(), "headers": {"Idempotency-Key": KEY}}
    first, again = api.post(file, **sent), api.post(file, **sent)
    assert (first.status_code, again.status_code, first.content) == (201, 201, again.content)
    other = api.post(file, content="另一份".encode(), headers={"Idempotency-Key": KEY})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert len(desk.engine.completions) == 1


def test_the_same_key_for_something_else_is_refused(desk: RunningDesk, api: httpx.Client) -> None:
    send(api, "/complaints", LINE)
    other = send(api, "/complaints", {**LINE, "text": "另一件事"})
    assert (other.status_code, other.json()["type"]) == (422, "/problems/idempotency-key-reused")
    assert count(desk, Complaint) == 1


def test_a_refusal_is_not_kept(desk: RunningDesk, api: httpx.Client) -> None:
    """It changed nothing: the corrected request may come with the same key."""
    assert send(api, "/complaints", {**LINE, "policy": "x"}).status_code == 422
    assert send(api, "/complaints", LINE).status_code == 201
    assert count(desk, OnceRequest) == 1


def test_keys_of_two_systems_are_two_keys(desk: RunningDesk, api: httpx.Client) -> None:
    with system(desk, "complaints:write") as crm:
        assert send(api, "/complaints", LINE).json() != send(crm, "/complaints", LINE).json()


def test_an_answer_is_for_whoever_may_still_ask(desk: RunningDesk, api: httpx.Client) -> None:
    with system(desk, "complaints:read") as reader:
        assert send(api, "/complaints", LINE).status_code == 201
        assert send(reader, "/complaints", LINE).status_code == 403


def test_many_at_once_make_one(desk: RunningDesk) -> None:
    """All but one hear that it is under way, or the same answer."""
    told: list[tuple[int, str]] = []

    def one() -> None:
        with desk.client() as client:
            answer = send(client, "/complaints", LINE)
            told.append((answer.status_code, answer.json().get("number", answer.json().get("type"))))

    threads = [threading.Thread(target=one) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(told) == 8
    assert {status for status, _ in told} <= {201, 409}
    assert len({said for status, said in told if status == 201}) == 1
    assert {said for status, said in told if status == 409} <= {"/problems/still-running"}
    assert count(desk, Complaint) == 1


@pytest.mark.parametrize("key", ["short", '"short"', "x" * 256, "1234567890 123456", '"unbalanced-quotes'])
def test_what_is_no_key(sqlite_desk: RunningDesk, key: str) -> None:
    with sqlite_desk.client() as client:
        refused = send(client, "/complaints", LINE, key=key)
    assert (refused.status_code, refused.json()["type"]) == (400, "/problems/invalid-idempotency-key")
    assert count(sqlite_desk, Complaint) == 0


def test_a_quoted_key_is_the_same_key(desk: RunningDesk, api: httpx.Client) -> None:
    """The draft has a structured string, many clients send the bare word."""
    assert send(api, "/complaints", LINE).json() == send(api, "/complaints", LINE, key=f'"{KEY}"').json()


def test_keys_are_kept_for_a_day_and_swept_then(desk: RunningDesk, api: httpx.Client) -> None:
    first = send(api, "/complaints", LINE)
    desk.clock.advance(timedelta(hours=23))
    assert send(api, "/complaints", LINE).json() == first.json()
    desk.clock.advance(timedelta(hours=1))
    assert send(api, "/complaints", LINE, key=KEY[::-1]).status_code == 201
    assert count(desk, OnceRequest) == 1
    assert send(api, "/complaints", LINE).json() != first.json()


def test_nothing_can_be_read_from_what_is_kept(desk: RunningDesk, api: httpx.Client) -> None:
    """Neither the key (clients put numbers of customers into keys) nor words of people, asked or answered."""
    key = "kunde-13800138000-beschwerde"
    asked = {"as": "lin.qiantai", "text": "王小明要求写清楚账单"}
    assert "王小明" in send(api, "/suggestions", asked, key=key).text
    with desk.database.read() as tx:
        (row,) = tx.scalars(select(OnceRequest))
    kept = b" ".join(each if isinstance(each, bytes) else str(each).encode() for each in vars(row).values())
    assert not [secret for secret in (key, "13800138000", "王小明", "lin.qiantai") if secret.encode() in kept]


def claimed(desk: RunningDesk, body: dict[str, Any]) -> tuple[Claim, str]:
    """What the claim of `POST /complaints` with KEY looks like in the store: another request took it once."""
    with desk.client() as client:
        assert send(client, "/complaints", body).status_code == 201
    with desk.database.begin() as tx:
        (row,) = tx.scalars(select(OnceRequest))
        claim, fingerprint = Claim(row.id, KEY, row.attempt), row.fingerprint
        tx.delete(row)
    return claim, fingerprint


def test_killed_before_the_work_was_done(desk: RunningDesk, api: httpx.Client) -> None:
    """For two minutes the request counts as under way; then the next try does the work."""
    claim, fingerprint = claimed(desk, LINE)
    with desk.database.begin() as tx:
        assert once.claim(tx, claim.id, fingerprint, "killed", desk.clock.now(), timedelta(days=1)) is None
    busy = send(api, "/complaints", LINE)
    assert (busy.status_code, busy.json()["type"]) == (409, "/problems/still-running")
    assert busy.headers["retry-after"] == "1"
    desk.clock.advance(once.LEASE)
    other = send(api, "/complaints", {**LINE, "text": "另一件事"})
    assert other.json()["type"] == "/problems/idempotency-key-reused"
    assert send(api, "/complaints", LINE).status_code == 201
    assert count(desk, Complaint) == 2, "the first try left nothing"


def test_killed_after_the_work_was_done(desk: RunningDesk, api: httpx.Client) -> None:
    """The answer commits with the complaint: whoever did not hear it hears it now."""
    claim, fingerprint = claimed(desk, LINE)
    with desk.database.begin() as tx:
        once.claim(tx, claim.id, fingerprint, claim.attempt, desk.clock.now(), timedelta(days=1))

    def keep(tx: Any, accepted: intake.Accepted) -> None:
        answer = claim.sealed(JSONResponse({"number": accepted.number}, 201))
        assert once.keep(tx, claim.id, claim.attempt, 201, answer)

    number = intake.accept(desk.database, desk.clock, check(LINE), also=keep).number
    again = send(api, "/complaints", LINE)
    assert (again.status_code, again.json()) == (201, {"number": number})
    assert count(desk, Complaint) == 2


def test_a_try_that_was_given_up_does_not_do_the_work_any_more(desk: RunningDesk) -> None:
    """It was only slow; another try has the key meanwhile. Its transaction is rolled back."""
    claim, fingerprint = claimed(desk, LINE)
    now = desk.clock.now()
    with desk.database.begin() as tx:
        once.claim(tx, claim.id, fingerprint, "slow", now, timedelta(days=1))
        assert once.claim(tx, claim.id, fingerprint, "next", now + once.LEASE, timedelta(days=1)) is None
        assert not once.keep(tx, claim.id, "slow", 201, b"")
        once.forget(tx, claim.id, "slow")
        assert once.keep(tx, claim.id, "next", 201, b"answer")
        once.forget(tx, claim.id, "next")
        found = once.claim(tx, claim.id, fingerprint, "third", now + once.LEASE, timedelta(days=1))
    assert found == once.Earlier(fingerprint, 201, b"answer")


def test_a_withdrawal_that_was_killed_halfway_is_not_done_twice(desk: RunningDesk, api: httpx.Client) -> None:
    """What refuses a second time by itself needs no answer of its own: the next try says that it is under way."""
    number = add_complaint(desk)
    reason = {"reason": "已解决"}
    path = f"/complaints/{number}/withdrawal"
    assert send(api, path, reason).status_code == 200
    with desk.database.begin() as tx:
        (row,) = tx.scalars(select(OnceRequest))
        row.status, row.answer = None, None
    desk.clock.advance(once.LEASE)
    assert send(api, path, reason).status_code == 409
    with desk.database.read() as tx:
        assert tx.scalars(select(Answer.value).where(Answer.number == number)).all() == ["已解决"]


def test_whoever_calls_has_keys_of_their_own(desk: RunningDesk) -> None:
    """So has each token, whoever it acts for."""
    add_person(desk, "lin.qiantai", "front-desk")
    with system(desk, "suggestions:write", username="lin.qiantai") as robot, desk.client() as own:
        body = {"as": "lin.qiantai", "text": "账单写清楚些"}
        assert send(robot, "/suggestions", body).json()["id"] != send(own, "/suggestions", body).json()["id"]
