"""Operations find what is stuck and why, and get it going again; nobody else may, or sees it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.desk.ops_rows import add_beat, add_letter, add_stuck, add_timer, add_times, add_version
from tests.desk.signing_in import Browser, add_account, required
from tests.desk_server import PROCESS, RunningDesk, add_complaint, refuse_resolving, running
from workers.errors import Refused
from workers.store.account_tables import AuditEntry
from workers.store.beats import Beat
from workers.store.database import Database
from workers.store.tables import OutboxMessage

FIRST, SECOND, THIRD = "2251799813685401", "2251799813685402", "2251799813685403"
NO_ROW = "Broken: the policy of TS20260301-000001 has no row"
NO_ROW_EITHER = "Broken: the policy of TS20260301-000002 has no row"
WU = "wu.yunwei"


@pytest.fixture
def guarded(sqlite_database: Database) -> Iterator[RunningDesk]:
    """A desk behind the login: Wu of operations, Yin of a branch."""
    with running(sqlite_database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, WU, "operations")
        add_account(found, "yin.fenzhang", "branch-management")
        add_version(found)
        yield found


def audit(desk: RunningDesk) -> list[tuple[str, str | None, str | None, dict[str, Any]]]:
    with desk.database.read() as tx:
        rows = tx.scalars(select(AuditEntry).order_by(AuditEntry.id))
        return [(row.action, row.who, row.subject, row.facts) for row in rows]


def test_what_differs_from_case_to_case_is_the_same_cause(desk: RunningDesk, api: httpx.Client) -> None:
    """Two complaints that are stuck by the same fault are one line with two in it; another fault is another line."""
    add_version(desk)
    add_stuck(desk, FIRST, NO_ROW)
    add_stuck(desk, SECOND, NO_ROW_EITHER)
    add_stuck(desk, THIRD, "KeyError in post_refund")
    causes = api.get("/api/v1/causes").json()
    assert [(each["count"], each["name"], each["process_name"]) for each in causes] == [
        (2, "核实投诉", "投诉处理"),
        (1, "核实投诉", "投诉处理"),
    ]
    assert causes[0]["why"]["zh"] == "任务多次处理失败，已停止重试"
    lines = api.get("/api/v1/incidents", params={"cause_id": causes[0]["cause_id"]}).json()
    assert [(each["key"], each["same"]) for each in lines] == [(FIRST, 2), (SECOND, 2)]
    assert len(api.get("/api/v1/incidents").json()) == 3


def test_everything_of_one_cause_is_tried_again_and_nothing_else(
    desk: RunningDesk, api: httpx.Client
) -> None:
    add_stuck(desk, FIRST, NO_ROW)
    add_stuck(desk, SECOND, NO_ROW_EITHER)
    add_stuck(desk, THIRD, "KeyError in post_refund")
    cause = api.get("/api/v1/causes").json()[0]["cause_id"]
    done = api.post("/api/v1/incidents/retry", json={"cause_id": cause, "as": "yun.weiyi"}).json()
    assert (done["retried"], done["gone"], done["refused"], done["left"]) == (2, 0, [], 0)
    assert sorted(desk.engine.resolved) == [(FIRST, f"8{FIRST[1:]}"), (SECOND, f"8{SECOND[1:]}")]
    assert [each["key"] for each in api.get("/api/v1/incidents").json()] == [THIRD]
    assert (
        "incidents-retried",
        "yun.weiyi",
        cause,
        {"element": "Task_VerifyComplaint", "count": 2},
    ) in audit(desk)
    assert api.post("/api/v1/incidents/retry", json={"cause_id": cause}).status_code == 404


def test_of_many_each_says_what_became_of_it(sqlite_desk: RunningDesk) -> None:
    """What was resolved meanwhile, and what the engine refuses, is told; nothing is claimed that did not happen."""
    add_stuck(sqlite_desk, FIRST, NO_ROW)
    with sqlite_desk.client() as client:
        cause = client.get("/api/v1/causes").json()[0]["cause_id"]
        refuse_resolving(sqlite_desk)
        assert client.post("/api/v1/incidents/retry", json={"cause_id": cause}).json()["gone"] == 1
        sqlite_desk.engine.resolve_says = Refused("仍无法继续。 The work cannot go on yet.")
        done = client.post("/api/v1/incidents/retry", json={"cause_id": cause}).json()
    assert (done["retried"], done["gone"], done["left"]) == (0, 0, 1)
    assert done["refused"][0]["key"] == FIRST
    assert audit(sqlite_desk) == []


def test_variables_are_changed_before_the_retry_and_only_their_names_are_kept(
    desk: RunningDesk, api: httpx.Client
) -> None:
    """The clerk of operations sees what the work sees, corrects one value, and the work goes on."""
    add_stuck(desk, FIRST, NO_ROW, asked_fen="0", policy='"petition"')
    found = api.get(f"/api/v1/incidents/{FIRST}").json()
    assert found["variables"] == {"asked_fen": 0, "policy": "petition"}
    changed = {"variables": {"asked_fen": 9900}, "as": "yun.weiyi"}
    assert api.post(f"/api/v1/incidents/{FIRST}/retry", json=changed).json()["state"] == "retried"
    assert desk.engine.variables == [(f"6{FIRST[1:]}", {"asked_fen": 9900})]
    assert desk.engine.resolved == [(FIRST, f"8{FIRST[1:]}")]
    assert audit(desk) == [
        ("variables-changed", "yun.weiyi", FIRST, {"variable-1": "asked_fen"}),
        ("incident-retried", "yun.weiyi", FIRST, {"element": "Task_VerifyComplaint"}),
    ]


@pytest.mark.parametrize(
    ("variables", "person", "says"),
    [
        ({"asked_fen": "9900"}, "yun.weiyi", "asked_fen"),
        ({"asked_fen": -1}, "yun.weiyi", "asked_fen"),
        ({"due_at": "tomorrow"}, "yun.weiyi", "due_at"),
        ({"customer_phone": "13800138000"}, "yun.weiyi", "没有变量 customer_phone"),
        ({"asked_fen": 9900}, None, "as"),
    ],
)
def test_a_variable_that_no_process_understands_changes_nothing(
    sqlite_desk: RunningDesk, variables: dict[str, Any], person: str | None, says: str
) -> None:
    """Of another type, no such variable, or nobody said who: refused by name, never with the value."""
    add_stuck(sqlite_desk, FIRST, NO_ROW, asked_fen="0")
    with sqlite_desk.client() as client:
        body = {"variables": variables, "as": person}
        answer = client.post(f"/api/v1/incidents/{FIRST}/retry", json=body)
    assert answer.status_code == 422 and says in answer.json()["detail"]
    assert "13800138000" not in answer.text
    assert sqlite_desk.engine.variables == [] and sqlite_desk.engine.resolved == []
    assert audit(sqlite_desk) == []


def test_dead_letters_are_told_by_reason_masked_and_sent_again(desk: RunningDesk, api: httpx.Client) -> None:
    """Who should have got a message is recognisable and not readable; one, or all of a reason, are owed again."""
    number = add_complaint(desk)
    first = add_letter(desk, number, "gateway: 403 template not approved")
    add_letter(desk, number, "gateway: 403 template not approved", "13900139000")
    add_letter(desk, number, "550 no mailbox wang@example.com", "wang@example.com")
    add_letter(desk, number, None, "13700137000")
    told = api.get("/api/v1/outbox")
    assert not any(each in told.text for each in ("13800138000", "13900139000", "wang@example.com"))
    assert told.json()["counts"] == {"dead": 3, "pending": 1, "sent": 0}
    assert [(each["count"], each["error"]) for each in told.json()["causes"]] == [
        (2, "gateway: 403 template not approved"),
        (1, "550 no mailbox w***@example.com"),
    ]
    assert {each["to"] for each in told.json()["letters"]} == {
        "138****8000",
        "139****9000",
        "w***@example.com",
    }
    assert api.post("/api/v1/outbox/resend", json={"id": first, "as": "yun.weiyi"}).json() == {"resent": 1}
    assert api.post("/api/v1/outbox/resend", json={"id": first}).status_code == 409
    reason = {"channel": "email", "error": "550 no mailbox w***@example.com"}
    assert api.post("/api/v1/outbox/resend", json=reason).json() == {"resent": 1}
    assert api.post("/api/v1/outbox/resend", json={}).json() == {"resent": 1}
    assert api.post("/api/v1/outbox/resend", json={}).json() == {"resent": 0}
    with desk.database.read() as tx:
        assert set(tx.scalars(select(OutboxMessage.status))) == {"pending"}
    assert desk.sender_woken == 4
    assert [each[0] for each in audit(desk)] == ["message-resent", "messages-resent", "messages-resent"]


def test_timers_versions_and_heat_are_told(desk: RunningDesk, api: httpx.Client) -> None:
    """What fires next is on top; versions count what runs; the heat map knows medians and who is there now."""
    add_version(desk)
    number = add_stuck(desk, FIRST, NO_ROW)
    add_timer(desk, number, "71", timedelta(hours=3))
    add_timer(desk, number, "72", timedelta(minutes=-30))
    timers = api.get("/api/v1/timers", params={"number": number}).json()
    assert [(each["number"], each["name"], each["is_late"]) for each in timers["timers"]] == [
        (number, "前台办理", True),
        (number, "前台办理", False),
    ]
    assert (timers["waiting"], timers["late"]) == (2, 1)
    [version] = api.get("/api/v1/versions").json()["processes"]
    assert (version["process"], version["running"], version["is_newest"]) == (PROCESS, 1, True)
    add_times(desk)
    heat = api.get("/api/v1/heat", params={"process": PROCESS, "days": 7}).json()
    by = {each["element"]: each for each in heat["elements"]}
    assert [each["element"] for each in heat["elements"]][:2] == ["Call_Department", "Task_SettleComplaint"]
    assert (by["Call_Department"]["level"], by["Task_SettleComplaint"]["here"]) == (5, 3)
    settle = by["Task_SettleComplaint"]
    assert settle["ended"] == 30 and settle["mean_seconds"] == pytest.approx(
        95 * 60 * (1 + 2.5 / 7), rel=0.01
    )
    assert settle["median_seconds"] == pytest.approx(95 * 60 * (1 + 2.5 / 7), rel=0.42)
    short = api.get("/api/v1/heat", params={"process": PROCESS, "days": 2}).json()
    assert {each["element"]: each["ended"] for each in short["elements"]}["Call_Department"] == 6
    assert api.get("/api/v1/heat", params={"process": "no-such-process"}).status_code == 404


def test_a_job_type_that_nobody_works_on_is_seen(desk: RunningDesk, api: httpx.Client) -> None:
    """A process that fell silent, and one that the engine does not answer, are not alive; others are."""
    now = datetime.now(UTC)
    add_beat(desk, Beat("close-complaint", now, 0, 7, 0, None), seen_ago=timedelta(minutes=2))
    told = {each["type"]: each for each in api.get("/api/v1/workers").json()["types"]}
    assert not told["close-complaint"]["is_alive"]
    beats_ = [Beat("close-complaint", now, 1, 8, 1, None), Beat("post-refund", None, 0, 0, 0, "UNAVAILABLE")]
    add_beat(desk, *beats_)
    answer = api.get("/api/v1/workers").json()
    told = {each["type"]: each for each in answer["types"]}
    assert told["close-complaint"]["is_alive"] and told["close-complaint"]["done"] == 8
    assert not told["post-refund"]["is_alive"] and told["post-refund"]["errors"] == ["UNAVAILABLE"]
    assert answer["engine"]["version"] == "8.5.8" and answer["engine"]["leaderless"] == []


PAGES = (
    "/operations",
    "/operations/outbox",
    "/operations/outbox?state=pending",
    "/operations/timers",
    "/operations/versions",
    "/operations/heat",
    "/operations/heat?process=complaint-handling&days=7",
    "/operations/workers",
    f"/operations/incidents/{FIRST}",
)


def test_pages_are_for_operations_only(guarded: RunningDesk) -> None:
    """Wu sees every page, empty or full; to Yin the entry is not shown, and the address is forbidden."""
    with Browser(guarded) as wu, Browser(guarded) as yin:
        assert wu.get("/operations").status_code == 303
        wu.sign_in(WU)
        yin.sign_in("yin.fenzhang")
        assert [wu.get(each).status_code for each in PAGES] == [200] * 8 + [404]
        add_stuck(guarded, FIRST, NO_ROW, policy="null")
        add_letter(guarded, add_complaint(guarded), "gateway: 403")
        add_letter(guarded, add_complaint(guarded), None, "13900139000")
        add_times(guarded)
        add_beat(guarded, Beat("close-complaint", None, 0, 0, 0, None))
        assert [wu.get(each).status_code for each in PAGES] == [200] * 9
        assert [yin.get(each).status_code for each in PAGES] == [403] * 9
        assert 'href="/operations"' in wu.get("/me").text and 'href="/operations"' not in yin.get("/me").text
        for path in ("causes", "outbox", "timers", "versions", "heat?process=x", "workers", "incidents"):
            assert yin.get(f"/api/v1/{path}").status_code == 403
        for path in (f"incidents/{FIRST}/retry", "incidents/retry", "outbox/resend"):
            body = {"cause_id": "0" * 12} if path == "incidents/retry" else {}
            answer = yin.http.post(f"/api/v1/{path}", json=body, headers={"X-CSRF-Token": yin.csrf})
            assert answer.status_code == 403
        for path in (f"incidents/{FIRST}/retry", f"causes/{'0' * 12}/retry", "outbox/resend"):
            assert yin.send("/", f"/operations/{path}", csrf=yin.csrf).status_code == 403
    assert guarded.engine.resolved == []


def test_the_form_sends_only_what_was_changed_and_keeps_what_was_wrong(guarded: RunningDesk) -> None:
    """A value of the wrong kind is told beside the text, which stays; corrected, the work goes on."""
    add_stuck(guarded, FIRST, NO_ROW, asked_fen="0", policy='"petition"')
    with Browser(guarded) as wu:
        wu.sign_in(WU)
        page, where = f"/operations/incidents/{FIRST}", f"/operations/incidents/{FIRST}/retry"
        wrong = wu.send(page, where, variables='{"asked_fen": "viel", "policy": "petition"}')
        assert wrong.status_code == 422 and "viel" in wrong.text and "asked_fen" in wrong.text
        broken = wu.send(page, where, variables='{"asked_fen": ')
        assert broken.status_code == 422 and "JSON" in broken.text
        right = wu.send(page, where, variables='{"asked_fen": 9900, "policy": "petition"}')
        assert (right.status_code, right.headers["location"]) == (303, "/operations?retried=1")
        assert wu.send("/", where, csrf=wu.csrf).status_code == 303  # again, by the back button: it is solved
    assert guarded.engine.variables == [(f"6{FIRST[1:]}", {"asked_fen": 9900})]
    assert len(guarded.engine.resolved) == 1
