"""May an instance be moved from one version of a process to another? What the engine asks, asked before.

An engine of 8.5 moves only instances whose active elements are service tasks, user tasks, subprocesses and called
processes, without event subprocesses in the process and without boundary events other than messages that the two
versions do not share; tried on 8.5.8 (tests/engine/test_moving_instances.py). Newer engines move more: only what
holds for all is asked there, and the engine says the rest.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from workers.engine.models.bpmn import Element, Process

_MOVABLE_IN_85 = frozenset({"SERVICE_TASK", "USER_TASK", "SUB_PROCESS", "CALL_ACTIVITY"})
_KINDS = ("timer", "message", "signal", "error", "escalation", "compensate", "conditional", "link")


@dataclass(frozen=True, order=True)
class Obstacle:
    """Why instances that are at an element cannot be moved. `element` is empty where it is the whole process."""

    element: str
    zh: str
    en: str


@dataclass(frozen=True)
class _Place:
    """What counts of an element: its type, what it is in, how its user task is done, what waits at its edge."""

    kind: str
    scope: str
    is_native: bool
    edges: tuple[tuple[str, str], ...]
    """(kind, message name) of its boundary events, and of the starts of event subprocesses in it."""


@dataclass(frozen=True)
class Version:
    """A deployed version, as far as moving goes."""

    id: str
    places: dict[str, _Place] = field(default_factory=dict)
    has_event_subprocess: bool = False

    @classmethod
    def read(cls, diagram: str) -> Version:
        """From BPMN XML. Raises Broken when it cannot be read."""
        process = Process.parse(diagram, "deployed.bpmn")
        places = {
            each.id: _Place(
                _kind(each),
                each.parent,
                each.extension("userTask") is not None,
                tuple(sorted(_edges(process, each.id))),
            )
            for each in process.elements.values()
            if each.tag != "boundaryEvent"
        }
        return cls(
            process.id, places, any(_is_event_subprocess(each) for each in _inside(process, process.id))
        )


def mapping(source: Version, target: Version) -> dict[str, str]:
    """Every element that the engine may be told of: the same id, of the same type, that instances can be moved at."""
    return {
        id_: id_
        for id_, place in source.places.items()
        if place.kind in _MOVABLE_IN_85 and id_ in target.places and target.places[id_].kind == place.kind
    }


def obstacles(
    source: Version, target: Version, active: Iterable[tuple[str, str]], engine: str | None
) -> list[Obstacle]:
    """Why an instance with these active elements, (id, type), would not be moved; empty: it would.

    Args:
        engine: the engine's version; None: it is not known, and only what holds for all is asked.
    """
    is_85 = bool(engine) and re.match(r"8\.[0-5]\.", f"{engine}.") is not None
    found = []
    if is_85 and (source.has_event_subprocess or target.has_event_subprocess):
        found.append(
            Obstacle(
                "",
                "流程含事件子流程，引擎 8.5 不能迁移",
                "the process has an event subprocess: 8.5 cannot move it",
            )
        )
    for id_, kind in sorted(set(active)):
        found += _at(id_, kind, source, target, is_85=is_85)
    return found


def _at(id_: str, kind: str, source: Version, target: Version, *, is_85: bool) -> list[Obstacle]:
    here, there = source.places.get(id_), target.places.get(id_)
    if is_85 and kind not in _MOVABLE_IN_85:
        return [
            Obstacle(id_, f"引擎 8.5 不能迁移停在此类环节的实例（{kind}）", f"8.5 cannot move from a {kind}")
        ]
    if here is None or there is None:
        return [Obstacle(id_, "新版本没有这个环节", "the newest version has no element with this id")]
    if here.kind != there.kind or here.is_native != there.is_native:
        return [Obstacle(id_, "新版本中环节类型不同", "the element is of another type in the newest version")]
    if _scope(here, source) != _scope(there, target):
        return [Obstacle(id_, "新版本中环节在另一个子流程里", "the element is in another subprocess")]
    return _at_edges(id_, here, there) if is_85 else []


def _at_edges(id_: str, here: _Place, there: _Place) -> list[Obstacle]:
    other = sorted({kind for kind, _ in (*here.edges, *there.edges) if kind != "message"})
    if other:
        names = ", ".join(other)
        return [
            Obstacle(
                id_,
                f"环节带边界事件（{names}），引擎 8.5 不能迁移",
                f"it has boundary events ({names}): 8.5 cannot move it",
            )
        ]
    if set(here.edges) & set(there.edges):
        return [
            Obstacle(
                id_,
                "环节两版都等待同一消息，引擎 8.5 不能迁移",
                "both versions wait for the same message: 8.5 cannot move it",
            )
        ]
    return []


def _scope(place: _Place, version: Version) -> str | None:
    return None if place.scope == version.id else place.scope


def _kind(element: Element) -> str:
    if element.loop or element.node.find("{*}multiInstanceLoopCharacteristics") is not None:
        return "MULTI_INSTANCE_BODY"
    if _is_event_subprocess(element):
        return "EVENT_SUB_PROCESS"
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", element.tag).upper()


def _edges(process: Process, id_: str) -> Iterable[tuple[str, str]]:
    for each in process.of("boundaryEvent"):
        if each.node.get("attachedToRef") == id_:
            yield _event(process, each)
    for inner in _inside(process, id_):
        if _is_event_subprocess(inner):
            yield from (
                _event(process, start) for start in _inside(process, inner.id) if start.tag == "startEvent"
            )


def _event(process: Process, event: Element) -> tuple[str, str]:
    kind = next((each for each in _KINDS if event.definition(each) is not None), "none")
    definition = event.definition("message")
    message = process.messages.get(definition.get("messageRef", "")) if definition is not None else None
    return kind, message.name if message else ""


def _inside(process: Process, scope: str) -> Collection[Element]:
    return [each for each in process.elements.values() if each.parent == scope]


def _is_event_subprocess(element: Element) -> bool:
    return element.tag == "subProcess" and element.node.get("triggeredByEvent") == "true"
