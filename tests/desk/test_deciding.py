"""The inbox and the decision page as people use them, and what is done with a task."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.desk.signing_in import Browser, add_account, hidden, required
from tests.desk_server import RunningDesk, add_complaint, add_task, running
from workers.store import answers, complaints, deadlines, exclusions, incidents, retention, timeline
from workers.store.database import Database
from workers.store.record_tables import DecisionRow, DecisionTables, UserTask
from workers.store.refund_tables import Refund, RefundApproval

HANGZHOU = {"province": "浙江省", "city": "杭州市"}
ANSWERS = {"is_settled": True, "customer_reply": "已为您修复线路"}


@pytest.fixture
def desk(database: Database) -> Iterator[RunningDesk]:
    """Lin and Zhou at the front desk of Hangzhou, Sun at the one of Ningbo, Yin who manages."""
    with running(database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, "lin.qiantai", "front-desk", **HANGZHOU)
        add_account(found, "zhou.qiantai", "front-desk", **HANGZHOU)
        add_account(found, "sun.qiantai", "front-desk", province="浙江省", city="宁波市")
        add_account(found, "yin.fenzhang", "branch-management", **HANGZHOU)
        yield found


@pytest.fixture
def lin(desk: RunningDesk) -> Iterator[Browser]:
    """Lin's browser, signed in."""
    with Browser(desk) as browser:
        browser.sign_in("lin.qiantai")
        yield browser


def post(browser: Browser, path: str, **fields: Any) -> httpx.Response:
    """Sends a form with the token that forms have."""
    return browser.http.post(path, data={"csrf": browser.csrf, **fields})


def complete(browser: Browser, key: str, variables: object) -> httpx.Response:
    """What form.js sends."""
    headers = {"X-CSRF-Token": browser.csrf}
    return browser.http.post(f"/tasks/{key}/completion", json={"variables": variables}, headers=headers)


def assignee(desk: RunningDesk, key: str) -> str | None:
    with desk.database.read() as tx:
        return tx.get_one(UserTask, key).assignee


def test_the_inbox_shows_what_a_person_may_decide_and_nothing_else(desk: RunningDesk, lin: Browser) -> None:
    """Another region's task, another group's, and one that is not theirs by four eyes are in nobody's way."""
    now = desk.clock.now()
    mine = add_task(desk, add_complaint(desk), key="2251799813685301")
    late = add_task(
        desk, add_complaint(desk, text="账单有误"), key="2251799813685302", due_at=now - timedelta(hours=1)
    )
    elsewhere = add_complaint(desk, text="网速慢", region={"province": "浙江省", "city": "宁波市"})
    add_task(desk, elsewhere, key="2251799813685303")
    add_task(desk, add_complaint(desk, text="退费"), key="2251799813685304", groups=["branch-management"])
    barred = add_complaint(desk, text="态度不好")
    add_task(desk, barred, key="2251799813685305")
    with desk.database.begin() as tx:
        exclusions.add(tx, barred, "settle-complaint", ["lin.qiantai"], "worked-before", now)
    page = lin.get("/inbox").text
    shown = [key for key in ("301", "302", "303", "304", "305") if f"/tasks/2251799813685{key}" in page]
    assert shown == ["301", "302"]
    assert page.index(late) < page.index(mine)
    assert "宽带断网" not in page
    assert late in lin.get("/inbox?due=overdue").text
    assert mine not in lin.get("/inbox?due=overdue").text
    for key in ("2251799813685303", "2251799813685304", "2251799813685305"):
        assert lin.get(f"/tasks/{key}").status_code == 403


def test_the_inbox_goes_on_page_by_page(desk: RunningDesk, lin: Browser) -> None:
    """Nobody misses a task because there are many."""
    number = add_complaint(desk)
    keys = {add_task(desk, number, key=f"22517998136{each:05}") for each in range(45)}
    page, seen = lin.get("/inbox").text, set[str]()
    while True:
        seen |= {key for key in keys if f'href="/tasks/{key}"' in page}
        if 'class="next"' not in page:
            break
        address = page.split('class="next" href="')[1].split('"')[0].replace("&amp;", "&")
        page = lin.get(address).text
    assert seen == keys
    assert lin.get("/inbox?after=nonsense").status_code == 422


