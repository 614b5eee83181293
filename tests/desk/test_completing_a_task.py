"""A person completes a user task: who may, what fits, and what happens when the engine says no or nothing."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from tests.desk_server import RunningDesk, add_complaint, add_person, add_task, running
from workers.store import completions, timeline
from workers.store.database import Database
from workers.store.record_tables import UserTask
from workers.store.tables import Answer

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SETTLED = {"is_settled": True, "customer_reply": "线路已修复,请重启光猫"}


def complete(
    client: httpx.Client, task: str, person: str = "liming", variables: Any = None
) -> httpx.Response:
    answers = SETTLED if variables is None else variables
    return client.post(f"/api/v1/tasks/{task}/completion", json={"as": person, "variables": answers})


def answers_of(desk: RunningDesk, task: str) -> dict[str, tuple[str, bool]]:
    with desk.database.read() as tx:
        rows = tx.query(Answer).filter_by(task_key=task).all()
        return {row.field: (row.value, row.is_final) for row in rows}


def done_by(desk: RunningDesk, number: str) -> list[tuple[str, Any]]:
    with desk.database.read() as tx:
        return [
            (entry.who, entry.facts["task"])
            for entry in timeline.of(tx, number)
            if entry.code == "task-completed"
        ]


def test_text_stays_here_and_the_rest_goes_to_the_engine(desk: RunningDesk, api: httpx.Client) -> None:
    number = add_complaint(desk)
    task = add_task(desk, number)
    answer = complete(api, task)
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert told.pop("completed_at").endswith("+08:00")
    assert told == {
        "task": task,
        "number": number,
        "name": "前台办理",
        "form": "settle-complaint",
        "as": "liming",
    }
    assert desk.engine.completions == [(task, {"is_settled": True})]
    assert answers_of(desk, task) == {"customer_reply": ("线路已修复,请重启光猫", True)}
    assert done_by(desk, number) == [("liming", "前台办理")]


def test_the_same_completion_twice_is_told_kindly(desk: RunningDesk, api: httpx.Client) -> None:
    number = add_complaint(desk)
    task = add_task(desk, number)
    assert complete(api, task).status_code == 200
    again = complete(api, task)
    assert again.status_code == 409
    assert again.headers["content-type"] == "application/problem+json"
    assert "liming completed “前台办理” already; nothing more to do" in again.json()["detail"]
    other = complete(api, task, "zhaolei", {"is_settled": True, "customer_reply": "别的话"})
    assert other.status_code == 409
    assert "liming completed “前台办理” meanwhile" in other.json()["detail"]
    assert len(desk.engine.completions) == 1
    assert answers_of(desk, task) == {"customer_reply": ("线路已修复,请重启光猫", True)}
    assert done_by(desk, number) == [("liming", "前台办理")]


def test_two_at_once_and_one_of_them_wins(desk: RunningDesk) -> None:
    number = add_complaint(desk)
    task = add_task(desk, number)
    replies: dict[str, int] = {}
    start = threading.Barrier(4)

    def act(person: str) -> None:
        with desk.client() as client:
            start.wait(30)
            said = {"is_settled": True, "customer_reply": f"答复 {person}"}
            replies[person] = complete(client, task, person, said).status_code

    threads = [threading.Thread(target=act, args=(name,)) for name in ("anna", "bo", "chen", "ding")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(replies.values()) == [200, 409, 409, 409]
    winner = next(person for person, status in replies.items() if status == 200)
    assert answers_of(desk, task) == {"customer_reply": (f"答复 {winner}", True)}
    assert done_by(desk, number) == [(winner, "前台办理")]


@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"is_settled": "yes"}, "is_settled（是否已办结）must be one of true, false"),
        ({}, "is_settled（是否已办结）is required"),
        ({**SETTLED, "colour": 1}, "'colour' is not asked"),
        ({**SETTLED, "customer_reply": "a\x00b"}, "NUL"),
        ({**SETTLED, "customer_reply": "长" * 4001}, "at most 4000"),
        ([], "must be a JSON object"),
        (3, "must be a JSON object"),
    ],
)
def test_answers_that_do_not_fit_change_nothing(sqlite_desk: RunningDesk, variables: Any, said: str) -> None:
    number = add_complaint(sqlite_desk)
    task = add_task(sqlite_desk, number)
    with sqlite_desk.client() as client:
        answer = complete(client, task, variables=variables)
    assert answer.status_code == 422
    assert said in answer.json()["detail"]
    assert sqlite_desk.engine.completions == []
    assert answers_of(sqlite_desk, task) == {}
    assert done_by(sqlite_desk, number) == []


def test_a_task_that_was_taken_away(desk: RunningDesk, api: httpx.Client) -> None:
    task = add_task(desk, add_complaint(desk))
    desk.engine.end_task(task, "cancelled")
    answer = complete(api, task)
    assert answer.status_code == 409
    assert "was taken away" in answer.json()["detail"]
    assert desk.engine.completions == []
    assert answers_of(desk, task) == {}


def test_a_task_that_ends_while_it_is_being_completed(desk: RunningDesk, api: httpx.Client) -> None:
    """The record comes after the engine's refusal: the sentence still says what became of the task."""
    number = add_complaint(desk)
    task = add_task(desk, number)
    desk.engine.way = "gone"
    timer = threading.Timer(0.5, desk.engine.end_task, (task, "cancelled"))
    timer.start()
    answer = complete(api, task)
    timer.join()
    assert answer.status_code == 409
    assert "was taken away" in answer.json()["detail"]
    assert answers_of(desk, task) == {}
    assert done_by(desk, number) == []


