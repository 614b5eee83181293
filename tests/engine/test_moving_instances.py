"""Which instances the real engine moves to another version: the preview says the same as the engine."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from tests.engine.conftest import Probe
from workers.engine import topology
from workers.engine.deployment import deploy
from workers.engine.models.moves import Version, mapping, obstacles
from workers.engine.moving import Moving
from workers.errors import NotFound, Refused

pytestmark = pytest.mark.engine

_HEAD = (
    '<?xml version="1.0"?><bpmn:definitions xmlns:bpmn="http://www.omg.org/spec/BPMN/20100524/MODEL" '
    'xmlns:zeebe="http://camunda.org/schema/zeebe/1.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'targetNamespace="x">'
)
_NATIVE = "<bpmn:extensionElements><zeebe:userTask /></bpmn:extensionElements>"
_JOB = '<bpmn:extensionElements><zeebe:taskDefinition type="nobody-does-it" /></bpmn:extensionElements>'
_TIMER = (
    '<bpmn:timerEventDefinition id="T_{0}"><bpmn:timeDuration xsi:type="bpmn:tFormalExpression">PT9H'
    "</bpmn:timeDuration></bpmn:timerEventDefinition>"
)
_MESSAGE = '<bpmn:messageEventDefinition id="D_{0}" messageRef="Message_Other" />'


def flow(source: str, target: str) -> str:
    return f'<bpmn:sequenceFlow id="F_{source}_{target}" sourceRef="{source}" targetRef="{target}" />'


def task(id_: str) -> str:
    return f'<bpmn:userTask id="{id_}">{_NATIVE}</bpmn:userTask>'


def edge(id_: str, on: str, definition: str) -> str:
    return (
        f'<bpmn:boundaryEvent id="{id_}" attachedToRef="{on}"><bpmn:outgoing>F_{id_}_E_{id_}</bpmn:outgoing>'
        f'{definition.format(id_)}</bpmn:boundaryEvent><bpmn:endEvent id="E_{id_}" />{flow(id_, f"E_{id_}")}'
    )


def inside(id_: str, body: str) -> str:
    return (
        f'<bpmn:subProcess id="{id_}"><bpmn:startEvent id="S_{id_}" />{body}<bpmn:endEvent id="Z_{id_}" />'
        f"{flow(f'S_{id_}', 'U')}{flow('U', f'Z_{id_}')}</bpmn:subProcess>"
    )


def watching(definition: str) -> str:
    return (
        f'<bpmn:subProcess id="W" triggeredByEvent="true"><bpmn:startEvent id="WS">{definition.format("WS")}'
        f'</bpmn:startEvent><bpmn:endEvent id="WE" />{flow("WS", "WE")}</bpmn:subProcess>'
    )


def model(process: str, body: str, *chain: str) -> str:
    ids = ["Event_Start", *chain, "Event_End"]
    start = '<bpmn:messageEventDefinition id="Definition_1" messageRef="Message_1" />'
    return (
        f'{_HEAD}<bpmn:process id="{process}" isExecutable="true"><bpmn:startEvent id="Event_Start">{start}'
        f'</bpmn:startEvent><bpmn:endEvent id="Event_End" />{body}'
        f"{''.join(flow(a, b) for a, b in pairwise(ids))}</bpmn:process>"
        f'<bpmn:message id="Message_1" name="start-{process}" />'
        '<bpmn:message id="Message_Other" name="other"><bpmn:extensionElements><zeebe:subscription '
        'correlationKey="=number" /></bpmn:extensionElements></bpmn:message></bpmn:definitions>'
    )


CASES: dict[str, tuple[tuple[str, str], tuple[str, str], bool]] = {
    "user-task": ((task("A"), "A"), (task("A") + task("B"), "A B"), True),
    "service-task": (
        (f'<bpmn:serviceTask id="A">{_JOB}</bpmn:serviceTask>', "A"),
        (f'<bpmn:serviceTask id="A">{_JOB}</bpmn:serviceTask>' + task("B"), "A B"),
        True,
    ),
    "subprocess": ((inside("A", task("U")), "A"), (inside("A", task("U")) + task("B"), "A B"), True),
    "new-message": ((task("A"), "A"), (task("A") + edge("X", "A", _MESSAGE), "A"), True),
    "same-message": (
        (task("A") + edge("X", "A", _MESSAGE), "A"),
        (task("A") + edge("X", "A", _MESSAGE) + task("B"), "A B"),
        False,
    ),
    "timer": ((task("A"), "A"), (task("A") + edge("X", "A", _TIMER), "A"), False),
    "event-subprocess": ((task("A"), "A"), (task("A") + watching(_MESSAGE), "A"), False),
    "renamed": ((task("A"), "A"), (task("Another"), "Another"), False),
    "other-type": ((task("A"), "A"), (f'<bpmn:serviceTask id="A">{_JOB}</bpmn:serviceTask>', "A"), False),
    "moved-inside": ((task("U"), "U"), (inside("A", task("U")), "A"), False),
    "send-task": (
        (f'<bpmn:sendTask id="A">{_JOB}</bpmn:sendTask>', "A"),
        (f'<bpmn:sendTask id="A">{_JOB}</bpmn:sendTask>' + task("B"), "A B"),
        False,
    ),
    "waiting": (
        (f'<bpmn:intermediateCatchEvent id="A">{_TIMER.format("A")}</bpmn:intermediateCatchEvent>', "A"),
        (
            f'<bpmn:intermediateCatchEvent id="A">{_TIMER.format("A")}</bpmn:intermediateCatchEvent>'
            + task("B"),
            "A B",
        ),
        False,
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_preview_says_what_the_engine_does(probe: Probe, tmp_path: Path, name: str) -> None:
    """An instance is moved where the preview says so; elsewhere it is refused with a reason, and stays as it was."""
    process = f"move-{name}"
    source, target = (model(process, body, *ids.split()) for body, ids in CASES[name][:2])
    file = tmp_path / f"{process}.bpmn"
    keys = []
    for xml in (source, target):
        file.write_text(xml, encoding="utf-8")
        keys.append(probe.run(deploy(probe.engine.handle, [file]))[0].key)
        if len(keys) == 1:
            number = f"N-{name}"
            probe.run(probe.publish(f"start-{process}", number))
            instance = probe.instance(number)
            place = "U" if "U" in source.split('id="')[-1] or 'id="U"' in source else "A"
            probe.sink.wait_for(
                "PROCESS_INSTANCE", "ELEMENT_ACTIVATED", processInstanceKey=instance, elementId=place
            )
    active = {
        (record["value"]["elementId"], record["value"]["bpmnElementType"])
        for record in probe.sink.find("PROCESS_INSTANCE", "ELEMENT_ACTIVATED", processInstanceKey=instance)
        if record["value"]["bpmnElementType"] not in {"PROCESS", "START_EVENT"}
    } - {
        (record["value"]["elementId"], record["value"]["bpmnElementType"])
        for record in probe.sink.find("PROCESS_INSTANCE", "ELEMENT_COMPLETED", processInstanceKey=instance)
    }
    engine = probe.run(topology.look(probe.engine.gateway)).version
    one, other = Version.read(source), Version.read(target)
    told = obstacles(one, other, active, engine)
    assert bool(told) is not CASES[name][2], told
    move = Moving(probe.engine.gateway).move(str(instance), keys[1], mapping(one, other))
    if told:
        with pytest.raises(Refused):
            probe.run(move)
        assert not probe.sink.find("PROCESS_INSTANCE", "ELEMENT_MIGRATED", processInstanceKey=instance)
    else:
        probe.run(move)
        moved = probe.sink.wait_for(
            "PROCESS_INSTANCE", "ELEMENT_MIGRATED", processInstanceKey=instance, bpmnElementType="PROCESS"
        )
        assert (moved["value"]["version"], str(moved["value"]["processDefinitionKey"])) == (2, keys[1])
        again = Moving(probe.engine.gateway).move(str(instance), keys[1], mapping(one, other))
        if name != "new-message":  # an answer that was lost: asked again, it is where it is
            probe.run(again)
        else:
            again.close()


def test_an_instance_that_has_ended_is_gone(probe: Probe) -> None:
    with pytest.raises(NotFound, match="已结束"):
        probe.run(Moving(probe.engine.gateway).move("2251799813685249", "2251799813685250", {}))
