"""Stories of operations: two at once, killed, stopped, started again. Nothing is lost, nothing is left behind."""

from __future__ import annotations

import json
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from datetime import date, datetime
from itertools import count
from pathlib import Path

import psutil
import pytest

from tests.notifications.mail_servers import webhook_receiver
from tests.stories.world import DUBAN, Running, World
from workers.cases.calendar import WorkingCalendar, is_workday, read_hours, read_years
from workers.errors import Broken
from workers.names import SHANGHAI

REPOSITORY = Path(__file__).parents[2]
WRONG_BILL = "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return tmp_path / "data"


@pytest.fixture
def up(data: Path) -> Iterator[Callable[..., World]]:
    """Starts `duban up` on the data folder; what a story started is ended at its end."""
    worlds: list[World] = []

    def start(**environment: str) -> World:
        worlds.append(World(Running(data, environment, "--test-clock")))
        return worlds[-1]

    yield start
    for world in worlds:
        world.close()
        world.running.stop(signal.SIGKILL)


def descendants(world: World) -> list[psutil.Process]:
    return psutil.Process(world.running.process.pid).children(recursive=True)


def engine_of(world: World) -> psutil.Process:
    return next(
        process for process in descendants(world) if "StandaloneBroker" in " ".join(process.cmdline())
    )