def test_the_decision_page_has_what_is_needed_to_decide(desk: RunningDesk) -> None:
    """D3: the words, the money, who decided before, and the row of the table that gives the authority."""
    now, number = desk.clock.now(), add_complaint(desk)
    key = add_task(desk, number, groups=["branch-management"], form="approve-refund")
    with desk.database.begin() as tx:
        tx.add(
            Refund(
                refund_no="RF1",
                number=number,
                element_instance_key="1",
                kind="wrong-charge",
                asked_fen=3850,
                payable_fen=7700,
                charge_id="CH-77",
                charged_fen=3850,
                asked_by="lin.qiantai",
                status="waiting",
                tier="branch",
                registered_at=now,
            )
        )
        tx.flush()
        row = {"refund_no": "RF1", "tier": "branch", "group": "branch-management", "at": now}
        tx.add(RefundApproval(element_instance_key="2", person=None, decision="overdue", **row))
        tx.add(
            DecisionTables(
                requirements_key="9",
                resource_name="a.dmn",
                row_texts={"R": "D3: 分公司 ≤ 200 元"},
                deployed_at=now,
            )
        )
        tx.add(
            DecisionRow(
                key="5.0.1",
                process_instance_key=f"9{key[1:]}",
                element_id="Task",
                decision_id="refund-authority",
                decision_name="退费权限",
                requirements_key="9",
                rule_id="R",
                inputs={"金额（分）": 7700, "适用规定": "mobile-branch"},
                outputs={"tier": "branch"},
                made_at=now,
            )
        )
        answers.keep(tx, number, "older", "settle-complaint", {"note": "客户要求退费"}, "lin.qiantai", now)
    with Browser(desk) as yin:
        yin.sign_in("yin.fenzhang")
        page = yin.get(f"/tasks/{key}").text
        diagram = yin.get("/processes/2251799813685249/diagram.bpmn")
    for words in (
        "宽带断网两天",
        "77.00",
        "38.50",
        "CH-77",
        "D3: 分公司 ≤ 200 元",
        "客户要求退费",
        "王小明",
        "城市移动分公司",
        "分公司",
    ):
        assert words in page
    form = json.loads(page.split('<script type="application/json">')[1].split("</script>")[0])
    assert form["data"] == {"decided_by": "yin.fenzhang"}
    assert form["schema"]["id"] == "approve-refund"
    assert diagram.headers["content-type"].startswith("application/xml")


def test_words_of_a_customer_are_never_markup(desk: RunningDesk, lin: Browser) -> None:
    """Whatever a customer writes is shown as they wrote it."""
    key = add_task(desk, add_complaint(desk, text="</script><script>alert(1)</script> 断网了"))
    page = lin.get(f"/tasks/{key}").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_a_task_is_completed_once_whoever_asks_again(desk: RunningDesk, lin: Browser) -> None:
    """Twice, from two tabs, or by a colleague meanwhile: one decision, and a kind sentence."""
    key = add_task(desk, add_complaint(desk))
    first = complete(lin, key, ANSWERS)
    assert first.status_code == 200
    assert first.json()["next"] == "/inbox"
    again = complete(lin, key, ANSWERS)
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"
    with Browser(desk) as zhou:
        zhou.sign_in("zhou.qiantai")
        assert complete(zhou, key, ANSWERS).status_code == 409
        page = zhou.get(f"/tasks/{key}")
    assert "员工lin.qiantai" in page.text
    assert "data-form" not in page.text
    assert desk.engine.completions == [(key, {"is_settled": True})]


