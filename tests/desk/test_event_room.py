"""The room of a major event: what whoever steers it sees and does, once, however often they press (rules E3, E6)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.desk.events import add_event, add_report, add_task, move, stand, tie
from tests.desk.signing_in import Browser, add_account, hidden, required
from tests.desk_server import RunningDesk, add_complaint, running
from workers.store import answers, complaints, incidents, timeline
from workers.store.account_tables import AuditEntry
from workers.store.database import Database
from workers.store.tables import EngineRequest, OutboxMessage

HANGZHOU = {"province": "浙江省", "city": "杭州市"}
REASON = "抢修资源不足，需要协调。"
NEWS = "抢修人员已到场，预计今晚恢复。"


@pytest.fixture
def desk(database: Database) -> Iterator[RunningDesk]:
    """An of the city of Hangzhou, He of its service office, Lu of Ningbo, and Qi who calls customers back."""
    with running(database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, "an.shigongsi", "city-management", **HANGZHOU)
        add_account(found, "he.kefu", "customer-service", **HANGZHOU)
        add_account(found, "lu.shigongsi", "city-management", province="浙江省", city="宁波市")
        add_account(found, "qi.huifang", "callback", **HANGZHOU)
        yield found


@pytest.fixture
def an(desk: RunningDesk) -> Iterator[Browser]:
    """An's browser."""
    with Browser(desk) as browser:
        browser.sign_in("an.shigongsi")
        yield browser


def press(browser: Browser, number: str, action: str, **fields: str) -> httpx.Response:
    """Opens the page of the event and sends one of its forms."""
    page = browser.get(f"/events/{number}")
    return browser.http.post(f"/events/{number}/{action}", data=hidden(page) | fields)


def owed(desk: RunningDesk, number: str, name: str) -> list[EngineRequest]:
    with desk.database.read() as tx:
        mine = select(EngineRequest).where(EngineRequest.number == number, EngineRequest.name == name)
        return list(tx.scalars(mine))


def told(desk: RunningDesk) -> list[OutboxMessage]:
    with desk.database.read() as tx:
        mine = select(OutboxMessage).where(OutboxMessage.event == "incident-progress")
        return list(tx.scalars(mine.order_by(OutboxMessage.id)))


def test_E3_E4_E6_the_page_shows_tier_clocks_reports_and_complaints(desk: RunningDesk, an: Browser) -> None:
    number = add_event(desk, tier="branch", owner="he.kefu", text="西湖片区汇聚设备故障")
    move(desk, number, "city", "an.shigongsi", "decide-overdue")
    stand(desk, number, "Task_AcknowledgeIncident")
    tied = tie(desk, number, 9)
    add_report(desk, number, "first", "he.kefu", -3)
    key = add_task(
        desk, number, "Task_AcknowledgeIncident", "acknowledge-incident", "city-management", 15, "1501"
    )
    add_task(
        desk, number, "Task_SubmitIncidentReport", "submit-incident-report", "customer-service", -3, "1502"
    )
    page = an.get(f"/events/{number}").text
    for said in (
        "未按时决策",
        "确认事件",
        "提交报告",
        "剩 14 分钟",
        "75%",
        "首报",
        "逾期",
        "西湖片区汇聚设备故障",
        "9</b> 件",
    ):
        assert said in page, said
    assert f'href="/tasks/{key}"' in page, "what An may do is a link"
    assert 'href="/tasks/1502"' not in page, "the report is for the service office"
    assert tied[-1] in page
    assert tied[0] not in page, "only the newest"
    assert tied[0] in an.get(f"/events/{number}?complaints=all").text
    assert "Task_AcknowledgeIncident" in page, "the diagram is marked"


def test_B10_who_does_not_steer_sees_neither_actions_nor_what_was_written(desk: RunningDesk) -> None:
    number = add_event(desk, text="王小明报告断网")
    for username, expected in (("qi.huifang", False), ("he.kefu", True)):
        with Browser(desk) as browser:
            browser.sign_in(username)
            page = browser.get(f"/events/{number}")
            assert page.status_code == 200
            assert ("王小明报告断网" in page.text) is expected, username
            assert (f'action="/events/{number}/raise"' in page.text) is expected, username
    with Browser(desk) as elsewhere:
        elsewhere.sign_in("lu.shigongsi")
        assert elsewhere.get(f"/events/{number}").status_code == 403
        assert number not in elsewhere.get("/events?show=all").text


