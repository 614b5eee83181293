"""The page of alerts: what was told to whom, whether it arrived, a test, sending again."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from sqlalchemy import select, update

from tests.desk.signing_in import Browser, add_account, required
from tests.desk_server import RunningDesk, running
from tests.notifications.alert_stage import MINUTE, Stage
from workers.store.account_tables import AuditEntry
from workers.store.database import Database
from workers.store.tables import OutboxMessage

WU = "wu.yunwei"


@pytest.fixture
def guarded(sqlite_database: Database) -> Iterator[RunningDesk]:
    """A desk behind the login: Wu of operations, Yin of a branch."""
    with running(sqlite_database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, WU, "operations")
        add_account(found, "yin.fenzhang", "branch-management")
        yield found


def test_the_page_says_who_was_told_and_what_did_not_arrive(guarded: RunningDesk) -> None:
    """Wu sees that alerts are off; then what is stuck, that the e-mail arrived and the webhook did not; he resends."""
    stage = Stage(guarded.database)
    with Browser(guarded) as wu:
        wu.sign_in(WU)
        assert "告警未开启" in wu.get("/operations/alerts").text
        off = wu.send("/operations/alerts", "/operations/alerts/test", csrf=wu.csrf)
        assert off.status_code == 409 and "DUBAN_ALERTS__RECIPIENTS" in off.text
        _everything(stage)
        alerter = stage.alerter(webhook_url="https://x.example/geheim", digest_seconds=0)
        alerter.look()
        with guarded.database.begin() as tx:
            email, webhook = stage.told()[0].id, stage.told("webhook")[0].id
            tx.execute(update(OutboxMessage).where(OutboxMessage.id == email).values(status="sent"))
            gone = {"status": "dead", "last_error": "the webhook answered 410"}
            tx.execute(update(OutboxMessage).where(OutboxMessage.id == webhook).values(**gone))
        page = wu.get("/operations/alerts").text
        for words in (
            "告警已开启",
            "o***@example.com",
            "已送达",
            "未送达",
            "the webhook answered 410",
            "江苏 南京",
        ):
            assert words in page, words
        assert "ops@example.com" not in page and "geheim" not in page and "王小明" not in page
        again = wu.send("/operations/alerts", "/operations/alerts/resend", id=str(webhook))
        assert again.headers["location"] == "/operations/alerts?resent=true"
        assert stage.told("webhook")[0].status == "pending"
        tested = wu.send("/operations/alerts", "/operations/alerts/test", csrf=wu.csrf)
        assert tested.headers["location"] == "/operations/alerts?tested=true"
        assert "几秒后" in wu.get("/operations/alerts?tested=true").text and alerter.look() == 2
        assert "测试告警" in wu.get("/operations/alerts").text
        assert "GJ" in wu.get("/operations/outbox?state=pending").text
    with guarded.database.read() as tx:
        assert "alert-test-asked" in list(tx.scalars(select(AuditEntry.action)))


def _everything(stage: Stage) -> None:
    stage.stuck(12)
    stage.dead()
    stage.late()
    stage.late(province=None, city=None)
    stage.beat("post-refund", 10 * MINUTE)


def test_alerts_are_for_operations_only(guarded: RunningDesk) -> None:
    with Browser(guarded) as yin:
        yin.sign_in("yin.fenzhang")
        assert yin.get("/operations/alerts").status_code == 403
        assert yin.get("/api/v1/alerts").status_code == 403
        for path in ("test", "resend"):
            assert yin.send("/", f"/operations/alerts/{path}", csrf=yin.csrf, id="1").status_code == 403


def test_programs_see_the_same_and_can_test(desk: RunningDesk, api: httpx.Client) -> None:
    """`duban alerts` asks this: off says how to turn it on; on, what is open, and what became of each message."""
    answer = api.post("/api/v1/alerts/test", json={})
    assert answer.status_code == 409 and "DUBAN_ALERTS__RECIPIENTS" in answer.json()["detail"]
    stage = Stage(desk.database)
    stage.stuck(2)
    alerter = stage.alerter(digest_seconds=0)
    alerter.look()
    found = api.get("/api/v1/alerts").json()
    assert found["watch"]["is_on"] and [each["count"] for each in found["open"]] == [2]
    assert found["alerts"][0]["messages"][0]["status"] == "pending"
    assert api.post("/api/v1/alerts/test", json={"as": "yun.weiyi"}).status_code == 202
    assert alerter.look() == 1
    assert [each["kind"] for each in api.get("/api/v1/alerts").json()["alerts"]] == ["tested", "raised"]
