"""Alerts: each trouble once, once more when it is over, a storm in one, a reminder; nothing personal."""

from __future__ import annotations

import asyncio
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select, update

from tests.notifications.alert_stage import HOUR, MINUTE, OPS, TEMPLATES, Stage
from workers.errors import Broken, Conflict, Refused
from workers.notifications.alert_texts import AlertTexts
from workers.notifications.alerter import Plan
from workers.notifications.labels import Labels
from workers.settings import AlertSettings, Settings
from workers.store import alert_view, alerts, outbox, trouble_sources
from workers.store.alert_tables import Alert, Trouble
from workers.store.database import Database
from workers.store.incident_tables import IncidentReport, MajorIncident
from workers.store.tables import Case, Complaint, OutboxMessage

SECOND = timedelta(seconds=1)


@pytest.fixture
def stage(sqlite_database: Database) -> Stage:
    return Stage(sqlite_database)


def test_stuck_work_is_told_once_and_once_more_when_it_goes_on(database: Database) -> None:
    """A refund is stuck at three in the morning: one e-mail with its number, one when it goes on. On both databases."""
    stage = Stage(database)
    alerter = stage.alerter()
    keys = stage.stuck()
    assert stage.looked(alerter) == 0, "it waits for others"
    assert stage.looked(alerter, MINUTE) == 1
    assert [stage.looked(alerter, MINUTE) for _ in range(10)] == [0] * 10
    (first,) = stage.told()
    assert (first.address, first.event, first.status) == (OPS, "alert-raised", "pending")
    assert first.subject == "【督办告警】流程卡住 1 件 / 1 new"
    for words in ("refund-approval / Task_PostRefund", "任务多次处理失败", "the ledger is away"):
        assert words in first.body
    assert "https://duban.example.com/operations/causes/" in first.body
    stage.resolve(keys)
    stage.looked(alerter)
    assert stage.looked(alerter, MINUTE) == 1
    _, second = stage.told()
    assert second.subject == "【督办告警】已恢复：流程卡住 1 件 / 1 resolved"
    assert [stage.looked(alerter, HOUR) for _ in range(30)] == [0] * 30, "nothing is open: no reminder"
    with database.read() as tx:
        assert tx.get_one(Case, first.number).kind == "alert"


def test_a_storm_is_one_message_to_each(stage: Stage) -> None:
    """The ledger is down, a thousand refunds get stuck: one e-mail and one call, in which they are one line."""
    alerter = stage.alerter(webhook_url="https://alerts.example.com", recipients=f"{OPS}, night@example.com")
    for _ in range(10):
        stage.stuck(100)
        stage.looked(alerter, SECOND)
    assert stage.looked(alerter, MINUTE) == 3
    assert [each.address for each in stage.told()] == [OPS, "night@example.com"]
    (document,) = stage.documents()
    (line,) = document["data"]["begun"]
    assert (line["kind"], line["count"], len(line["numbers"])) == ("incident", 1000, 10)
    assert document["data"]["counts"] == {"begun": 1000, "ended": 0, "still": 0}


def test_a_storm_that_goes_on_is_told_every_five_minutes(stage: Stage) -> None:
    """Every twenty seconds for half an hour something new: six alerts, not ninety; and none is left out."""
    alerter = stage.alerter(webhook_url="https://x.example", recipients="")
    for _ in range(90):
        stage.stuck()
        stage.looked(alerter, 20 * SECOND)
    told = stage.documents()
    assert 5 <= len(told) <= 7
    stage.looked(alerter, HOUR)
    assert sum(each["data"]["counts"]["begun"] for each in stage.documents()) == 90


def test_what_is_over_before_it_was_told_is_never_told(stage: Stage) -> None:
    """A hiccup of ten seconds wakes nobody, neither by its beginning nor by its end."""
    alerter = stage.alerter()
    keys = stage.stuck(3)
    stage.looked(alerter)
    stage.resolve(keys)
    assert [stage.looked(alerter, MINUTE) for _ in range(10)] == [0] * 10


