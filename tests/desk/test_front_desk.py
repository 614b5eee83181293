"""The front desk: find, register once, and what a clerk sees and may do with a case (A1, A2, B10, B12, F3)."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from tests.desk.signing_in import Browser, add_account, required
from tests.desk.test_progress import tell_result
from tests.desk_server import ROOT, RunningDesk, add_complaint, add_person, running
from workers.desk.front_desk import FILE, FrontDesk
from workers.engine.models import Models
from workers.errors import Broken
from workers.notifications.labels import Labels
from workers.store import audit, complaints, evidence, incidents, notes, outbox
from workers.store.database import Database
from workers.store.tables import Complaint, Deadline

TEXT = "家里宽带晚上八点以后就断网，光猫红灯一直闪"
HANGZHOU = {"province": "浙江", "city": "杭州", "branch": "西湖"}


@pytest.fixture
def desk(database: Database) -> Iterator[RunningDesk]:
    """A clerk in Hangzhou, one in Nanjing, somebody of billing, and one of the complaint group."""
    with running(database, is_sample_staff=False, signing_in=required()) as found:
        add_account(found, "lin.qiantai", "front-desk", **HANGZHOU)
        add_account(found, "gu.qiantai", "front-desk", province="江苏", city="南京")
        add_account(found, "yu.zhangwu", "billing", province="浙江", city="杭州")
        add_account(found, "yuan.xiaozu", "complaint-group", province="浙江")
        yield found


@pytest.fixture
def clerk(desk: RunningDesk) -> Iterator[Browser]:
    with Browser(desk) as browser:
        browser.sign_in("lin.qiantai")
        yield browser


def form(**more: Any) -> dict[str, Any]:
    """What the page sends."""
    complaint = {
        "policy": "petition",
        "channel": "phone",
        "text": TEXT,
        "customer": {"name": "周晓岚", "phone": "139 0000 1001"},
        "product": "broadband",
        **more.pop("complaint", {}),
    }
    return {"submission": secrets.token_hex(16), "complaint": complaint, "place": "西湖"} | more


def register(browser: Browser, sent: dict[str, Any]) -> httpx.Response:
    headers = {"X-CSRF-Token": browser.csrf}
    return browser.http.post("/front-desk/register", json=sent, headers=headers)


def count(desk: RunningDesk) -> int:
    with desk.database.read() as tx:
        return tx.scalar(select(func.count()).select_from(Complaint)) or 0


def test_A1_a_complaint_is_registered_once_with_what_the_front_desk_found_out(
    desk: RunningDesk, clerk: Browser
) -> None:
    """Eight answers that got lost: one complaint, one remark, one fault guide; the engine is owed one start."""
    guide = {"kind": "network", "answers": {"is_cell_fault": "no", "is_account_suspended": "no"}}
    sent = form(remark="客户在家，可随时上门", guide=guide, complaint={"flags": ["urgent"]})
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: register(clerk, sent), range(8)))
    assert sorted(each.status_code for each in answers) == [200] * 7 + [201]
    [number] = {each.json()["number"] for each in answers}
    assert count(desk) == 1 == desk.woken
    with desk.database.read() as tx:
        kept = complaints.get(tx, number)
        assert (kept.province, kept.city, kept.branch) == ("浙江", "杭州", "西湖")
        assert (kept.customer_phone, kept.flags, kept.external_ref) == ("+8613900001001", ["urgent"], None)
        written = [each.text for each in notes.of(tx, number)]
        done = [
            each.subject
            for each in audit.page(tx, who="lin.qiantai")
            if each.action == "complaint-registered"
        ]
    assert written[0] == "客户在家，可随时上门"
    assert "账户是否停机或欠费：否 No" in written[1]
    assert len(written) == 2
    assert set(done) == {number}
    assert register(clerk, sent | {"submission": secrets.token_hex(16)}).json()["number"] != number


def test_A1_another_complaint_from_a_page_that_was_doubled_is_not_lost(
    desk: RunningDesk, clerk: Browser
) -> None:
    """The same page with other words is told which number it had; a new submission is a new complaint."""
    sent = form()
    number = register(clerk, sent).json()["number"]
    other = sent | {"complaint": {**sent["complaint"], "text": "账单多了三十元"}}
    refused = register(clerk, other)
    assert (refused.status_code, number in refused.json()["detail"]) == (409, True)
    assert register(clerk, other | {"submission": secrets.token_hex(16)}).status_code == 201
    assert count(desk) == 2


def test_A2_D6_everything_wrong_is_said_beside_its_field_and_nothing_is_kept(
    desk: RunningDesk, clerk: Browser
) -> None:
    complaint = {"text": " ", "customer": {"phone": "12"}}
    answer = register(clerk, form(complaint=complaint, place="一 二 三 四", remark="此人系无理客户"))
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()["fields"]) == {"text", "customer.phone", "place", "remark"}
    assert "13900001001" not in answer.text
    assert count(desk) == 0


def test_B10_only_who_serves_customers_registers_and_finds(desk: RunningDesk) -> None:
    """Billing has neither page nor entry; without a session there is nothing at all."""
    with Browser(desk) as browser:
        assert browser.get("/front-desk").headers["location"].startswith("/login")
        browser.sign_in("yu.zhangwu")
        assert "/front-desk" not in browser.get("/").text
        assert [browser.get(path).status_code for path in ("/front-desk", "/front-desk/register")] == [
            403,
            403,
        ]
        assert register(browser, form()).status_code == 403
        headers = {"X-CSRF-Token": browser.csrf}
        similar = browser.http.post("/api/v1/complaints/similar", json={}, headers=headers)
        assert similar.status_code == 403
    assert count(desk) == 0


def similar(browser: Browser, **known: str) -> dict[str, Any]:
    answer = browser.http.post(
        "/api/v1/complaints/similar", json=known, headers={"X-CSRF-Token": browser.csrf}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def test_A11_E6_what_may_be_the_same_matter_is_shown_while_it_is_written(
    desk: RunningDesk, clerk: Browser
) -> None:
    """Open ones first; no words, no names; a number half written finds nothing; other regions' are not shown."""
    region = {"region": dict(HANGZHOU)}
    closed, running_, elsewhere = (
        add_complaint(desk, customer={"phone": "13900001001"}, **place)
        for place in (region, region, {"region": {"province": "江苏", "city": "南京"}})
    )
    with desk.database.begin() as tx:
        ended = complaints.get(tx, closed)
        ended.status, ended.closed_at = "closed", desk.clock.now()
        event = {"policy": "petition", "kind": "network-outage", "flags": [], "product": "broadband"}
        place = {"province": "浙江", "city": "杭州"}
        now = desk.clock.now()
        number = incidents.declare(tx, now, who="li.na", count=0, **event, **place)
        incidents.declare(tx, now, who="li.na", count=0, **event, city="宁波", province="浙江")
    found = similar(clerk, phone="139-0000-1001", place="西湖", product="broadband")
    assert [each["number"] for each in found["complaints"]] == [running_, closed]
    assert elsewhere not in str(found)
    assert [each["number"] for each in found["events"]] == [number]
    assert found["place"] == "浙江 杭州 西湖"
    assert "断网" not in str(found) and "13900001001" not in str(found)
    assert similar(clerk, phone="1390000")["complaints"] == []
    assert similar(clerk, place="西湖", product="mobile")["events"] == []
    assert similar(clerk) == {"place": "", "complaints": [], "events": []}