def test_an_answer_that_does_not_fit_is_told_and_changes_nothing(desk: RunningDesk, lin: Browser) -> None:
    """Missing answers, forbidden words, a task of others, and no answer at all."""
    key = add_task(desk, add_complaint(desk))
    assert complete(lin, key, {}).status_code == 422
    wrong = complete(lin, key, {"is_settled": True, "customer_reply": "这是系统故障造成的"})
    assert wrong.status_code == 422
    assert "系统故障" in wrong.json()["detail"]
    with Browser(desk) as sun:
        sun.sign_in("sun.qiantai")
        assert complete(sun, key, ANSWERS).status_code == 403
    body = lin.http.post(f"/tasks/{key}/completion", content=b"{", headers={"X-CSRF-Token": lin.csrf})
    assert body.status_code == 422
    assert desk.engine.asked == []


def test_a_forged_form_does_nothing(desk: RunningDesk, lin: Browser) -> None:
    """Without the page's token nothing is claimed, handed over or completed; without a session neither."""
    key = add_task(desk, add_complaint(desk))
    assert lin.http.post("/tasks/claim", data={"only": key}).status_code == 403
    assert lin.http.post(f"/tasks/{key}/completion", json={"variables": ANSWERS}).status_code == 403
    with Browser(desk) as nobody:
        assert nobody.get("/inbox").headers["location"].startswith("/login")
        assert nobody.get("/live").headers["location"].startswith("/login")
        assert nobody.http.post(f"/tasks/{key}/completion", json={"variables": ANSWERS}).status_code == 401
    assert assignee(desk, key) is None
    assert desk.engine.asked == []


def test_tasks_are_taken_and_given_back_one_or_many(desk: RunningDesk, lin: Browser) -> None:
    """What a colleague has is not taken away; the others are."""
    number = add_complaint(desk)
    keys = [add_task(desk, number, key=f"22517998136853{each:02}") for each in range(3)]
    assert post(lin, "/tasks/claim", key=keys).headers["location"] == "/inbox"
    assert [assignee(desk, key) for key in keys] == ["lin.qiantai"] * 3
    assert (
        post(lin, "/tasks/claim", only=keys[0], next=f"/tasks/{keys[0]}").headers["location"]
        == f"/tasks/{keys[0]}"
    )
    with Browser(desk) as zhou:
        zhou.sign_in("zhou.qiantai")
        assert post(zhou, "/tasks/claim", key=keys[0]).status_code == 409
        assert post(zhou, "/tasks/release", key=keys[0]).status_code == 409
        post(lin, "/tasks/release", only=keys[1], key=keys[2])
        assert [assignee(desk, key) for key in keys] == ["lin.qiantai", None, "lin.qiantai"]
        answer = post(zhou, "/tasks/claim", key=keys)
        assert answer.status_code == 409
        assert [assignee(desk, key) for key in keys] == ["lin.qiantai", "zhou.qiantai", "lin.qiantai"]
    assert keys[1] not in lin.get("/inbox?scope=mine").text


def test_a_task_is_handed_to_a_colleague_who_may_do_it_with_a_note(desk: RunningDesk, lin: Browser) -> None:
    """The colleague has it, the timeline says so once, the note is in the case; nobody who may not gets it."""
    number = add_complaint(desk)
    key = add_task(desk, number)
    page = lin.get(f"/tasks/{key}").text
    assert "zhou.qiantai" in page
    assert "sun.qiantai" not in page
    assert post(lin, f"/tasks/{key}/colleague", to="sun.qiantai").status_code == 403
    assert post(lin, f"/tasks/{key}/colleague", to="nobody.here").status_code == 404
    for _ in range(2):
        post(lin, f"/tasks/{key}/colleague", to="zhou.qiantai", note="客户下午才方便接电话")
    assert assignee(desk, key) == "zhou.qiantai"
    with desk.database.read() as tx:
        said = [
            (each.who, each.facts["to"])
            for each in timeline.of(tx, number)
            if each.code == "task-handed-over"
        ]
    assert said == [("lin.qiantai", "zhou.qiantai")]
    with Browser(desk) as zhou:
        zhou.sign_in("zhou.qiantai")
        assert "客户下午才方便接电话" in zhou.get(f"/tasks/{key}").text
    assert post(lin, f"/tasks/{key}/colleague", to="lin.qiantai").status_code == 409