def test_what_is_not_over_is_told_again(stage: Stage) -> None:
    """Told at night, forgotten in the morning: after twelve hours it is said again, and again, until it is over."""
    alerter = stage.alerter()
    stage.stuck()
    stage.looked(alerter)
    stage.looked(alerter, MINUTE)
    assert stage.looked(alerter, 11 * HOUR) == 0
    assert stage.looked(alerter, HOUR) == 1
    assert stage.looked(alerter, 12 * HOUR) == 1
    assert [each.event for each in stage.told()] == ["alert-raised", "alert-reminded", "alert-reminded"]
    assert "仍有 1 件未恢复" in (stage.told()[-1].subject or "")
    never = stage.alerter(reminder_hours=0)
    assert stage.looked(never, timedelta(days=30)) == 0


def test_several_senders_write_each_alert_once(database: Database) -> None:
    """Four senders on one store look at the same moment: one alert."""
    stage = Stage(database)
    stage.stuck(5)
    senders = [stage.alerter(digest_seconds=0) for _ in range(4)]
    start, counts = threading.Barrier(4), list[int]()

    def look(alerter: Any) -> None:
        start.wait()
        counts.append(sum(alerter.look() for _ in range(5)))

    threads = [threading.Thread(target=look, args=(each,)) for each in senders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(counts) == [0, 0, 0, 1] and len(stage.told()) == 1


def test_a_look_that_breaks_off_leaves_nothing(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The process dies while it writes the alert: the next one finds the same trouble and tells it once."""
    alerter = stage.alerter(digest_seconds=0)
    stage.stuck()
    with monkeypatch.context() as patch:
        patch.setattr(AlertTexts, "mail", lambda *_: (_ for _ in ()).throw(Broken("killed")))
        with pytest.raises(Broken):
            alerter.look()
    with stage.database.read() as tx:
        assert tx.scalar(select(func.count()).select_from(Trouble)) == 0
        assert tx.scalar(select(func.count()).select_from(Alert)) == 0
    assert alerter.look() == 1


def test_a_dead_letter_is_told_and_over_when_it_is_sent_again(stage: Stage) -> None:
    """Numbers that a gateway repeated in its answer are masked; the second giving up is a second trouble."""
    alerter = stage.alerter(digest_seconds=0, interval_seconds=0)
    ident = stage.dead("refused 13900139000")
    assert stage.looked(alerter) == 1
    assert "refused 139****9000" in stage.told()[0].body and "13900139000" not in stage.told()[0].body
    with stage.database.begin() as tx:
        outbox.resend(tx, ident, stage.clock.now())
    assert stage.looked(alerter) == 1 and "已恢复：消息发送失败" in (stage.told()[1].subject or "")
    with stage.database.begin() as tx:
        tx.get_one(OutboxMessage, ident).status = "dead"
    assert stage.looked(alerter) == 1 and len(stage.told()) == 3


def test_an_alert_that_cannot_be_delivered_raises_no_alert(stage: Stage) -> None:
    """The mail server is gone for good: its dead alerts would otherwise make new ones for ever."""
    alerter = stage.alerter(digest_seconds=0, interval_seconds=0)
    stage.stuck()
    stage.looked(alerter)
    with stage.database.begin() as tx:
        tx.execute(update(OutboxMessage).values(status="dead", last_error="the SMTP server answered 550"))
    assert [stage.looked(alerter, MINUTE) for _ in range(5)] == [0] * 5


def test_a_complaint_that_goes_overdue_is_told_by_its_place(database: Database) -> None:
    """Three in Nanjing, however it is written, and one in Suzhou: two lines. Handled, they are over."""
    stage = Stage(database)
    alerter = stage.alerter(
        webhook_url="https://x.example", recipients="", digest_seconds=0, interval_seconds=0
    )
    numbers = [stage.late(), stage.late("南京"), stage.late("南京市"), stage.late("苏州市")]
    stage.late(next_due_at=stage.clock.now() + HOUR)
    stage.looked(alerter)
    (document,) = stage.documents()
    lines = {each["place"]: each["numbers"] for each in document["data"]["begun"]}
    assert lines == {"江苏 南京": numbers[:3], "江苏 苏州": numbers[3:]}
    with database.begin() as tx:
        tx.execute(update(Complaint).where(Complaint.number == numbers[0]).values(status="resolved"))
    stage.looked(alerter)
    assert stage.documents()[1]["data"]["ended"][0]["numbers"] == numbers[:1]


def test_a_place_is_told_when_it_piles_up_and_when_half_is_gone(stage: Stage) -> None:
    """Ten overdue in one city: told once; at nine it is not over yet, at five it is."""
    alerter = stage.alerter(kinds="place-overdue", place_overdue=10, digest_seconds=0, interval_seconds=0)
    numbers = [stage.late() for _ in range(9)]
    assert stage.looked(alerter) == 0
    numbers.append(stage.late())
    assert stage.looked(alerter) == 1 and "发现时 10 件超时" in stage.told()[0].body
    for number in numbers[:4]:
        with stage.database.begin() as tx:
            tx.get_one(Complaint, number).status = "resolved"
        assert stage.looked(alerter) == 0
    with stage.database.begin() as tx:
        tx.get_one(Complaint, numbers[4]).status = "resolved"
    assert stage.looked(alerter) == 1 and "已恢复：地区超时积压" in (stage.told()[1].subject or "")


def test_a_report_that_nobody_wrote_is_told(stage: Stage) -> None:
    """Rule E4: the first report of an event is late; written, it is over."""
    now = stage.clock.now()
    with stage.database.begin() as tx:
        row = {"policy": "petition", "kind": "network-outage", "source": "li.wei", "status": "declared"}
        tx.add(MajorIncident(number="SJ20261124-0001", declared_at=now - HOUR, **row))
        tx.flush()
        report = {"kind": "first", "sequence": 1, "owner_group": "city-management", "owner_person": "x"}
        tx.add(IncidentReport(id="77", incident="SJ20261124-0001", due_at=now - MINUTE, **report))
    alerter = stage.alerter(digest_seconds=0, interval_seconds=0)
    assert stage.looked(alerter) == 1
    assert "SJ20261124-0001" in stage.told()[0].body and "首报" in stage.told()[0].body
    with stage.database.begin() as tx:
        tx.get_one(IncidentReport, "77").submitted_at = stage.clock.now()
    assert stage.looked(alerter) == 1


def test_workers_that_fall_silent_are_told(stage: Stage) -> None:
    """A node dies with its workers: told; another starts: over. Who stopped in order is not missed."""
    alerter = stage.alerter(
        webhook_url="https://x.example", recipients="", digest_seconds=0, interval_seconds=0
    )
    stage.beat("post-refund", 10 * MINUTE)
    stage.beat("notify-customer", 10 * MINUTE)
    stage.beat("notify-customer", host="two")
    stage.looked(alerter)
    (document,) = stage.documents()
    assert [each["job_types"] for each in document["data"]["begun"]] == [["post-refund"]]
    stage.beat("post-refund", host="two")
    stage.looked(alerter)
    assert stage.documents()[1]["data"]["counts"] == {"begun": 0, "ended": 1, "still": 0}


def test_nothing_personal_is_told(stage: Stage) -> None:
    """What an engine or somebody else's worker wrote can hold anything: it stays on the page. Ours is told, masked."""
    ours = stage.stuck(message="Refused: no line 13900139000")
    stage.stuck(message="王小明 13900139000 lives in Nanjing")
    stage.stuck(error_type="EXTRACT_VALUE_ERROR", message="Unavailable: '王小明' is not a number")
    alerter = stage.alerter(webhook_url="https://x.example", digest_seconds=0)
    stage.looked(alerter)
    texts = "".join(f"{each.subject}{each.body}{each.html}" for each in stage.told() + stage.told("webhook"))
    assert "王小明" not in texts and "13900139000" not in texts and "Nanjing" not in texts
    assert "Refused: no line 139****9000" in texts and ours


@pytest.mark.parametrize(
    ("error_type", "message", "says"),
    [
        (
            "JOB_NO_RETRIES",
            "KeyError in post_refund (post_refund.py:12)",
            "KeyError in post_refund (post_refund.py:12)",
        ),
        ("JOB_NO_RETRIES", "KeyError in post_refund (post_refund.py:12) 王", None),
        ("JOB_NO_RETRIES", "java.lang.NullPointerException: 王小明", None),
        ("CONDITION_ERROR", "Broken: x", None),
    ],
)
def test_a_cause_is_told_only_where_it_is_ours(error_type: str, message: str, says: str | None) -> None:
    assert trouble_sources.safe_cause(error_type, message) == says


def test_nobody_is_told_by_default(stage: Stage) -> None:
    """Without settings nothing is looked for and nothing is written."""
    assert Plan.of(AlertSettings()) is None
    stage.stuck()
    alerter = stage.alerter(recipients="")
    assert alerter.look() == 0 and stage.told() == []
    with stage.database.read() as tx:
        assert not alert_view.watch(tx)["is_on"]
    with stage.database.begin() as tx, pytest.raises(Conflict, match="DUBAN_ALERTS__RECIPIENTS"):
        alert_view.ask_test(tx, stage.clock.now())

    async def story() -> None:
        stop = asyncio.Event()
        running = asyncio.create_task(alerter.run(stop))
        await asyncio.sleep(0)
        stop.set()
        await asyncio.wait_for(running, 30)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"recipients": "nobody"}, "RECIPIENTS"),
        ({"recipients": "a@b.example", "kinds": "incident,weather"}, "'weather'"),
    ],
)
def test_a_setting_that_is_wrong_is_told_at_the_start(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(Refused, match=says):
        Plan.of(AlertSettings.model_validate(settings))


def test_a_kind_that_is_no_longer_wanted_ends_without_a_word(stage: Stage) -> None:
    alerter = stage.alerter(digest_seconds=0, interval_seconds=0)
    stage.stuck()
    stage.looked(alerter)
    less = stage.alerter(kinds="workers", digest_seconds=0, interval_seconds=0)
    assert [stage.looked(less, HOUR) for _ in range(20)] == [0] * 20
    assert stage.looked(alerter) == 1, "wanted again, it is told again: it is stuck"


def test_a_test_alert_goes_to_everybody_at_once(stage: Stage) -> None:
    """Operations ask for a test: the next look writes it, whatever else is going on, and only one."""
    alerter = stage.alerter(webhook_url="https://x.example")
    alerter.look()
    with stage.database.begin() as tx:
        alert_view.ask_test(tx, stage.clock.now())
    assert alerter.look() == 2 and alerter.look() == 0
    assert "无需处理" in (stage.told()[0].subject or "") and stage.documents()[0]["type"] == "alert.tested"
    with stage.database.read() as tx:
        seen = alert_view.watch(tx)
        assert seen["is_on"] and seen["to"] == ["o***@example.com", "webhook"]
        (shown,) = alert_view.recent(tx)
    assert [(each["channel"], each["to"], each["status"]) for each in shown["messages"]] == [
        ("email", "o***@example.com", "pending"),
        ("webhook", "webhook", "pending"),
    ]


def test_troubles_that_are_long_over_are_forgotten(stage: Stage) -> None:
    alerter = stage.alerter()
    stage.resolve(stage.stuck())
    keys = stage.stuck()
    stage.looked(alerter)
    stage.resolve(keys)
    stage.looked(alerter)
    stage.looked(alerter, alerts.KEPT + HOUR)
    with stage.database.read() as tx:
        assert tx.scalar(select(func.count()).select_from(Trouble)) == 0


@pytest.mark.parametrize(
    "name", ["raised/subject.txt", "reminded/body.txt", "tested/body.html", "lines.html"]
)
def test_a_mistake_in_a_text_is_told_before_deployment(name: str, tmp_path: Path) -> None:
    """A designer misspells a fact: `make check` names the file."""
    import shutil

    shutil.copytree(TEMPLATES, tmp_path / "templates")
    file = tmp_path / "templates" / "alerts" / name
    file.write_text(file.read_text().replace("{%", "{{ customer_phone }}{%", 1) + "{{ customer_phone }}")
    if name == "lines.html":
        file.write_text(file.read_text().replace("each.count", "each.custom"))
    texts = AlertTexts(tmp_path / "templates", Labels.load(TEMPLATES), Settings())
    problems = texts.check()
    assert problems and all(each.startswith("alerts/") for each in problems)
    assert AlertTexts(TEMPLATES, Labels.load(TEMPLATES), Settings()).check() == []


def test_a_thousand_open_troubles_cost_a_look_little(stage: Stage) -> None:
    """With nothing new, a look is a handful of statements, whatever is open."""
    alerter = stage.alerter(digest_seconds=0)
    stage.stuck(300)
    stage.looked(alerter)
    statements = counting(stage.database)
    stage.looked(alerter)
    assert len(statements) <= 30, statements


def counting(database: Database) -> list[str]:
    from sqlalchemy import event

    seen: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda _c, _k, sql, *_: seen.append(sql))
    return seen