def test_F3_a_customer_is_found_by_what_they_say_of_themselves(desk: RunningDesk, clerk: Browser) -> None:
    """By telephone and name: a masked list; by number: the case at once. Nothing of it is in an address."""
    number = add_complaint(desk, customer={"name": "周晓岚", "phone": "13900001001"}, region=dict(HANGZHOU))
    for wanted in ("13900001001", "周晓岚"):
        page = clerk.send("/front-desk", "/front-desk", wanted=wanted)
        assert (page.status_code, number in page.text, "周**" in page.text) == (200, True, True)
        assert "139****1001" in page.text
    straight = clerk.send("/front-desk", "/front-desk", wanted=number.lower())
    assert straight.headers["location"] == f"/complaints/{number}"
    assert "没有找到" in clerk.send("/front-desk", "/front-desk", wanted="王五").text
    assert clerk.send("/front-desk", "/front-desk", wanted="  ").status_code == 303
    with Browser(desk) as nanjing:
        nanjing.sign_in("gu.qiantai")
        assert "没有找到" in nanjing.send("/front-desk", "/front-desk", wanted="13900001001").text
        assert nanjing.get(f"/complaints/{number}").status_code == 403


def told(desk: RunningDesk, number: str) -> None:
    """A message that went to the customer, and a deadline."""
    with desk.database.begin() as tx:
        now = desk.clock.now()
        tx.add(Deadline(number=number, kind="result", due_at=now.replace(microsecond=0)))
        words = (
            "customer",
            "sms",
            "+8613900001001",
            None,
            "您的投诉已受理 https://care.example.com/p/geheim",
            None,
        )
        outbox.add(tx, outbox.NewMessage(number, "complaint-accepted", *words), "1", now)