def test_E6_nobody_ties_a_complaint_that_they_may_not_see(desk: RunningDesk, an: Browser) -> None:
    number = add_event(desk)
    far = add_complaint(desk, region={"province": "浙江省", "city": "宁波市"})
    assert press(an, number, "attach", numbers=far).status_code == 403


@pytest.mark.parametrize(
    "action", ["raise", "hand-back", "attach", "tell", "tell/send", "complaints/TS1/detach"]
)
@pytest.mark.parametrize("username", ["lu.shigongsi", "qi.huifang"])
def test_E3_nobody_steers_an_event_of_another_region_or_without_the_right(
    desk: RunningDesk, action: str, username: str
) -> None:
    number = add_event(desk)
    with Browser(desk) as browser:
        browser.sign_in(username)
        fields = {
            "round": "1",
            "reason": REASON,
            "numbers": "TS1",
            "news": NEWS,
            "id": "12345678",
            "seen": "0",
        }
        answer = browser.http.post(
            f"/events/{number}/{action}", data=hidden(browser.get("/events/report")) | fields
        )
        assert answer.status_code == 403
    with desk.database.read() as tx:
        assert [each.code for each in timeline.of(tx, number)] == ["incident-reported", "duty-called"]


def test_E3_an_event_is_raised_with_a_reason_that_stays_out_of_the_process(
    desk: RunningDesk, an: Browser
) -> None:
    number = add_event(desk)
    refused = press(an, number, "raise", reason=" ")
    assert (refused.status_code, "请写明理由" in refused.text) == (422, True)
    assert press(an, number, "raise", reason=REASON).status_code == 303
    [request] = owed(desk, number, "incident-raised")
    assert request.variables == {"raised_to": None}
    page = an.get(f"/events/{number}").text
    assert "正在执行" in page and REASON in page
    assert f'action="/events/{number}/raise"' not in page, "asked for already"
    with desk.database.read() as tx:
        noted = list(tx.scalars(select(AuditEntry.action).where(AuditEntry.subject == number)))
    assert noted == ["raise-event"]
    assert desk.woken == 1


def test_E3_two_who_press_at_once_move_the_event_by_one_tier(desk: RunningDesk, an: Browser) -> None:
    """Both saw the branch. The second hears that it is under way, and, after it moved, that it moved."""
    number = add_event(desk, tier="branch", owner="he.kefu")
    with Browser(desk) as other:
        other.sign_in("he.kefu")
        seen_by_an, seen_by_he = (hidden(each.get(f"/events/{number}")) for each in (an, other))
        address = f"/events/{number}/raise"
        assert an.http.post(address, data=seen_by_an | {"reason": REASON}).status_code == 303
        second = other.http.post(address, data=seen_by_he | {"reason": "我也要求升级。"})
        assert (second.status_code, "正在执行" in second.text) == (409, True)
        assert "我也要求升级。" in second.text, "nothing that was written is lost"
        move(desk, number, "city", "an.shigongsi")
        third = other.http.post(address, data=seen_by_he | {"reason": "我也要求升级。"})
        assert (third.status_code, "已转到另一层级" in third.text) == (409, True)
    assert len(owed(desk, number, "incident-raised")) == 1


def test_E3_a_move_that_never_happened_can_be_asked_for_again(desk: RunningDesk, an: Browser) -> None:
    number = add_event(desk)
    assert press(an, number, "raise", reason=REASON).status_code == 303
    desk.clock.advance(timedelta(minutes=11))
    assert press(an, number, "raise", reason=REASON).status_code == 303
    assert len(owed(desk, number, "incident-raised")) == 2