def test_a_task_that_ended_meanwhile_says_so_kindly(desk: RunningDesk, lin: Browser) -> None:
    """Its time was up while the page was open: no error page, no form that leads nowhere."""
    key = add_task(desk, add_complaint(desk))
    desk.engine.end_task(key, "cancelled")
    page = lin.get(f"/tasks/{key}")
    assert page.status_code == 200
    assert "收回" in page.text
    assert post(lin, "/tasks/claim", only=key).status_code == 409
    assert complete(lin, key, ANSWERS).status_code == 409


def test_open_lists_hear_that_something_happened(desk: RunningDesk, lin: Browser) -> None:
    """The stream says that the records moved on, and nothing of what they say."""
    add_task(desk, add_complaint(desk))
    with lin.http.stream("GET", "/live") as stream:
        assert stream.headers["content-type"].startswith("text/event-stream")
        lines = stream.iter_lines()
        assert next(lines) == "retry: 3000"
        heard = next(line for line in lines if line.startswith("event:"))
    assert heard == "event: tasks"


def test_the_forms_of_the_pages_have_their_token(desk: RunningDesk, lin: Browser) -> None:
    """Each form that changes something can be sent as it is."""
    key = add_task(desk, add_complaint(desk))
    assert hidden(lin.get("/inbox"))["csrf"] == lin.csrf
    assert hidden(lin.get(f"/tasks/{key}"))["csrf"] == lin.csrf


def test_E3_tasks_of_events_and_of_retention_runs_are_decided_on_the_page_too(desk: RunningDesk) -> None:
    """Neither has a customer; the page shows what there is of it, and the form."""
    now = desk.clock.now()
    with desk.database.begin() as tx:
        columns = {
            "policy": "petition",
            "kind": "hall-outage",
            "flags": [],
            "text": "营业厅系统中断",
            **HANGZHOU,
        }
        event = incidents.declare(tx, now, who="yin.fenzhang", count=3, **columns)
        run, _ = retention.open_run(tx, now, who="yin.fenzhang")
    told = {"groups": ["branch-management"]}
    add_task(desk, event, key="2251799813685301", form="acknowledge-incident", **told)
    add_task(desk, run, key="2251799813685302", form="confirm-anonymisation", **told)
    with Browser(desk) as yin:
        yin.sign_in("yin.fenzhang")
        of_event, of_run = (yin.get(f"/tasks/225179981368530{each}") for each in (1, 2))
    assert (of_event.status_code, of_run.status_code) == (200, 200)
    assert "营业厅系统中断" in of_event.text and "data-form" in of_event.text
    assert run in of_run.text and "data-form" in of_run.text


def test_C6_more_time_is_asked_for_beside_the_task_by_who_has_the_case(
    desk: RunningDesk, lin: Browser
) -> None:
    """Nobody has to leave the page; it is shown while it can be asked, and not to who only has the task."""
    number = add_complaint(desk)
    key = add_task(desk, number)
    with desk.database.begin() as tx:
        complaint = complaints.get(tx, number)
        complaint.category, complaint.owner_group, complaint.owner_person = "other", "billing", "li.jing"
        deadlines.put(tx, number, "result", desk.clock.now() + timedelta(hours=72))
    call = f'data-call="/api/v1/complaints/{number}/extension"'
    assert call not in lin.get(f"/tasks/{key}").text
    with desk.database.begin() as tx:
        complaints.get(tx, number).owner_group = "front-desk"
    page = lin.get(f"/tasks/{key}").text
    assert call in page and f'data-next="/tasks/{key}?said=extension"' in page
    sent = lin.http.post(
        f"/api/v1/complaints/{number}/extension",
        json={"as": "lin.qiantai", "reason": "客户周四才在家"},
        headers={"X-CSRF-Token": lin.csrf},
    )
    assert sent.status_code == 200
    after = lin.get(f"/tasks/{key}?said=extension").text
    assert "延期申请已提交" in after and call not in after
