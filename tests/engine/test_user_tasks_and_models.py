"""User tasks, deployments and messages on the real engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine.conftest import PROBES, Probe
from workers.engine.deployment import deploy, rejection
from workers.engine.user_tasks import UserTasks
from workers.errors import Conflict, NotFound, Refused, Unavailable

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def user_tasks(probe: Probe) -> UserTasks:
    return probe.running.enter(UserTasks(probe.engine.handle.rest_url))


def _ask(probe: Probe) -> tuple[str, str]:
    number = probe.start(message="probe-asked")
    record = probe.sink.wait_for("USER_TASK", "CREATED", processInstanceKey=probe.instance(number))
    assert record["value"]["candidateGroupsList"] == ["front-desk"]
    return number, str(record["value"]["userTaskKey"])


def test_a_task_is_taken_given_back_and_completed(probe: Probe, user_tasks: UserTasks) -> None:
    number, key = _ask(probe)
    probe.run(user_tasks.assign(key, "li"))
    with pytest.raises(Conflict):
        probe.run(user_tasks.assign(key, "wang"))
    probe.run(user_tasks.assign(key, "wang", take_over=True))
    probe.run(user_tasks.unassign(key))
    probe.run(user_tasks.complete(key, {"is_solved": True}, "settled"))
    assert probe.wait_end(number) == ["Event_Done"]
    done = probe.sink.wait_for("USER_TASK", "COMPLETED", userTaskKey=int(key))
    assert done["value"]["action"] == "settled"
    with pytest.raises(NotFound, match="is not open"):
        probe.run(user_tasks.complete(key, {}))


@pytest.mark.parametrize("key", ["0", "nonsense", "-1", "2251799999999999", str(7 << 51), "9" * 30])
def test_a_task_that_never_was_is_not_found(probe: Probe, user_tasks: UserTasks, key: str) -> None:
    with pytest.raises(NotFound):
        probe.run(user_tasks.complete(key, {}))


def test_an_answer_that_json_cannot_carry_is_refused(probe: Probe, user_tasks: UserTasks) -> None:
    _, key = _ask(probe)
    with pytest.raises(Refused, match="cannot take the answer"):
        probe.run(user_tasks.complete(key, {"share": float("inf")}))


def test_an_engine_that_is_away_is_told(probe: Probe) -> None:
    async def complete_elsewhere() -> None:
        async with UserTasks("http://127.0.0.1:9") as elsewhere:
            await elsewhere.complete("2251799813685249", {})

    with pytest.raises(Unavailable, match="does not answer"):
        probe.run(complete_elsewhere())


def test_all_kinds_of_models_go_in_one_deployment_and_unchanged_ones_stay(probe: Probe) -> None:
    files = sorted(file for file in PROBES.iterdir() if file.stem != "broken")
    first = probe.run(deploy(probe.engine.handle, files))
    assert {(one.kind, one.id) for one in first} == {
        ("process", "probe-job"),
        ("process", "probe-user-task"),
        ("decision", "probe-decision"),
        ("form", "probe-form"),
    }
    assert {one.resource for one in first} == {file.name for file in files}
    assert probe.run(deploy(probe.engine.handle, files)) == first


def test_a_faulty_model_is_refused_with_file_element_and_reason(probe: Probe) -> None:
    with pytest.raises(Refused) as refused:
        probe.run(deploy(probe.engine.handle, [PROBES / "broken.bpmn", PROBES / "probe-decision.dmn"]))
    lines = str(refused.value).splitlines()
    assert lines[0].endswith("nothing was deployed:")
    assert "broken.bpmn" in lines[1] and "Task_NoType" in lines[1] and "taskDefinition" in lines[1]


def test_something_that_is_no_model_is_refused(probe: Probe, tmp_path: Path) -> None:
    file = tmp_path / "nothing.bpmn"
    file.write_text("<a/>")
    with pytest.raises(Refused, match=r"nothing\.bpmn"):
        probe.run(deploy(probe.engine.handle, [file]))


def test_an_unknown_rejection_is_shown_as_it_is() -> None:
    assert (
        rejection("Command 'CREATE' rejected with code 'X': some reason").splitlines()[1] == "  some reason"
    )


def test_a_message_is_taken_once(probe: Probe) -> None:
    number = probe.start()
    probe.wait_end(number)
    assert probe.run(probe.publish("probe-started", number)) is False