def test_E3_only_who_has_the_event_hands_it_back_and_the_branch_has_nobody_below(
    desk: RunningDesk, an: Browser
) -> None:
    number = add_event(desk)
    with Browser(desk) as office:
        office.sign_in("he.kefu")
        assert f'action="/events/{number}/hand-back"' not in office.get(f"/events/{number}").text
        assert press(office, number, "hand-back", reason=REASON).status_code == 403
    assert press(an, number, "hand-back", reason=REASON).status_code == 303
    [request] = owed(desk, number, "incident-handed-back")
    assert request.variables == {}
    move(desk, number, "branch", "an.shigongsi", "hand-back")
    page = an.get(f"/events/{number}").text
    assert "退回" in page and f'action="/events/{number}/hand-back"' not in page
    answer = an.http.post(
        f"/events/{number}/hand-back", data=hidden(an.get(f"/events/{number}")) | {"reason": "x"}
    )
    assert (answer.status_code, "没有下一级" in answer.text) == (409, True)


def test_E6_every_customer_is_told_once_after_count_and_words_were_shown(
    desk: RunningDesk, an: Browser
) -> None:
    """Three customers with four complaints, one closed, one without an address: two messages, pressed twice."""
    number = add_event(desk)
    first, _, closed = tie(desk, number, 3)
    tie(desk, number, customer={"name": "王小明", "phone": "13900130000"})
    [nowhere] = tie(desk, number, customer={"name": "李梅", "phone": "13900139999"})
    with desk.database.begin() as tx:
        complaints.get(tx, closed).closed_at = desk.clock.now()
        complaints.get(tx, nowhere).customer_phone = None
    page = press(an, number, "tell", news=NEWS)
    assert page.status_code == 200
    assert "将告知 2 位客户" in page.text and "1 位无联系方式" in page.text and NEWS in page.text
    assert "王小明" not in page.text, "the preview names nobody"
    assert told(desk) == [], "nothing is sent before it is confirmed"
    sent = hidden(page) | {"news": NEWS}
    for _ in range(2):
        assert an.http.post(f"/events/{number}/tell/send", data=sent).status_code == 303
    messages = told(desk)
    assert len(messages) == 2 and messages[0].number == first
    assert all(NEWS in each.body for each in messages)
    with desk.database.read() as tx:
        [entry] = [each for each in timeline.of(tx, number) if each.code == "attached-told"]
        assert (entry.who, entry.facts["count"]) == ("an.shigongsi", 2)
        assert NEWS not in str(entry.facts)
    assert NEWS in an.get(f"/events/{number}").text, "colleagues read what was told"


def test_E6_D6_words_that_are_not_said_reach_no_customer(desk: RunningDesk, an: Browser) -> None:
    number = add_event(desk)
    tie(desk, number)
    page = press(an, number, "tell", news="系统故障，请耐心等待。")
    assert page.status_code == 422
    assert "系统故障，请耐心等待。" in page.text, "the text is kept"
    fields = {"news": "系统故障，请耐心等待。", "id": "0123456789", "seen": "0"}
    assert press(an, number, "tell/send", **fields).status_code == 422
    assert told(desk) == []


def test_E6_two_who_tell_at_once_are_shown_each_others_message_first(desk: RunningDesk, an: Browser) -> None:
    number = add_event(desk)
    tie(desk, number, 2)
    with Browser(desk) as other:
        other.sign_in("he.kefu")
        mine = hidden(press(an, number, "tell", news=NEWS)) | {"news": NEWS}
        theirs = hidden(press(other, number, "tell", news="预计两小时恢复。")) | {"news": "预计两小时恢复。"}
        assert an.http.post(f"/events/{number}/tell/send", data=mine).status_code == 303
        second = other.http.post(f"/events/{number}/tell/send", data=theirs)
        assert (second.status_code, "刚刚已由 an.shigongsi 告知 2 位客户" in second.text) == (409, True)
        assert "预计两小时恢复。" in second.text and len(told(desk)) == 2
        again = hidden(second) | {"news": "预计两小时恢复。"}
        assert other.http.post(f"/events/{number}/tell/send", data=again).status_code == 303
    assert len(told(desk)) == 4


