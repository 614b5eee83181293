"""The API as scripts see it: who gets in, what is refused and how that is said."""

from __future__ import annotations

import json
import re
import socket
import threading
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.desk_server import (
    DEFINITION,
    ROOT,
    RunningDesk,
    add_complaint,
    add_incident,
    add_person,
    add_task,
    refuse_resolving,
    running,
)
from workers.desk.problem_kinds import KINDS, PAGES
from workers.desk.services import Health
from workers.names import LARGEST_BODY
from workers.store import complaints, deadlines, timeline
from workers.store.database import Database
from workers.store.tables import Answer, Complaint, EngineRequest

LINE = {"policy": "petition", "channel": "web", "text": "套餐多扣了费", "customer": {"phone": "13800138000"}}


def test_a_complaint_is_created_once(desk: RunningDesk, api: httpx.Client) -> None:
    first = api.post("/api/v1/complaints", json={**LINE, "external_ref": "A-1"})
    again = api.post("/api/v1/complaints", json={**LINE, "external_ref": "A-1"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json() == again.json()
    assert list(first.json()) == ["number"]
    assert desk.woken == 1


def test_the_same_complaint_from_many_at_once_is_one(desk: RunningDesk) -> None:
    numbers: list[str] = []

    def send() -> None:
        with desk.client() as client:
            numbers.append(
                client.post("/api/v1/complaints", json={**LINE, "external_ref": "A-1"}).json()["number"]
            )

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(numbers) == 8
    assert len(set(numbers)) == 1
    with desk.database.read() as tx:
        assert tx.query(Complaint).count() == 1
        assert tx.query(EngineRequest).count() == 1


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff", b'{"text": NaN}', b"[" * 10_000])
def test_what_is_no_complaint_is_refused_in_a_sentence(sqlite_desk: RunningDesk, body: bytes) -> None:
    with sqlite_desk.client() as client:
        answer = client.post("/api/v1/complaints", content=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["error"] == answer.json()["detail"] != ""
    assert answer.json()["status"] == 422


def test_an_unknown_policy_is_refused(sqlite_desk: RunningDesk) -> None:
    with sqlite_desk.client() as client:
        answer = client.post("/api/v1/complaints", json={**LINE, "policy": "broadband"})
    assert answer.status_code == 422
    assert "petition" in answer.json()["error"]


def test_a_body_that_is_too_long_is_refused_before_it_is_read(sqlite_desk: RunningDesk) -> None:
    address = urlsplit(sqlite_desk.url)
    with socket.create_connection((address.hostname, address.port), 60) as connection:
        head = ["POST /api/v1/complaints HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {LARGEST_BODY + 1}"]
        connection.sendall("\r\n".join([*head, "", ""]).encode())
        assert connection.recv(1024).startswith(b"HTTP/1.1 413 ")


def test_a_long_body_of_unknown_length_is_refused(sqlite_desk: RunningDesk) -> None:
    def chunks() -> Any:
        for _ in range(33):
            yield b"x" * 32 * 1024

    with sqlite_desk.client() as client:
        answer = client.post("/api/v1/complaints", content=chunks())
    assert answer.status_code == 413
    assert "longer" in answer.json()["detail"]


@pytest.mark.parametrize(
    "authorization",
    [None, "", "Bearer", "Bearer wrong", "Basic a-token-for-tests", "a-token-for-tests", "Bearer \xff"],
)
@pytest.mark.parametrize("path", ["complaints/x", "tasks", "incidents", "openapi.json", "nothing"])
def test_nothing_of_the_api_without_the_token(
    sqlite_desk_for_module: RunningDesk, authorization: str | None, path: str
) -> None:
    headers = {"Authorization": authorization.encode("latin-1")} if authorization is not None else {}
    with sqlite_desk_for_module.client(None) as client:
        answer = client.get(f"/api/v1/{path}", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert "token" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1", 200),
        ("localhost:8700", 200),
        ("[::1]:8700", 200),
        ("duban.example", 200),
        ("DUBAN.example:443", 200),
        ("evil.example", 421),
        ("127.0.0.1.evil.example", 421),
        ("", 421),
        ("[", 421),
    ],
)
def test_only_known_host_names_are_answered(
    sqlite_desk_for_module: RunningDesk, host: str, status: int
) -> None:
    with sqlite_desk_for_module.client(None) as client:
        assert client.get("/healthz", headers={"Host": host}).status_code == status


@pytest.mark.parametrize("path", ["/", "/healthz", "/static/page.css", "/nothing", "/api/v1/tasks"])
def test_every_answer_carries_the_security_headers(sqlite_desk_for_module: RunningDesk, path: str) -> None:
    with sqlite_desk_for_module.client(None) as client:
        headers = client.get(path).headers
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"


def test_paths_that_are_not_there_are_problems_too(sqlite_desk: RunningDesk) -> None:
    with sqlite_desk.client() as client:
        for method, path, status in (
            ("GET", "/api/v1/nothing", 404),
            ("DELETE", "/api/v1/tasks", 405),
            ("GET", "/api/v1/complaints/%00", 404),
            ("GET", "/api/v1/complaints/TS1", 404),
        ):
            answer = client.request(method, path)
            assert (answer.status_code, answer.headers["content-type"]) == (
                status,
                "application/problem+json",
            ), path
            assert answer.json()["detail"]


def test_what_is_no_json_is_said_to_be_none(sqlite_desk: RunningDesk) -> None:
    """A form, or what curl sends by itself; without any type it is taken for JSON."""
    raw = json.dumps(LINE).encode()
    with sqlite_desk.client() as client:
        for sent, status in (
            ("application/x-www-form-urlencoded", 415),
            ("text/plain", 415),
            ("application/json; charset=utf-8", 201),
            ("application/problem+json", 201),
        ):
            answer = client.post("/api/v1/complaints", content=raw, headers={"Content-Type": sent})
            assert answer.status_code == status, sent
        refused = client.post("/api/v1/complaints/TS1/withdrawal", data={"reason": "x"})
        assert client.post("/api/v1/complaints", content=raw).status_code == 201
    assert (refused.status_code, refused.headers["accept-post"]) == (415, "application/json")
    assert refused.json()["type"] == "/problems/unsupported-media-type"


def test_every_kind_of_problem_is_explained_where_its_type_says(sqlite_desk: RunningDesk) -> None:
    """To everybody: who is refused has no login, perhaps. docs/api.md has the same sentences."""
    page = (ROOT / "docs" / "api.md").read_text(encoding="utf-8")
    documented = dict(re.findall(r"^\| `(/problems/[^`]+)` \| \d+ \| (.*) \|$", page, re.MULTILINE))
    assert documented == {PAGES + name: kind.en for name, kind in KINDS.items()}
    with sqlite_desk.client(None) as client:
        for name, kind in KINDS.items():
            answer = client.get(PAGES + name)
            assert answer.status_code == 200
            assert kind.zh in answer.text
        assert client.get("/problems/nothing").status_code == 404
        assert client.get("/api/v1/tasks").json()["type"] == "/problems/not-signed-in"


def test_a_method_that_there_is_not_names_those_there_are(sqlite_desk: RunningDesk) -> None:
    with sqlite_desk.client() as client:
        answer = client.put("/api/v1/complaints/TS1", json={})
    assert (answer.status_code, answer.json()["type"]) == (405, "/problems/method-not-allowed")
    assert answer.headers["allow"] == "GET"


def test_an_error_inside_tells_nothing(sqlite_desk: RunningDesk) -> None:
    with sqlite_desk.database.engine.connect() as connection:
        connection.exec_driver_sql("alter table incidents rename to lost")
        connection.commit()
    with sqlite_desk.client() as client:
        answer = client.get("/api/v1/incidents")
    assert answer.status_code == 500
    assert "lost" not in answer.text
    assert "incidents" not in answer.json()["detail"]


def test_health(sqlite_desk: RunningDesk) -> None:
    with sqlite_desk.client(None) as client:
        assert client.get("/healthz").json() == {"ok": True}
        ready = client.get("/readyz")
        assert (ready.status_code, set(ready.json()["parts"])) == (200, {"engine", "database", "records"})
        sqlite_desk.health["engine"] = Health(False, "the gateway does not answer")
        ready = client.get("/readyz")
    assert ready.status_code == 503
    assert ready.json()["ok"] is False
    assert ready.json()["parts"]["engine"] == {"ok": False, "says": "the gateway does not answer"}
    assert ready.json()["parts"]["database"]["ok"] is True


def test_a_store_that_does_not_answer_is_said(sqlite_desk: RunningDesk) -> None:
    with sqlite_desk.database.engine.connect() as connection:
        connection.exec_driver_sql("alter table complaints rename to lost")
        connection.commit()
    with sqlite_desk.client(None) as client:
        ready = client.get("/readyz")
        assert client.get("/").status_code == 500
    assert ready.status_code == 503
    assert ready.json()["parts"]["database"]["says"].endswith("does not answer (OperationalError).")


def test_incidents(desk: RunningDesk, api: httpx.Client) -> None:
    number = add_complaint(desk)
    key = add_incident(desk, number)
    (found,) = api.get("/api/v1/incidents").json()
    assert found.pop("since").endswith("+08:00") and found.pop("cause_id")
    assert found == {
        "key": key,
        "number": number,
        "name": "Task_VerifyComplaint",
        "cause": "Broken: the policy has no row",
        "why": {"zh": "任务多次处理失败，已停止重试", "en": "the work failed as often as it may"},
        "error_type": "JOB_NO_RETRIES",
        "process": "complaint-handling",
        "element": "Task_VerifyComplaint",
        "same": 1,
        "instance": f"7{key[1:]}",
        "diagram": DEFINITION,
    }
    assert api.post(f"/api/v1/incidents/{key}/retry").json() == {"incident": key, "state": "retried"}
    assert desk.engine.resolved == [(key, "77")]
    add_incident(desk, number)
    refuse_resolving(desk)
    assert api.post(f"/api/v1/incidents/{key}/retry").status_code == 409
    assert api.post("/api/v1/incidents/1/retry").status_code == 404


def test_without_a_test_clock_time_is_not_moved(sqlite_database: Database) -> None:
    with running(sqlite_database, has_test_clock=False) as desk, desk.client() as client:
        answer = client.post("/api/v1/clock/advance", json={"by": "PT1H"})
    assert answer.status_code == 409
    assert "--test-clock" in answer.json()["detail"]


def test_withdrawal_keeps_the_reason_out_of_the_engine(desk: RunningDesk, api: httpx.Client) -> None:
    number = add_complaint(desk)
    answer = api.post(
        f"/api/v1/complaints/{number}/withdrawal", json={"reason": "家里电话 13900139000 也好了"}
    )
    assert answer.status_code == 200, answer.text
    with desk.database.read() as tx:
        (request,) = tx.query(EngineRequest).filter_by(name="complaint-withdrawn").all()
        assert "13900139000" not in json.dumps(request.variables)
        (kept,) = tx.query(Answer).filter_by(number=number).all()
        assert (kept.field, kept.value, kept.is_final) == (
            "withdrawal_reason",
            "家里电话 13900139000 也好了",
            True,
        )
        assert "13900139000" not in json.dumps([entry.facts for entry in timeline.of(tx, number)])
    assert api.post(f"/api/v1/complaints/{number}/withdrawal", json={}).status_code == 409
    assert api.post("/api/v1/complaints/TS1/withdrawal", json={}).status_code == 404
    assert "13900139000" not in api.get(f"/api/v1/complaints/{number}").text


def test_C6_more_time_is_asked_for_once_and_the_reason_stays_in_the_store(
    desk: RunningDesk, api: httpx.Client
) -> None:
    """Whoever has the complaint asks; nobody else, not before there is a deadline, and not twice at a time."""
    number = add_complaint(desk)
    path = f"/api/v1/complaints/{number}/extension"
    body = {"as": "desk.duty", "reason": "客户 13900139000 周四才在家"}
    assert api.post(path, json=body).status_code == 409, "it has no deadline yet"
    with desk.database.begin() as tx:
        complaint = complaints.get(tx, number)
        complaint.category, complaint.owner_group, complaint.owner_person = "other", "billing", "li.jing"
        deadlines.put(tx, number, "result", desk.clock.now() + timedelta(hours=72))
    add_person(desk, "outsider", "front-desk")
    assert api.post(path, json={**body, "as": "outsider"}).status_code == 403
    answer = api.post(path, json=body)
    assert answer.json() == {"number": number, "extension": "asked"}
    assert api.post(path, json=body).status_code == 409, "it is being decided"
    with desk.database.read() as tx:
        (request,) = tx.query(EngineRequest).filter_by(name="extension-requested").all()
        assert request.variables == {"requested_by": "desk.duty", "extension_count": 0, "category": "other"}
        (kept,) = tx.query(Answer).filter_by(number=number).all()
        assert (kept.field, kept.author) == ("extension_reason", "desk.duty")
    assert "13900139000" not in api.get(f"/api/v1/complaints/{number}").text


def test_a_survey_is_answered_once(desk: RunningDesk, api: httpx.Client) -> None:
    number = add_complaint(desk)
    with desk.database.begin() as tx:
        tx.get_one(Complaint, number).status = "resolved"
        timeline.add(tx, number, desk.clock.now(), "duban", "resolved", f"{number}:resolved")
    answer = {"satisfaction": "dissatisfied", "is_solved": False, "comment": "还是很慢"}
    assert api.post(f"/api/v1/complaints/{number}/survey", json=answer).status_code == 200
    assert api.post(f"/api/v1/complaints/{number}/survey", json=answer).status_code == 409
    with desk.database.read() as tx:
        (request,) = tx.query(EngineRequest).filter_by(name="survey-answered").all()
        assert request.variables == {"satisfaction": "dissatisfied", "is_solved": False}
        assert [row.value for row in tx.query(Answer).filter_by(number=number)] == ["还是很慢"]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"satisfaction": "great", "is_solved": True},
        {"satisfaction": "satisfied", "is_solved": "yes"},
        {"satisfaction": "satisfied", "is_solved": True, "colour": 1},
        {"satisfaction": "satisfied", "is_solved": True, "comment": "a\x00b"},
        {"satisfaction": "satisfied", "is_solved": True, "comment": "x" * 4001},
        [],
        None,
    ],
)
def test_a_survey_that_does_not_fit(sqlite_desk: RunningDesk, body: Any) -> None:
    with sqlite_desk.client() as client:
        answer = client.post("/api/v1/complaints/TS1/survey", json=body)
    assert answer.status_code == 422
    assert answer.json()["detail"]


def test_tasks_come_with_what_is_needed_to_decide(desk: RunningDesk, api: httpx.Client) -> None:
    number = add_complaint(desk)
    task = add_task(desk, number)
    (found,) = api.get("/api/v1/tasks").json()
    assert (found["task"], found["number"], found["form"], found["assignee"]) == (
        task,
        number,
        "settle-complaint",
        None,
    )
    assert [each["key"] for each in found["fields"]] == ["is_settled", "customer_reply"]
    assert api.get("/api/v1/tasks", params={"as": "anyone"}).json() == [found]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
PATHS = (
    "complaints",
    "complaints/TS1/withdrawal",
    "complaints/TS1/extension",
    "complaints/TS1/survey",
    "tasks/1/completion",
    "clock/advance",
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(PATHS), body=JSON)
def test_whatever_is_sent_is_answered_in_a_sentence(
    sqlite_desk_for_module: RunningDesk, path: str, body: Any
) -> None:
    with sqlite_desk_for_module.client() as client:
        answer = client.post(f"/api/v1/{path}", content=json.dumps(body).encode())
    assert answer.status_code in {404, 409, 422}
    assert answer.json()["detail"]
