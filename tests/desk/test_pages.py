"""The pages: what people see, and what they must not see, because there is no login."""

from __future__ import annotations

import re
from datetime import timedelta

import httpx
import pytest

from tests.desk_server import RunningDesk, add_complaint, add_incident, add_person, add_task
from workers.cases import masking
from workers.desk.words import countdown, duration
from workers.store import deadlines, outbox, overview, timeline
from workers.store.tables import Complaint

SECRETS = ("王小明", "13800138000", "宽带断网两天")


def seen(page: httpx.Response) -> str:
    """The page as text, without markup."""
    return " ".join(re.sub(r"<[^>]+>", " ", page.text).split())


def make_case(desk: RunningDesk) -> str:
    """A case with everything on it."""
    number = add_complaint(desk)
    add_person(desk, "chenjing", "network-operations")
    now = desk.clock.now()
    with desk.database.begin() as tx:
        complaint = tx.get_one(Complaint, number)
        complaint.status, complaint.category, complaint.priority = "in-progress", "service-quality", "urgent"
        complaint.owner_group, complaint.owner_person, complaint.tier = (
            "network-operations",
            "chenjing",
            "department",
        )
        complaint.received_at = now - timedelta(hours=20)
        deadlines.put(tx, number, "preliminary", now + timedelta(hours=4))
        deadlines.put(tx, number, "result", now + timedelta(hours=28))
        timeline.add(tx, number, now, "chenjing", "task-completed", f"{number}:x", task="核查投诉")
        message = outbox.NewMessage(
            number, "result-told", "customer", "sms", "13800138000", None, "王小明", None
        )
        outbox.add(tx, message, "x", now)
    return number


def test_the_overview_of_an_empty_instance(sqlite_desk: RunningDesk) -> None:
    with sqlite_desk.client(None) as client:
        page = client.get("/")
    assert page.status_code == 200
    for said in ("没有办理中的投诉", "没有待办任务", "一切顺畅", "时限内"):
        assert said in seen(page)


def test_the_overview_shows_how_things_stand(desk: RunningDesk) -> None:
    number = make_case(desk)
    add_task(desk, number, due_at=desk.clock.now() - timedelta(minutes=5))
    add_incident(desk, number)
    with desk.client(None) as client:
        page = client.get("/")
    said = seen(page)
    for word in (
        number,
        "服务质量",
        "杭州市",
        "处理中",
        "员工chenjing",
        "剩 3 小时 59 分",
        "前台",
        "Task_VerifyComplaint",
    ):
        assert word in said, word
    assert re.search(r" 1 即将到期 Due soon 0 已超时", said), said
    assert re.search(r"待发送 To send 1 ", said)
    assert not [secret for secret in SECRETS if secret in page.text]


def test_the_case_shows_everything_but_the_customer(desk: RunningDesk) -> None:
    number = make_case(desk)
    add_task(desk, number)
    with desk.client(None) as client:
        page = client.get(f"/complaints/{number}")
    said = seen(page)
    for word in (
        number,
        "紧急",
        "网络维护部",
        "初步核查",
        "剩 3 小时 59 分",
        "前台办理",
        "已完成",
        "结果告知",
        "员工chenjing",
    ):
        assert word in said, word
    assert masking.contact("13800138000") in said
    assert not [secret for secret in SECRETS if secret in page.text]


def test_deadlines_that_were_met_or_missed(sqlite_desk: RunningDesk) -> None:
    number = make_case(sqlite_desk)
    now = sqlite_desk.clock.now()
    with sqlite_desk.database.begin() as tx:
        deadlines.mark_met(tx, number, "preliminary", now)
    with sqlite_desk.client(None) as client:
        assert "按时完成" in seen(client.get(f"/complaints/{number}"))
        sqlite_desk.clock.advance(timedelta(hours=29))
        assert "超 1 小时" in seen(client.get(f"/complaints/{number}"))
        with sqlite_desk.database.begin() as tx:
            deadlines.mark_met(tx, number, "result", sqlite_desk.clock.now())
        assert "逾期完成" in seen(client.get(f"/complaints/{number}"))


@pytest.mark.parametrize(
    "path", ["/complaints/TS20260101-000001", "/nothing", "/complaints/%3Cb%3E", "/complaints/%00"]
)
def test_what_is_not_there_is_a_page_too(sqlite_desk: RunningDesk, path: str) -> None:
    with sqlite_desk.client(None) as client:
        page = client.get(path)
    assert page.status_code == 404
    assert "这里什么也没有" in page.text
    assert "<b>" not in page.text


def test_what_people_wrote_is_text_and_not_markup(sqlite_desk: RunningDesk) -> None:
    evil = "<script>alert(1)</script>"
    number = add_complaint(sqlite_desk, region={"city": evil})
    with sqlite_desk.database.begin() as tx:
        timeline.add(tx, number, sqlite_desk.clock.now(), "x", "task-completed", "x", task=evil)
    with sqlite_desk.client(None) as client:
        for path in ("/", f"/complaints/{number}"):
            assert evil not in client.get(path).text


def test_pages_need_nothing_from_elsewhere_and_no_inline_style_or_script(sqlite_desk: RunningDesk) -> None:
    number = make_case(sqlite_desk)
    with sqlite_desk.client(None) as client:
        for path in ("/", f"/complaints/{number}", "/static/page.css", "/static/page.js", "/static/seal.svg"):
            text = client.get(path).text.replace("http://www.w3.org/2000/svg", "")
            assert not re.search(r"https?://|//cdn|@import", text), path
            assert not re.search(r"\sstyle=|<style|\son\w+=|<script(?![^>]* src=\"/static/)", text), path


def test_static_files_do_not_lead_out_of_their_folder(sqlite_desk: RunningDesk) -> None:
    with sqlite_desk.client(None) as client:
        assert client.get("/static/%2e%2e/app.py").status_code == 404
        assert client.get("/static/..%2fapp.py").status_code == 404


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "0 分钟"),
        (59, "59 分钟"),
        (60, "1 小时"),
        (61, "1 小时 1 分"),
        (1440, "1 天"),
        (1500, "1 天 1 小时"),
        (-61, "1 小时 1 分"),
    ],
)
def test_durations_in_words(minutes: int, said: str) -> None:
    assert duration(timedelta(minutes=minutes)) == said


def test_urgency_and_countdown(sqlite_desk: RunningDesk) -> None:
    now = sqlite_desk.clock.now()
    hour = timedelta(hours=1)
    assert overview.urgency(now - 2 * hour, now + 2 * hour, now) == ("on-time", 0.5)
    assert overview.urgency(now - 3 * hour, now + hour, now) == ("due-soon", 0.75)
    assert overview.urgency(now - 3 * hour, now, now) == ("overdue", 1.0)
    assert overview.urgency(now, now, now - hour)[0] == "due-soon"
    assert overview.urgency(now, None, now) == ("nothing-due", 0.0)
    assert countdown(now, now) == "超 0 分钟"