def test_what_was_written_is_kept_until_the_record_says_how_the_task_ended(sqlite_desk: RunningDesk) -> None:
    """An answer before may have been lost, and this very text may be what the engine goes on with."""
    number = add_complaint(sqlite_desk)
    task = add_task(sqlite_desk, number)
    kept = {"customer_reply": ("线路已修复,请重启光猫", False)}
    with sqlite_desk.client() as client:
        sqlite_desk.engine.way = "broken"
        assert complete(client, task).status_code == 503
        sqlite_desk.engine.way = "gone"
        answer = complete(client, task)
    assert answer.status_code == 409
    assert "What you wrote is kept" in answer.json()["detail"]
    assert answers_of(sqlite_desk, task) == kept
    with sqlite_desk.database.begin() as tx:
        completions.by_record(tx, {task: (sqlite_desk.engine.asked[-1], NOW)})
    assert done_by(sqlite_desk, number) == [("liming", "前台办理")]
    assert answers_of(sqlite_desk, task) == {"customer_reply": ("线路已修复,请重启光猫", True)}


def test_a_text_that_did_not_count_goes_when_the_record_says_so(sqlite_desk: RunningDesk) -> None:
    task = add_task(sqlite_desk, add_complaint(sqlite_desk))
    sqlite_desk.engine.way = "gone"
    with sqlite_desk.client() as client:
        assert complete(client, task).status_code == 409
    with sqlite_desk.database.begin() as tx:
        completions.by_record(tx, {task: (None, NOW)})
    assert answers_of(sqlite_desk, task) == {}


def test_an_engine_that_is_down_keeps_the_draft_and_later_it_goes_through(
    desk: RunningDesk, api: httpx.Client
) -> None:
    number = add_complaint(desk)
    task = add_task(desk, number)
    desk.engine.way = "broken"
    answer = complete(api, task)
    assert answer.status_code == 503
    assert "kept as a draft" in answer.json()["detail"]
    assert answers_of(desk, task) == {"customer_reply": ("线路已修复,请重启光猫", False)}
    assert done_by(desk, number) == []
    desk.engine.way = "take"
    better = {"is_settled": True, "customer_reply": "已修复"}
    assert complete(api, task, variables=better).status_code == 200
    assert answers_of(desk, task) == {"customer_reply": ("已修复", True)}


