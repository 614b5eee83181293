"""The contract for scripts: the real command against the running instance, JSON in and out."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from tests.stories.test_complaint_handling import NO_SIGNAL, WRONG_BILL
from tests.stories.world import DUBAN, Case, World


def duban(world: World, *arguments: str, text: str = "", code: int = 0) -> str:
    """Runs a command on the world's data folder; returns what it printed."""
    ended = subprocess.run(
        [DUBAN, *arguments, "--data", world.running.data],
        input=text,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ended.returncode == code, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout if code == 0 or ended.stdout else ended.stderr


def test_lines_that_cannot_be_accepted_are_refused_and_the_others_go_on(world: World) -> None:
    """One JSON line out per line in: a number, or the reason and the line."""
    good = {"policy": "petition", "channel": "web", "text": NO_SIGNAL, "customer": {"phone": "13900008888"}}
    lines = [
        json.dumps(good, ensure_ascii=False),
        "{",
        json.dumps(good | {"colour": "red"}),
        json.dumps(good | {"text": "字" * 1_000_000}),
        json.dumps(good | {"text": "a\u0000b"}),
        json.dumps(good | {"customer": {"phone": "12"}}),
        json.dumps(good | {"policy": "no-such-policy"}),
        json.dumps(good | {"flags": "media"}),
        json.dumps(good, ensure_ascii=False),
    ]
    answers: list[dict[str, Any]] = [
        json.loads(line) for line in duban(world, "submit", "-", text="\n".join(lines), code=1).splitlines()
    ]
    assert [sorted(answer) for answer in answers] == [["number"], *[["error", "line"]] * 7, ["number"]]
    assert [answer["line"] for answer in answers if "line" in answer] == list(range(2, 9))
    for answer in answers:
        if "number" in answer:
            world.client.withdraw(answer["number"], None)


def test_a_case_from_submit_to_the_next_task_by_commands_alone(world: World) -> None:
    """submit, tasks, complete (refused, then taken, then too late), show, clock advance, incidents."""
    line = {
        "policy": "petition",
        "channel": "phone",
        "text": WRONG_BILL,
        "customer": {"phone": "13900007777"},
    }
    number = json.loads(duban(world, "submit", text=json.dumps(line)))["number"]
    case = Case(world, number)
    case.task("investigate-complaint")
    (task,) = [t for t in json.loads(duban(world, "tasks", "--json")) if t["number"] == number]
    assert {"task", "name", "number", "groups", "due_at", "form"} <= set(task)
    assert task["name"] == "核查投诉"
    owner = json.loads(duban(world, "show", number, "--json"))["owner"]["person"]
    assert task["task"] in [t["task"] for t in json.loads(duban(world, "tasks", "--as", owner, "--json"))]

    complete = ("complete", task["task"], "--as", owner, "--json")
    assert "findings" in duban(world, *complete, '{"finding": "upheld"}', code=1)
    assert case.tasks() != []
    answers = json.dumps({"finding": "upheld", "cause_code": "system", "findings": "系统多计一次。"})
    duban(world, *complete, answers)
    case.task("propose-solution")
    assert "Traceback" not in duban(world, *complete, answers, code=1)
    next_task = case.task("propose-solution")["task"]
    assert "billing" in duban(world, "complete", next_task, "--as", "lin.qiantai", "--json", "{}", code=1)
    assert case.tasks()[0]["task"] == next_task, "who may not decide changed nothing"

    assert "now" in json.loads(duban(world, "clock", "advance", "PT1H"))
    assert "ISO 8601" in duban(world, "clock", "advance", "tomorrow", code=1)
    assert json.loads(duban(world, "incidents", "--json")) == []
    shown = json.loads(duban(world, "show", number, "--json"))
    assert {
        "number", "policy", "channel", "status", "category", "priority", "owner", "tier", "deadlines", "timeline",
        "messages", "tasks", "refunds", "incident", "satisfaction",
    } <= set(shown)  # fmt: skip
    assert all(message["to"].count("*") for message in shown["messages"])
    world.client.withdraw(number, None)
    case.wait_status("withdrawn")


def test_models_are_deployed_again_and_a_moved_clock_lets_no_other_worker_in(world: World) -> None:
    """`deploy` finds the running engine; unchanged models keep their version; `work` says why it does not start."""
    world.settle()
    assert "process complaint-handling version 1" in duban(world, "deploy")
    assert "--test-clock" in duban(world, "work", code=1)
