"""What is added to a case while it is handled, by the customer and by staff (rules A6, B10, D6, F3)."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import pytest

from tests.desk.signing_in import Browser, add_account, hidden, required
from tests.desk.test_progress import link
from tests.desk_server import RunningDesk, add_complaint, add_person, add_task, running
from workers.store import complaints, notes, timeline
from workers.store.database import Database

SAID = "客户补充：晚上八点以后也断网"


def post(client: httpx.Client, number: str, **more: object) -> httpx.Response:
    body = {"as": "lin.qiantai", "text": SAID, "of_customer": True} | more
    return client.post(f"/api/v1/complaints/{number}/notes", json=body)


def test_F3_a_note_is_kept_once_and_read_by_those_who_work_on_the_case(
    desk: RunningDesk, api: httpx.Client
) -> None:
    """Eight times the same submission is one note; front desk and owner read it, somebody else does not."""
    number = add_complaint(desk)
    add_person(desk, "lin.qiantai", "front-desk")
    add_person(desk, "ke.wangluo", "network-operations")
    add_person(desk, "fei.zhangwu", "billing")
    with desk.database.begin() as tx:
        complaints.get(tx, number).owner_group = "network-operations"
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: post(api, number, submission="page-1"), range(8)))
    assert sorted(each.status_code for each in answers) == [200] * 7 + [201]
    assert len({each.json()["id"] for each in answers}) == 1
    path = f"/api/v1/complaints/{number}/notes"
    read = {who: api.get(path, params={"as": who}) for who in ("lin.qiantai", "ke.wangluo", "fei.zhangwu")}
    assert {who: answer.status_code for who, answer in read.items()} == {
        "lin.qiantai": 200,
        "ke.wangluo": 200,
        "fei.zhangwu": 403,
    }
    [note] = read["ke.wangluo"].json()
    assert (note["text"], note["author"], note["of_customer"]) == (SAID, "lin.qiantai", True)
    assert post(api, number, **{"as": "fei.zhangwu"}).status_code == 403
    with desk.database.read() as tx:
        codes = [each.code for each in timeline.of(tx, number)]
    assert codes.count("customer-remarked") == 1
    shown = api.get(f"/api/v1/complaints/{number}").text
    assert "晚上八点" not in shown


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        ({"text": "  "}, 422, "text"),
        ({"text": "字" * 2001}, 422, "text"),
        ({"text": "此人系无理客户", "of_customer": False}, 422, "无理客户"),
        ({"text": "他说你们骂他无理客户"}, 201, ""),
        ({"submission": "a b"}, 422, "submission"),
    ],
)
def test_D6_staff_are_held_to_the_wording_the_customers_words_are_kept_as_they_are(
    sqlite_desk: RunningDesk, more: dict[str, object], status: int, says: str
) -> None:
    number = add_complaint(sqlite_desk)
    with sqlite_desk.client() as api:
        answer = post(api, number, **more)
        assert (answer.status_code, says in answer.text) == (status, True)
        kept = api.get(f"/api/v1/complaints/{number}/notes", params={"as": "duty"}).json()
        assert len(kept) == (status == 201)


def test_F3_what_a_customer_adds_stands_beside_the_task_that_is_being_done(database: Database) -> None:
    """Written on the customer's page, sent twice, read once on the decision page of whoever does the task."""
    with running(database, is_sample_staff=False, signing_in=required()) as desk:
        add_account(desk, "lin.qiantai", "front-desk", province="浙江省", city="杭州市")
        number = add_complaint(desk)
        key = add_task(desk, number)
        with desk.client(None) as customer:
            page = customer.get(link(desk, number))
            fields = hidden(page) | {"text": SAID}
            for _ in range(2):
                answer = customer.post(f"/progress/{number}/note", data=fields)
                assert "said=remarked" in answer.headers["location"]
            wrong = customer.post(f"/progress/{number}/note", data=fields | {"key": "A" * 16})
            assert wrong.status_code == 404
        with Browser(desk) as browser:
            browser.sign_in("lin.qiantai")
            assert browser.get(f"/tasks/{key}").text.count(SAID) == 1
            later = add_task(desk, number, key="2251799813685302")
            rows = browser.get("/inbox").text.split("<tr class=")
            marked = {key_: "新补充" in row for row in rows for key_ in (key, later) if key_ in row}
            assert marked == {key: True, later: False}, "what was there before a task is no news for it"
        with desk.database.read() as tx:
            [note] = notes.of(tx, number)
            assert (note.author, note.is_of_customer) == ("customer", True)


def test_F3_nothing_is_added_to_what_is_over_and_not_without_end(sqlite_desk: RunningDesk) -> None:
    """Twenty remarks a day, then the hotline; a closed complaint takes none."""
    number = add_complaint(sqlite_desk)
    address = link(sqlite_desk, number)
    with sqlite_desk.client(None) as customer:
        fields = hidden(customer.get(address)) | {"text": SAID}

        def remark(each: int) -> str:
            answer = customer.post(f"/progress/{number}/note", data=fields | {"submission": f"s{each}"})
            return answer.headers["location"].rpartition("=")[2]

        assert {remark(each) for each in range(20)} == {"remarked"}
        assert remark(20) == "remark-over"
        sqlite_desk.clock.advance(timedelta(days=1, minutes=1))
        assert remark(20) == "remarked"
        with sqlite_desk.database.begin() as tx:
            complaint = complaints.get(tx, number)
            complaint.status, complaint.closed_at = "closed", sqlite_desk.clock.now()
        assert remark(21) == "remark-over"
        assert "补充说明" not in customer.get(address).text


def test_C10_an_anonymised_case_takes_no_note(sqlite_desk: RunningDesk) -> None:
    number = add_complaint(sqlite_desk)
    with sqlite_desk.database.begin() as tx:
        complaints.get(tx, number).anonymised_at = sqlite_desk.clock.now()
    with sqlite_desk.client() as api:
        refused = post(api, number)
    assert refused.status_code == 409
    assert "匿名化" in refused.json()["detail"]
