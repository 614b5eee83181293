"""Evidence, marks, appeals and case files over the API (rules B4, B7, B9, B10, D11)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from tests.desk_server import RunningDesk, add_complaint, add_person
from workers.store import complaints, evidence
from workers.store.tables import EngineRequest

LETTER = "客户来信：多扣三十元，要求核查。".encode()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(40) + b"IEND\xaeB`\x82"


def send(client: httpx.Client, number: str, content: bytes, **query: str) -> httpx.Response:
    asked = {"as": "li.na", "kind": "document", "name": "letter.txt"} | query
    return client.post(f"/api/v1/complaints/{number}/evidence", params=asked, content=content)


def kept(desk: RunningDesk) -> int:
    return sum(path.is_file() for path in desk.files.rglob("*"))


@pytest.fixture
def number(sqlite_desk: RunningDesk) -> str:
    return add_complaint(sqlite_desk)


@pytest.fixture
def client(sqlite_desk: RunningDesk) -> Any:
    with sqlite_desk.client() as found:
        yield found


def test_B4_evidence_is_added_once_and_shown(
    sqlite_desk: RunningDesk, client: httpx.Client, number: str
) -> None:
    """The same file twice is one piece; the case shows it, the timeline says who added it."""
    first, second = send(client, number, LETTER), send(client, number, LETTER, name="again.txt")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    case = client.get(f"/api/v1/complaints/{number}").json()
    assert [each["name"] for each in case["evidence"]] == ["letter.txt"]
    assert [each["who"] for each in case["timeline"] if each["code"] == "evidence-added"] == ["li.na"]
    assert client.get(f"/api/v1/complaints/{number}/evidence").json() == case["evidence"]
    assert kept(sqlite_desk) == 1


@pytest.mark.parametrize(
    ("content", "query", "status"),
    [
        (b"", {}, 422),
        (PNG[:30], {}, 422),
        (b"MZ" + bytes(100), {}, 422),
        (PNG, {"kind": "video"}, 422),
        (PNG, {"kind": "rumour"}, 422),
        (b"x" * (3 * 1024 * 1024 + 1), {}, 413),
        (LETTER, {"as": "customer"}, 422),
    ],
)
def test_B9_what_is_no_evidence_is_refused_and_leaves_nothing(
    sqlite_desk: RunningDesk,
    client: httpx.Client,
    number: str,
    content: bytes,
    query: dict[str, str],
    status: int,
) -> None:
    """A sentence says why; neither a row nor a file stays."""
    refused = send(client, number, content, **query)
    assert refused.status_code == status
    assert refused.json()["detail"]
    assert client.get(f"/api/v1/complaints/{number}/evidence").json() == []
    assert kept(sqlite_desk) == 0


def test_B9_a_file_longer_than_other_requests_is_taken(client: httpx.Client, number: str) -> None:
    """This call may be longer than 1 MiB (test_api tells of the others); a case has as many files as is set."""
    for count in range(5):
        assert send(client, number, b"%d " % count + b"x" * 2_000_000).status_code == 201
    assert "as many as it may have" in send(client, number, LETTER).json()["detail"]


def test_B10_evidence_is_read_by_people_who_work_on_the_case(
    sqlite_desk: RunningDesk, client: httpx.Client, number: str
) -> None:
    """Duty staff, the owner and the groups with the right may; somebody else may not."""
    add_person(sqlite_desk, "owner", "billing")
    add_person(sqlite_desk, "stranger", "billing")
    add_person(sqlite_desk, "auditor", "auditor")
    with sqlite_desk.database.begin() as tx:
        complaints.get(tx, number).owner_person = "owner"
    sha256 = send(client, number, LETTER).json()["sha256"]
    answers = {
        person: client.get(f"/api/v1/complaints/{number}/evidence/{sha256}", params={"as": person})
        for person in ("owner", "auditor", "duty", "stranger")
    }
    assert {person: answer.status_code for person, answer in answers.items()} == {
        "owner": 200,
        "auditor": 200,
        "duty": 200,
        "stranger": 403,
    }
    assert answers["owner"].content == LETTER
    assert answers["owner"].headers["content-disposition"].startswith("attachment")


def test_B9_a_mark_is_set_and_taken_back_by_people_with_the_right(
    sqlite_desk: RunningDesk, client: httpx.Client, number: str
) -> None:
    """With grounds, once; both entries stay; the grounds are not in the case."""
    add_person(sqlite_desk, "group.head", "complaint-group")
    add_person(sqlite_desk, "clerk", "billing")
    marks = f"/api/v1/complaints/{number}/marks"
    body = {"as": "group.head", "mark": "false", "grounds": "录音与投诉内容不符"}
    assert client.post(marks, json={**body, "as": "clerk"}).status_code == 403
    assert client.post(marks, json={**body, "grounds": "  "}).status_code == 422
    assert client.post(f"{marks}/reversal", json=body).status_code == 409
    assert client.post(marks, json=body).json() == {"number": number, "marked": ["false"]}
    assert client.post(marks, json=body).status_code == 409
    shown = client.get(f"/api/v1/complaints/{number}")
    assert shown.json()["marked"] == ["false"]
    assert "录音" not in shown.text
    assert client.post(f"{marks}/reversal", json=body).json()["marked"] == []
    history = client.get(marks, params={"as": "group.head"}).json()
    assert [(each["is_set"], each["grounds"]) for each in history] == [
        (True, body["grounds"]),
        (False, body["grounds"]),
    ]
    assert client.get(marks, params={"as": "clerk"}).status_code == 403
    assert shown.json()["status"] == "received"


def test_B9_the_page_shows_appeal_evidence_and_marks(
    sqlite_desk: RunningDesk, client: httpx.Client, number: str
) -> None:
    """A closed complaint with an appeal is shown as such, with its evidence and marks, in words."""
    send(client, number, LETTER)
    body = {"as": "duty", "mark": "malicious", "grounds": "录音为证"}
    client.post(f"/api/v1/complaints/{number}/marks", json=body)
    with sqlite_desk.database.begin() as tx:
        complaint = complaints.get(tx, number)
        complaint.status, complaint.closed_at = "closed", sqlite_desk.clock.now()
    filed = client.post(f"/api/v1/complaints/{number}/appeal", json={"reason": "金额不对"}).json()
    page = client.get(f"/complaints/{number}").text
    assert all(word in page for word in (filed["appeal"], "letter.txt", "恶意投诉", "已登记证据（文件）"))
    assert "录音为证" not in page


def test_B9_marks_cannot_be_changed_in_the_database(sqlite_desk: RunningDesk, number: str) -> None:
    """Not even by hand."""
    database = sqlite_desk.database
    with database.begin() as tx:
        evidence.mark(
            tx, number, "malicious", is_set=True, grounds="x", by="li.na", at=sqlite_desk.clock.now()
        )
    for deed in ("update marks set grounds = 'y'", "delete from marks"):
        with pytest.raises(DatabaseError, match="append-only"), database.begin() as tx:
            tx.execute(text(deed))


def test_B7_an_appeal_needs_a_closed_complaint_and_comes_once(
    sqlite_desk: RunningDesk, client: httpx.Client, number: str
) -> None:
    """While it runs the answer says what is going on; once closed the process is owed, once."""
    appeal = f"/api/v1/complaints/{number}/appeal"
    open_one = client.post(appeal, json={"reason": "金额不对"})
    assert open_one.status_code == 409
    assert "received" in open_one.json()["detail"]
    with sqlite_desk.database.begin() as tx:
        complaint = complaints.get(tx, number)
        complaint.status, complaint.closed_at = "closed", sqlite_desk.clock.now()
    assert client.post(appeal, json={"reason": " "}).status_code == 422
    filed = client.post(appeal, json={"reason": "金额不对"})
    again = client.post(appeal, json={"reason": "金额不对"})
    assert (filed.status_code, again.status_code) == (200, 409)
    assert filed.json()["appeal"] in again.json()["detail"]
    case = client.get(f"/api/v1/complaints/{number}").json()
    assert (case["status"], case["appeal"]["status"], case["appeal"]["origin"]) == (
        "closed",
        "in-progress",
        "filed",
    )
    with sqlite_desk.database.read() as tx:
        assert tx.query(EngineRequest).filter_by(name="appeal-filed").count() == 1


def test_B7_a_case_file_that_is_not_there_is_told(client: httpx.Client, number: str) -> None:
    """It is compiled when an appeal stays unsolved."""
    missing = client.get(f"/api/v1/complaints/{number}/case-file", params={"as": "li.na"})
    assert missing.status_code == 404
    assert "compiled when" in missing.json()["detail"]
