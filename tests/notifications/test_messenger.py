"""Who is told, on which channel, with which facts, and only once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from workers.errors import Broken
from workers.notifications.messenger import Messenger
from workers.notifications.render import Templates
from workers.settings import NotificationSettings, Settings, WebSettings
from workers.store import answers, deadlines, outbox, watchers
from workers.store.database import Database
from workers.store.tables import Complaint, OutboxMessage, Staff

NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
NUMBER = "TS20261124-000001"
TEMPLATES = Templates(Path(__file__).parents[2] / "templates")


def complaint(**changed: Any) -> Complaint:
    facts: dict[str, Any] = {
        "number": NUMBER,
        "policy": "petition",
        "channel": "web",
        "text": "宽带每天晚上断网",
        "customer_name": "王小明",
        "customer_phone": "+8613800138000",
        "customer_email": "wang@example.com",
        "customer_key": "phone:+8613800138000",
        "product": "broadband",
        "received_at": NOW - timedelta(hours=1),
    }
    return Complaint(**(facts | changed))


def person(username: str, **changed: Any) -> Staff:
    facts: dict[str, Any] = {
        "name": f"员工{username}",
        "groups": ["billing"],
        "email": f"{username}@corp.example",
    }
    return Staff(username=username, **(facts | changed))


def messenger(**notifications: Any) -> Messenger:
    return Messenger(
        TEMPLATES,
        Settings(
            web=WebSettings(public_url="https://care.example.com/"),
            notifications=NotificationSettings(
                progress_url="https://my.example.com/p/{number}", **notifications
            ),
        ),
    )


def told(database: Database) -> list[OutboxMessage]:
    with database.read() as tx:
        return outbox.of_number(tx, NUMBER)


def tell(
    database: Database, event: str, *, occasion: str = "1", row: Complaint | None = None, **facts: Any
) -> int:
    with database.begin() as tx:
        kept = tx.merge(row or complaint())
        tx.flush()
        return messenger().tell_customer(tx, kept, event, occasion, NOW, facts)


@pytest.mark.parametrize(
    ("row", "channel", "address"),
    [
        ({}, "sms", "+8613800138000"),
        ({"customer_phone": None}, "email", "wang@example.com"),
        ({"customer_phone": "+861012345678"}, "email", "wang@example.com"),
        ({"customer_phone": "+861012345678", "customer_email": None}, "sms", "+861012345678"),
    ],
    ids=["phone-first", "mail-without-phone", "mail-beside-landline", "landline-alone"],
)
def test_the_customer_is_told_where_the_message_arrives(
    sqlite_database: Database, row: dict[str, Any], channel: str, address: str
) -> None:
    assert tell(sqlite_database, "complaint-registered", row=complaint(**row)) == 1
    (message,) = told(sqlite_database)
    assert (message.channel, message.address, message.recipient) == (channel, address, "customer")
    assert (message.status, message.attempts, message.next_attempt_at) == ("pending", 0, NOW)
    assert (message.subject is None, message.html is None) == (channel == "sms",) * 2


def test_a_customer_without_address_is_not_told(sqlite_database: Database) -> None:
    row = complaint(customer_phone=None, customer_email=None)
    assert tell(sqlite_database, "complaint-registered", row=row) == 0
    assert told(sqlite_database) == []


def test_a3_told_twice_is_one_message(database: Database) -> None:
    assert tell(database, "complaint-registered") == 1
    assert tell(database, "complaint-registered") == 0
    assert tell(database, "complaint-registered", occasion="2") == 1
    assert tell(database, "complaint-accepted") == 1
    assert [message.dedupe_key for message in told(database)] == [
        f"{NUMBER}:complaint-registered:customer:1:sms",
        f"{NUMBER}:complaint-registered:customer:2:sms",
        f"{NUMBER}:complaint-accepted:customer:1:sms",
    ]


def test_an_occasion_of_any_length_still_counts_once(database: Database) -> None:
    for occasion in ("x" * 400, "x" * 400, "x" * 399 + "y"):
        tell(database, "complaint-registered", occasion=occasion)
    assert len(told(database)) == 2


def test_the_message_goes_with_the_fact(database: Database) -> None:
    class UndoneError(Exception):
        pass

    with pytest.raises(UndoneError), database.begin() as tx:
        row = tx.merge(complaint())
        tx.flush()
        assert messenger().tell_customer(tx, row, "complaint-registered", "1", NOW, {}) == 1
        raise UndoneError
    assert told(database) == []


def test_a6_acceptance_says_category_handler_and_time(sqlite_database: Database) -> None:
    row = complaint(category="service-quality", owner_person="li", owner_group="network-operations")
    with sqlite_database.begin() as tx:
        tx.add_all([complaint(), person("li", name="李静")])
        tx.flush()
        deadlines.put(tx, NUMBER, "result", NOW + timedelta(hours=47))
    tell(sqlite_database, "complaint-accepted", row=row)
    (message,) = told(sqlite_database)
    assert "类别：服务质量" in message.body
    assert "受理人：李静" in message.body
    assert "11月26日 14:30 前答复" in message.body


def test_a8_the_result_is_what_staff_wrote_last(sqlite_database: Database) -> None:
    with sqlite_database.begin() as tx:
        tx.add(complaint())
        tx.flush()
        answers.draft(
            tx, NUMBER, "1", "propose-solution", {"solution": "内部", "customer_reply": "旧答复"}, "li", NOW
        )
        answers.finalise(tx, "1")
        later = NOW + timedelta(minutes=1)
        texts = {"result": "内部备注", "customer_reply": "已更换端口"}
        answers.draft(tx, NUMBER, "2", "carry-out-solution", texts, "li", later)
    tell(sqlite_database, "result-told")
    (message,) = told(sqlite_database)
    assert "已更换端口" in message.body
    assert "旧答复" not in message.body
    assert "内部" not in message.body


def test_a2_missing_fields_are_named(sqlite_database: Database) -> None:
    tell(sqlite_database, "details-requested", row=complaint(missing_fields=["occurred_at"]))
    assert "问题发生时间" in told(sqlite_database)[0].body


def test_customers_are_led_to_their_page_and_staff_to_the_desk(
    sqlite_database: Database, tell_staff: Callable[..., int]
) -> None:
    tell(sqlite_database, "satisfaction-survey")
    assert f"https://my.example.com/p/{NUMBER} " in told(sqlite_database)[0].body
    tell_staff("complaint-assigned", person("li"))
    assert f"https://care.example.com/complaints/{NUMBER}\n" in told(sqlite_database)[1].body


def test_the_customer_s_own_words_are_not_repeated_as_a_name(sqlite_database: Database) -> None:
    tell(
        sqlite_database,
        "complaint-registered",
        row=complaint(customer_name="中奖 t.cn/abc", product="http://x.cn"),
    )
    assert "t.cn" not in told(sqlite_database)[0].body


def test_facts_given_come_before_those_known(sqlite_database: Database) -> None:
    tell(sqlite_database, "result-told", reply="另一个答复")
    assert "另一个答复" in told(sqlite_database)[0].body


@pytest.fixture
def tell_staff(sqlite_database: Database) -> Callable[..., int]:
    def telling(event: str, *people: Staff, occasion: str = "1") -> int:
        with sqlite_database.begin() as tx:
            row = tx.merge(complaint(owner_person="li", owner_group="billing", tier="city"))
            tx.flush()
            deadlines.put(tx, NUMBER, "preliminary", NOW + timedelta(hours=23))
            deadlines.put(tx, NUMBER, "result", NOW + timedelta(hours=47))
            return messenger().tell_staff(tx, row, people, event, occasion, NOW, {})

    return telling


def test_staff_are_told_one_by_one_by_mail_else_by_sms(
    sqlite_database: Database, tell_staff: Callable[..., int]
) -> None:
    people = [person("li"), person("zhao", email=None, phone="+8613900139000"), person("nobody", email=None)]
    assert tell_staff("complaint-assigned", *people) == 2
    assert tell_staff("complaint-assigned", *people) == 0
    found = {message.recipient: (message.channel, message.address) for message in told(sqlite_database)}
    assert found == {"li": ("email", "li@corp.example"), "zhao": ("sms", "+8613900139000")}


def test_b10_staff_see_no_name_phone_or_text_of_the_customer(
    sqlite_database: Database, tell_staff: Callable[..., int]
) -> None:
    for event in ("complaint-assigned", "deadline-warning", "complaint-passed-over", "result-copied"):
        assert tell_staff(event, person("li")) == 1
    for message in told(sqlite_database):
        everything = f"{message.subject}{message.body}{message.html}"
        assert not any(secret in everything for secret in ("王小明", "13800138000", "wang@", "断网"))
    assert "王**" in told(sqlite_database)[0].body


def test_a9_a_warning_names_the_next_deadline_that_is_open(
    sqlite_database: Database, tell_staff: Callable[..., int]
) -> None:
    tell_staff("deadline-warning", person("li"))
    with sqlite_database.begin() as tx:
        deadlines.mark_met(tx, NUMBER, "preliminary", NOW)
    tell_staff("deadline-warning", person("li"), occasion="2")
    first, second = told(sqlite_database)
    assert "处理时限是 11月25日 14:30" in first.body
    assert "处理时限是 11月26日 14:30" in second.body


def test_a_watcher_is_told_the_result(sqlite_database: Database, tell_staff: Callable[..., int]) -> None:
    tell_staff("complaint-passed-over", person("li"))
    with sqlite_database.begin() as tx:
        watchers.add(tx, NUMBER, "li", "billing", NOW)
    assert tell_staff("result-copied", person("li")) == 1
    assert "已办结" in (told(sqlite_database)[1].subject or "")


@pytest.mark.parametrize("event", ["no-such-event", "complaint-assigned"])
def test_an_event_that_is_not_for_customers_is_broken(sqlite_database: Database, event: str) -> None:
    with pytest.raises(Broken, match=f"no event '{event}' for customer"):
        tell(sqlite_database, event)