def test_no_engine_at_all(sqlite_desk: RunningDesk) -> None:
    task = add_task(sqlite_desk, add_complaint(sqlite_desk))
    sqlite_desk.engine.close()
    with sqlite_desk.client() as client:
        answer = complete(client, task)
    assert answer.status_code == 503
    assert "does not answer" in answer.json()["detail"]


def test_an_answer_that_got_lost_is_found_in_the_record(desk: RunningDesk, api: httpx.Client) -> None:
    number = add_complaint(desk)
    task = add_task(desk, number)
    desk.engine.way = "silent"
    answer = complete(api, task)
    assert answer.status_code == 200, answer.text
    assert answers_of(desk, task) == {"customer_reply": ("线路已修复,请重启光猫", True)}
    assert done_by(desk, number) == [("liming", "前台办理")]
    assert len(desk.engine.completions) == 1


def test_a_crash_between_engine_and_store_is_repaired_by_trying_again(
    desk: RunningDesk, api: httpx.Client
) -> None:
    number = add_complaint(desk)
    task = add_task(desk, number)
    desk.engine.way = "broken"
    assert complete(api, task).status_code == 503
    desk.engine.end_task(task, "completed", desk.engine.asked[-1])  # it had been taken after all
    assert complete(api, task, "zhaolei").status_code == 409
    assert answers_of(desk, task) == {"customer_reply": ("线路已修复,请重启光猫", False)}
    assert complete(api, task).status_code == 200
    assert answers_of(desk, task) == {"customer_reply": ("线路已修复,请重启光猫", True)}
    assert done_by(desk, number) == [("liming", "前台办理")]
    assert desk.engine.completions == []


def test_what_the_engine_refuses_is_said(sqlite_desk: RunningDesk) -> None:
    task = add_task(sqlite_desk, add_complaint(sqlite_desk))
    sqlite_desk.engine.way = "bad"
    with sqlite_desk.client() as client:
        answer = complete(client, task)
    assert answer.status_code == 422
    assert "The engine refused this" in answer.json()["detail"]
    assert answers_of(sqlite_desk, task) == {}


@pytest.mark.parametrize("task", ["2251799813685999", "0", "abc", "9" * 30, "1%00", "..%2f"])
def test_no_such_task(sqlite_desk: RunningDesk, task: str) -> None:
    with sqlite_desk.client() as client:
        answer = complete(client, task)
    assert answer.status_code in {404, 405, 422}
    assert answer.json()["detail"]


HANGZHOU = {"province": "浙江省", "city": "杭州市"}


@pytest.mark.parametrize(
    ("groups", "place", "status", "said"),
    [
        (["front-desk"], HANGZHOU, 200, ""),
        (["front-desk"], {"province": "浙江", "city": "杭州"}, 200, ""),
        (["front-desk"], {"province": "浙江省"}, 200, ""),
        (["front-desk"], {}, 200, ""),
        (["billing"], HANGZHOU, 403, "the task “前台办理” is for front-desk"),
        (["front-desk"], {"province": "浙江省", "city": "宁波市"}, 403, "belongs to 浙江省 杭州市"),
        (["front-desk"], {"province": "江苏省"}, 403, "belongs to 浙江省 杭州市"),
    ],
)
def test_who_may(
    sqlite_desk: RunningDesk, groups: list[str], place: dict[str, str], status: int, said: str
) -> None:
    add_person(sqlite_desk, "local", "front-desk", **HANGZHOU)
    add_person(sqlite_desk, "someone", *groups, **place)
    task = add_task(sqlite_desk, add_complaint(sqlite_desk))
    with sqlite_desk.client() as client:
        offered = [each["task"] for each in client.get("/api/v1/tasks", params={"as": "someone"}).json()]
        answer = complete(client, task, "someone")
    assert answer.status_code == status, answer.text
    assert said in answer.text
    assert offered == ([task] if status == 200 else [])


def test_where_a_region_has_nobody_its_nearest_people_may(sqlite_desk: RunningDesk) -> None:
    add_person(sqlite_desk, "neighbour", "front-desk", province="浙江省", city="宁波市")
    task = add_task(sqlite_desk, add_complaint(sqlite_desk))
    with sqlite_desk.client() as client:
        assert complete(client, task, "neighbour").status_code == 200