def test_E6_complaints_are_tied_by_number_and_let_go_again(desk: RunningDesk, an: Browser) -> None:
    number = add_event(desk)
    one, two = add_complaint(desk), add_complaint(desk, text="也断网")
    wrong = press(an, number, "attach", numbers=f"{one} TS20260101-999999")
    assert (wrong.status_code, one in wrong.text) == (404, True)
    assert press(an, number, "attach", numbers=f"{one}，{two}\n").status_code == 303
    assert press(an, number, f"complaints/{one}/detach", reason="小区外的故障。").status_code == 303
    [request] = owed(desk, one, "complaint-detached")
    assert request.variables == {}
    with desk.database.read() as tx:
        assert [each.number for each in incidents.members(tx, number)] == [two]
        assert answers.newest(tx, number, ["detach_reason"]) == "小区外的故障。"
    again = press(an, number, "attach", numbers=one)
    assert (again.status_code, "不再关联" in again.text) == (409, True)
    twice = press(an, number, f"complaints/{one}/detach", reason="")
    assert (twice.status_code, "不在此事件中" in twice.text) == (409, True)


@pytest.mark.parametrize("status", ["solved", "closed", "dismissed", "noted"])
def test_E3_E6_nothing_is_done_to_an_event_that_is_over(desk: RunningDesk, an: Browser, status: str) -> None:
    number = add_event(desk)
    [tied] = tie(desk, number)
    token = hidden(an.get(f"/events/{number}"))
    with desk.database.begin() as tx:
        incidents.get(tx, number).status = status
    fields = {"reason": REASON, "numbers": tied, "news": NEWS, "id": "0123456789", "seen": "0"}
    for action in ("raise", "hand-back", "attach", "tell", "tell/send", f"complaints/{tied}/detach"):
        answer = an.http.post(f"/events/{number}/{action}", data=token | fields)
        assert answer.status_code == 409, action
    assert "不再变更层级" in an.get(f"/events/{number}").text
    assert told(desk) == [] and owed(desk, number, "incident-raised") == []


def test_E3_E4_the_list_has_what_is_due_first_on_top_and_is_filtered(desk: RunningDesk, an: Browser) -> None:
    calm = add_event(desk)
    late = add_event(desk, tier="branch", owner="he.kefu")
    far = add_event(desk, tier="province", city="宁波", branch=None)
    over = add_event(desk)
    with desk.database.begin() as tx:
        incidents.get(tx, over).status = "closed"
    add_task(desk, calm, "Task_DecideIncident", "decide-incident", "city-management", 90, "1601")
    add_task(desk, late, "Task_AcknowledgeIncident", "acknowledge-incident", "branch-management", -2, "1602")

    def shown(**query: str) -> list[str]:
        page = an.get("/events", params=query).text
        found = {
            number: page.index(f'href="/events/{number}"')
            for number in (calm, late, far, over)
            if number in page
        }
        return sorted(found, key=lambda number: found[number])

    assert shown() == [late, calm, far]
    assert "超 2 分钟" in an.get("/events").text
    assert shown(tier="province") == [far]
    assert shown(place="宁波市") == [far], "however the place is written"
    assert shown(show="all", place="杭州") == [over, late, calm], "the newest first"
    assert "没有符合条件的事件" in an.get("/events", params={"place": "温州"}).text
    assert an.get("/events", params={"tier": "moon"}).status_code == 422


def test_the_list_of_all_events_goes_on_page_by_page(desk: RunningDesk, an: Browser) -> None:
    numbers = [add_event(desk) for _ in range(52)]
    first = an.get("/events?show=all").text
    assert numbers[-1] in first and numbers[0] not in first
    second = an.get("/events", params={"show": "all", "after": numbers[2]}).text
    assert numbers[0] in second and numbers[2] not in second