def gone(processes: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(processes, timeout=60)[1]


def refused(*arguments: str | Path) -> str:
    """What `duban up` says when it does not start."""
    ended = subprocess.run(
        [DUBAN, "up", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode not in (0, 2)
    assert ended.stdout == ""
    assert "Traceback" not in ended.stderr
    return ended.stderr.splitlines()[-1]


def test_an_instance_survives_kills_and_goes_on_where_it_stopped(
    up: Callable[..., World], data: Path
) -> None:
    """Engine killed, everything killed, stopped and started: the complaint is there, once, with its clock."""
    world = up()
    case = world.complain(WRONG_BILL)
    case.task("investigate-complaint")
    world.advance("PT40H")

    # two at once on one folder; a port that is taken
    assert f"process {world.running.process.pid}" in refused("--data", data, "--port", "0")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        assert "--port" in refused("--data", data.with_name("other"), "--port", port)

    # the engine dies: complaints are still taken in, and each is started once when it is back
    engine_of(world).kill()
    late = world.complain(WRONG_BILL)
    late.task("investigate-complaint")
    assert len(late.messages("complaint-registered")) == 1
    world.settle()
    before = case.show()

    # everything dies at once; nothing is left behind, and the next start goes on
    family = descendants(world)
    world.running.process.kill()
    assert gone(family), "an engine outlived its instance"
    world = up()
    case.world = late.world = world
    assert case.show()["timeline"] == before["timeline"]
    task = case.task("investigate-complaint")
    case.complete("investigate-complaint", finding="upheld", cause_code="system", findings="已核查。")
    world.settle()
    assert case.task("propose-solution")["task"] != task["task"]
    world.advance("PT15H")
    assert len(case.messages("deadline-warning")) >= 2, "the clock is where it was: 40 h + 15 h are past 54 h"

    # Ctrl-C: everything is gone
    family = descendants(world)
    assert world.running.stop(signal.SIGINT) == 0
    assert gone(family)
    assert not (data / "instance.json").exists()

    # a moved clock is not forgotten by accident
    assert "--test-clock" in refused("--data", data, "--port", "0")


def test_workers_of_their_own_help_a_running_instance(data: Path) -> None:
    """`duban work` joins the instance on the folder, works, and ends on SIGTERM with nothing left undone."""
    running = Running(data, {})
    world = World(running)
    command = [DUBAN, "work", "--data", data, "--only", "classify-complaint", "--only", "assign-owner"]
    try:
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as worker:
            assert worker.stderr is not None
            assert any("working on classify-complaint, assign-owner" in line for line in worker.stderr)
            cases = [world.complain(WRONG_BILL) for _ in range(5)]
            for case in cases:
                case.task("investigate-complaint")
            worker.send_signal(signal.SIGTERM)
            worker.communicate(timeout=60)
            assert worker.returncode == 0
        assert world.client.incidents() == []
        assert all(len(case.messages("complaint-assigned")) == 1 for case in cases)
    finally:
        world.close()
        running.stop()


def test_ctrl_c_while_the_engine_starts_leaves_nothing_behind(data: Path) -> None:
    """Whoever changes their mind at once gets their machine back."""
    process = subprocess.Popen(
        [DUBAN, "up", "--data", data, "--port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Starting the engine" in line:
                break
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=120)
    assert process.returncode == 130
    assert gone(family)


def test_a_folder_that_cannot_be_written_is_told_in_a_sentence(tmp_path: Path) -> None:
    """A file where the data folder should be: one sentence, no traceback."""
    file = tmp_path / "file"
    file.write_text("not a folder")
    assert "--data" in refused("--data", file / "data")


def test_stuck_work_is_an_incident_with_its_cause_and_can_be_retried(
    up: Callable[..., World], data: Path, tmp_path: Path
) -> None:
    """Nobody is in the department: an incident says so, and operations are told by webhook. The staff file is mended,
    the work retried, it goes on: told once more. Nothing is told twice, though the instance stopped in between."""
    people = json.loads((REPOSITORY / "deploy" / "sample-staff.json").read_text(encoding="utf-8"))
    lacking = tmp_path / "staff.json"
    lacking.write_text(json.dumps([person for person in people if "billing" not in person["groups"]]))
    with webhook_receiver() as receiver:
        alerts = {"WEBHOOK_URL": receiver.url, "DIGEST_SECONDS": "0", "INTERVAL_SECONDS": "0"}
        told = {f"DUBAN_ALERTS__{name}": value for name, value in alerts.items()}
        world = up(DUBAN_STAFF_FILE=str(lacking), **told)
        assert "Nobody is in the group billing" in world.running.progress()
        case = world.complain(WRONG_BILL)
        case.wait(lambda: bool(world.client.incidents()), "an incident")
        assert "billing" in json.dumps(world.client.incidents(), ensure_ascii=False)
        assert case["incident"] is not None
        assert case.tasks() == []
        case.wait(lambda: len(receiver.bodies) == 1, "an alert")
        (line,) = json.loads(receiver.bodies[0])["data"]["begun"]
        assert (line["kind"], line["numbers"], line["count"]) == ("incident", [case.number], 1)
        assert line["process"] == "department-handling" and "billing" in line["says"]
        assert world.running.stop() == 0

        world = case.world = up(**told)
        (incident,) = world.client.incidents()
        world.client.retry(incident["key"])
        assert case.task("investigate-complaint")["groups"] == ["billing"]
        case.wait(lambda: case["incident"] is None, "no incident any more")
        assert world.client.incidents() == []
        case.wait(lambda: len(receiver.bodies) == 2, "an alert that it is over")
        second = json.loads(receiver.bodies[1])["data"]
        assert second["counts"] == {"begun": 0, "ended": 1, "still": 0}
        assert second["ended"][0]["numbers"] == [case.number]
        assert world.client.test_alert(None)["state"] == "asked"
        case.wait(lambda: len(receiver.bodies) == 3, "a test alert")
        assert json.loads(receiver.bodies[2])["type"] == "alert.tested"


def first_unknown_year() -> int:
    """The first year from now whose holidays the library does not know."""
    for year in count(datetime.now(SHANGHAI).year):
        try:
            is_workday(date(year, 6, 1))
        except Broken:
            return year
    raise AssertionError


def test_B1_a_year_that_nobody_knows_is_stuck_work_until_its_working_days_are_written_down(
    up: Callable[..., World], data: Path, tmp_path: Path
) -> None:
    """Deadlines in working days are never guessed: operations see the year in `duban incidents`; the designer writes
    working-days.json beside the models, the work is given another try, and goes on with the right days."""
    models = Path(shutil.copytree(REPOSITORY / "bpmn", tmp_path / "bpmn"))
    world, year = up(DUBAN_MODELS_DIR=str(models)), first_unknown_year()
    reached = datetime(year, 3, 1, 10, tzinfo=SHANGHAI)
    world.advance(f"PT{max(1, int((reached - datetime.now(SHANGHAI)).total_seconds()))}S")
    case = world.complain("家里宽带一直断网。", policy="broadband", product="broadband")
    case.wait(lambda: case["incident"] is not None, "an incident")
    shown = subprocess.run(
        [DUBAN, "incidents", "--data", data], capture_output=True, text=True, timeout=300, check=True
    ).stdout
    assert case.number in shown and "holidays" in shown.replace("\n", " ")
    assert case["deadlines"] == [] and case.tasks() == [], "nothing is guessed"
    assert world.running.stop() == 0

    days = {"holidays": [f"{year}-03-08"], "workdays": []}
    written = {
        str(each): days if each == year else {"holidays": [], "workdays": []} for each in (year, year + 1)
    }
    (models / "working-days.json").write_text(json.dumps(written), encoding="utf-8")
    world = case.world = up(DUBAN_MODELS_DIR=str(models))
    [incident] = world.client.incidents()
    assert str(year) in json.dumps(incident, ensure_ascii=False)
    retried = subprocess.run([DUBAN, "retry", incident["key"], "--data", data], timeout=300, check=False)
    assert retried.returncode == 0
    assert case.task("verify-identity")
    assert {each["due_at"][:4] for each in case["deadlines"]} == {str(year)}
    calendar = WorkingCalendar(
        read_hours(json.loads((models / "working-hours.json").read_text())), read_years(written)
    )
    received = datetime.fromisoformat(case["received_at"])
    assert datetime.fromisoformat(case.deadline("result")["due_at"]) == calendar.due_at(
        received, "P7WD", "working"
    )
    assert world.client.incidents() == []