def test_F3_a_clerk_tells_the_same_as_the_customers_page_and_no_secret(
    desk: RunningDesk, clerk: Browser
) -> None:
    """Steps, expected time, the last thing told without its link; billing, who does not serve, sees none of it."""
    number = add_complaint(desk, region=dict(HANGZHOU))
    told(desk, number)
    with desk.database.begin() as tx:
        now = desk.clock.now()
        notes.add(tx, number, "下午才在家", author="lin.qiantai", is_of_customer=True, at=now)
    page = clerk.get(f"/complaints/{number}").text
    assert all(word in page for word in ("告诉客户", "已收到", "您的投诉已受理", "下午才在家", "客户撤诉"))
    assert "geheim" not in page and "care.example.com" not in page
    with Browser(desk) as billing:
        billing.sign_in("yu.zhangwu")
        other = billing.get(f"/complaints/{number}").text
    assert not any(
        word in other for word in ("告诉客户", "您的投诉已受理", "下午才在家", "客户撤诉", "添加证据")
    )


@pytest.mark.parametrize("status", ["received", "in-progress", "resolved", "closed", "withdrawn"])
def test_every_kind_of_complaint_has_a_page_with_what_can_be_done_now(
    sqlite_desk: RunningDesk, status: str
) -> None:
    """Survey when a result was told, appeal when it is over, withdrawal while it runs; after anonymisation nothing."""
    with running(sqlite_desk.database, is_sample_staff=False, signing_in=required()) as desk:
        add_account(desk, "yuan.xiaozu", "complaint-group")
        number = add_complaint(desk)
        if status in {"resolved", "closed"}:
            tell_result(desk, number, status)
        with desk.database.begin() as tx:
            kept = complaints.get(tx, number)
            kept.status, kept.category, kept.owner_group = status, "service-quality", "complaint-group"
            is_over = status in {"closed", "withdrawn"}
            kept.closed_at = desk.clock.now() if is_over else None
            evidence.mark(tx, number, "false", is_set=True, grounds="x", by="li.na", at=desk.clock.now())
            tx.add(Deadline(number=number, kind="result", due_at=desk.clock.now()))
        with Browser(desk) as browser:
            browser.sign_in("yuan.xiaozu")
            page = browser.get(f"/complaints/{number}?said=registered").text
            shown = {word for word in ("记录客户评价", "代客户申诉", "确认撤诉", "申请延期") if word in page}
            expected = {
                "received": {"确认撤诉", "申请延期"},
                "in-progress": {"确认撤诉", "申请延期"},
                "resolved": {"记录客户评价", "确认撤诉", "申请延期"},
                "closed": {"代客户申诉"},
                "withdrawn": set(),
            }
            assert shown == expected[status]
            assert "撤销标记" in page
            with desk.database.begin() as tx:
                complaints.get(tx, number).anonymised_at = desk.clock.now()
            later = browser.get(f"/complaints/{number}")
            assert later.status_code == 200
            assert "加补充说明" not in later.text and "添加证据" not in later.text


def test_A6_whoever_looks_without_a_login_sees_the_masked_case_and_no_forms(sqlite_desk: RunningDesk) -> None:
    """A desk that needs no login: the page is for looking."""
    number = add_complaint(sqlite_desk)
    add_person(sqlite_desk, "li.na", "front-desk")
    with sqlite_desk.database.begin() as tx:
        notes.add(tx, number, "下午才在家", author="li.na", is_of_customer=True, at=sqlite_desk.clock.now())
    with sqlite_desk.client(None) as client:
        page = client.get(f"/complaints/{number}").text
    assert number in page
    assert "<form" not in page and "下午才在家" not in page


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"policy": "nothing"}, "policy"),
        ({"channels": ["pigeon"]}, "pigeon"),
        ({"flags": ["odd"]}, "odd"),
        ({"channels": []}, "channels"),
        ({"more": 1}, "more"),
    ],
)
def test_A2_a_mistake_in_what_the_front_desk_offers_is_told(
    tmp_path: Any, change: dict[str, Any], says: str
) -> None:
    """templates/front-desk.json is read when the service starts: a typing mistake does not wait for a customer."""
    good = json.loads((ROOT / "templates" / FILE).read_text(encoding="utf-8"))
    (tmp_path / FILE).write_text(json.dumps(good | change), encoding="utf-8")
    with pytest.raises(Broken, match=says):
        FrontDesk.load(tmp_path, {"petition"})


def test_A1_the_front_desk_offers_what_the_models_and_labels_know() -> None:
    """As shipped: every policy of the models, and a label for every product and channel."""
    models, labels = Models.load(ROOT / "bpmn"), Labels.load(ROOT / "templates")
    offered = FrontDesk.load(ROOT / "templates", models.policies())
    assert set(offered.policies) == set(models.policies())
    assert [word for word in (*offered.products, *offered.channels) if labels.zh(word) == word] == []