@pytest.mark.parametrize("tier", ["branch", "city", "province"])
@pytest.mark.parametrize("status", ["declared", "acknowledged", "decided", "solved", "closed", "dismissed"])
def test_an_event_of_every_status_and_tier_is_shown(
    desk: RunningDesk, an: Browser, status: str, tier: str
) -> None:
    number = add_event(desk, tier=tier)
    with desk.database.begin() as tx:
        incidents.get(tx, number).status = status
    page = an.get(f"/events/{number}")
    assert page.status_code == 200
    is_open = status in incidents.OPEN
    assert (f'action="/events/{number}/raise"' in page.text) is is_open
    assert (f'action="/events/{number}/hand-back"' in page.text) is (is_open and tier != "branch")
    assert ("再次催办省公司" in page.text) is (is_open and tier == "province")


def test_E3_who_lost_the_event_meanwhile_is_told_so_and_keeps_what_they_wrote(
    desk: RunningDesk, an: Browser
) -> None:
    number = add_event(desk)
    seen = hidden(an.get(f"/events/{number}"))
    move(desk, number, "province", "somebody.else")
    answer = an.http.post(f"/events/{number}/hand-back", data=seen | {"reason": REASON})
    assert answer.status_code == 403
    assert REASON in answer.text and "只有其可以退回" in answer.text


def test_open_pages_hear_of_what_colleagues_do(desk: RunningDesk, an: Browser) -> None:
    """Telling the customers is nothing that the engine knows of."""
    number = add_event(desk)
    tie(desk, number)
    page = press(an, number, "tell", news=NEWS)
    with an.http.stream("GET", "/live") as stream:
        lines = (line for line in stream.iter_lines() if line.startswith("data:"))
        first = next(lines)
        an.http.post(f"/events/{number}/tell/send", data=hidden(page) | {"news": NEWS})
        assert next(lines) != first


class TestApi:
    """The same over the API, by the same rules."""

    def call(self, desk: RunningDesk, path: str, **body: Any) -> httpx.Response:
        with desk.client() as client:
            return client.post(f"/api/v1/events/{path}", json=body)

    def test_E3_hand_back_takes_a_reason_and_what_was_seen(self, desk: RunningDesk) -> None:
        number = add_event(desk)
        with desk.client() as client:
            seen = client.get(f"/api/v1/events/{number}").json()["round"]
        mine = {"as": "an.shigongsi", "round": seen}
        assert self.call(desk, f"{number}/hand-back", **mine).status_code == 422
        assert self.call(desk, f"{number}/hand-back", **mine, reason=" ").status_code == 422
        assert (
            self.call(desk, f"{number}/hand-back", **(mine | {"as": "he.kefu"}), reason=REASON).status_code
            == 403
        )
        assert (
            self.call(desk, f"{number}/hand-back", **(mine | {"round": 9}), reason=REASON).status_code == 409
        )
        done = self.call(desk, f"{number}/hand-back", **mine, reason=REASON)
        assert (done.status_code, done.json()) == (200, {"number": number, "hand_back": "asked"})
        assert self.call(desk, f"{number}/raise", **{"as": "an.shigongsi"}).status_code == 409, (
            "one move at a time"
        )

    def test_E6_news_is_previewed_and_told_once(self, desk: RunningDesk) -> None:
        number = add_event(desk)
        tie(desk, number, 2)
        mine = {"as": "he.kefu", "news": NEWS}
        seen = self.call(desk, f"{number}/news/preview", **mine).json()
        assert (seen["complaints"], seen["customers"], seen["unreachable"]) == (2, {"sms": 2}, 0)
        assert NEWS in seen["shown"]["sms"]["body"] and told(desk) == []
        for _ in range(2):
            assert self.call(desk, f"{number}/news", **mine).json() == {"number": number, "told": 2}
        assert len(told(desk)) == 2
        assert self.call(desk, f"{number}/news", **mine, id="second-telling").json()["told"] == 2
        assert len(told(desk)) == 4
        assert self.call(desk, f"{number}/news", **(mine | {"as": "qi.huifang"})).status_code == 403

    def test_E6_a_complaint_is_let_go(self, desk: RunningDesk) -> None:
        number = add_event(desk)
        one, _ = tie(desk, number, 2)
        done = self.call(desk, f"{number}/complaints/{one}/detachment", **{"as": "he.kefu"})
        assert done.json() == {"number": number, "complaint": one, "complaint_count": 1}