def test_who_has_left_may_not(sqlite_desk: RunningDesk) -> None:
    add_person(sqlite_desk, "former", "front-desk", is_active=False)
    task = add_task(sqlite_desk, add_complaint(sqlite_desk))
    with sqlite_desk.client() as client:
        answer = complete(client, task, "former")
    assert answer.status_code == 422
    assert "no longer active" in answer.json()["detail"]


@pytest.mark.parametrize(
    "name", ["", " ", "duban", "customer", "a" * 65, "a b", "../x", "a\x00b", "<b>", "-x"]
)
def test_names_that_are_none(sqlite_desk: RunningDesk, name: str) -> None:
    task = add_task(sqlite_desk, add_complaint(sqlite_desk))
    with sqlite_desk.client() as client:
        answer = complete(client, task, name)
        assert client.get("/api/v1/tasks", params={"as": name}).status_code == 422
    assert answer.status_code == 422
    assert "1 to 64" in answer.json()["detail"]


def test_with_a_staff_file_unknown_names_are_refused(sqlite_database: Database) -> None:
    with running(sqlite_database, is_sample_staff=False) as desk, desk.client() as client:
        add_person(desk, "known", "front-desk")
        task = add_task(desk, add_complaint(desk))
        answer = complete(client, task, "stranger")
        assert answer.status_code == 422
        assert "not in the staff directory" in answer.json()["detail"]
        assert client.get("/api/v1/tasks", params={"as": "stranger"}).status_code == 422
        assert complete(client, task, "known").status_code == 200


def test_a_task_without_a_form_takes_no_answers(sqlite_desk: RunningDesk) -> None:
    task = add_task(sqlite_desk, add_complaint(sqlite_desk))
    with sqlite_desk.database.begin() as tx:
        tx.get_one(UserTask, task).form_key = None
    with sqlite_desk.client() as client:
        assert complete(client, task).status_code == 422
        assert complete(client, task, variables={}).status_code == 200


def test_d6_an_answer_with_forbidden_words_changes_nothing(sqlite_desk: RunningDesk) -> None:
    """The sentence names field, word and what to write instead; the task stays open and can be completed then."""
    task = add_task(sqlite_desk, add_complaint(sqlite_desk))
    with sqlite_desk.client() as client:
        answer = complete(
            client, task, variables={**SETTLED, "customer_reply": "您的号码在黑 名 單中，系统出错"}
        )
        assert answer.status_code == 422
        said = answer.json()["detail"]
        assert "答复客户（customer_reply）：“黑名单”不得出现在发给客户的文字中" in said
        assert "可改为“业务受限”或“限制名单”" in said
        assert "答复客户（customer_reply）：“系统出错”" in said
        assert sqlite_desk.engine.completions == []
        assert answers_of(sqlite_desk, task) == {}
        assert complete(client, task).status_code == 200


def test_d6_a_text_is_checked_while_it_is_written(sqlite_desk: RunningDesk) -> None:
    """Places, levels and suggestions; a better word is offered where the text would be taken."""
    with sqlite_desk.client() as client:
        found = client.post(
            "/api/v1/wording", json={"text": "我已调走，赔偿30元", "context": "message"}
        ).json()
        assert (found["ok"], [(each["word"], each["level"]) for each in found["found"]]) == (
            False,
            [("我已调走", "refused"), ("赔偿", "advised")],
        )
        assert found["found"][1]["instead"] == ["补偿", "返还"]
        assert (found["found"][1]["start"], found["found"][1]["end"]) == (5, 7)
        assert client.post("/api/v1/wording", json={"text": "赔偿"}).json()["ok"] is True
        assert (
            client.post("/api/v1/wording", json={"text": "赔偿", "context": "quoted"}).json()["found"] == []
        )
        assert client.post("/api/v1/wording", json={"text": "x", "context": "poem"}).status_code == 422
