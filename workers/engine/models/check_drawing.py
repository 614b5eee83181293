"""A diagram is read by people: all is drawn, nothing lies on something else, no flow crosses another."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, pairwise
from typing import TYPE_CHECKING

from workers.engine.models.bpmn import Box, Flow, Process
from workers.engine.models.findings import Finding

if TYPE_CHECKING:
    from workers.engine.models.library import Models

Point = tuple[float, float]
Segment = tuple[Point, Point]
_SLACK = 1.0
"""Pixels by which things may touch."""


def findings(models: Models, *_: object) -> Iterator[Finding]:
    """Findings of the rules drawing-missing, drawing-overlap, drawing-crossing."""
    for process in models.processes.values():
        missing = list(_missing(process))
        yield from missing
        if not missing:
            yield from _overlaps(process)
            yield from _through_shapes(process)
            yield from _crossings(process)


def _missing(process: Process) -> Iterator[Finding]:
    for id_ in process.elements:
        if id_ not in process.shapes:
            yield Finding(process.file.name, id_, "drawing-missing", "It has no shape in the diagram.")
    for id_ in process.flows:
        if len(process.edges.get(id_, ())) < 2:
            yield Finding(process.file.name, id_, "drawing-missing", "It has no line in the diagram.")


def _ancestors(process: Process, id_: str) -> set[str]:
    found = set()
    while id_ in process.elements:
        id_ = process.elements[id_].parent
        found.add(id_)
    return found


def _host(process: Process, id_: str) -> str:
    return process.elements[id_].node.get("attachedToRef", "")


def _overlaps(process: Process) -> Iterator[Finding]:
    file = process.file.name
    for one, other in combinations(process.elements, 2):
        related = other in _ancestors(process, one) or one in _ancestors(process, other)
        if related or _host(process, one) == other or _host(process, other) == one:
            continue
        if _overlap(process.shapes[one], process.shapes[other]):
            yield Finding(file, one, "drawing-overlap", f"It lies on {other}.")
    for id_, element in process.elements.items():
        outer, inner = process.shapes.get(element.parent), process.shapes[id_]
        if outer and element.tag != "boundaryEvent" and not _inside(inner, outer):
            yield Finding(file, id_, "drawing-overlap", f"It is drawn outside of {element.parent}.")
        host = process.shapes.get(_host(process, id_))
        if host and (not _overlap(inner, host) or _inside(inner, host)):
            yield Finding(file, id_, "drawing-overlap", "A boundary event sits on the border of its task.")
    yield from _label_overlaps(process)


def _label_overlaps(process: Process) -> Iterator[Finding]:
    file = process.file.name
    labels = {
        id_: box for id_, box in process.labels.items() if id_ in process.elements or id_ in process.flows
    }
    for id_, box in labels.items():
        for other in process.elements:
            around = (
                other == id_
                or other in _ancestors(process, id_)
                or process.elements[other].tag == "subProcess"
            )
            if not around and _overlap(box, process.shapes[other]):
                yield Finding(file, id_, "drawing-overlap", f"Its label lies on {other}.")
        for flow in process.flows:
            if any(_enters(segment, box) for segment in pairwise(process.edges[flow])):
                yield Finding(file, id_, "drawing-overlap", f"Its label lies on the line of {flow}.")
    for one, other in combinations(labels, 2):
        if _overlap(labels[one], labels[other]):
            yield Finding(file, one, "drawing-overlap", f"Its label lies on that of {other}.")


def _through_shapes(process: Process) -> Iterator[Finding]:
    for flow in process.flows.values():
        around = _ancestors(process, flow.source)
        for id_, box in process.shapes.items():
            if id_ not in process.elements or id_ in around:
                continue
            segments = list(pairwise(process.edges[flow.id]))
            if id_ == _host(process, flow.source) or id_ in {flow.source, flow.target}:
                box = Box(box.x + 2, box.y + 2, box.width - 4, box.height - 4)
            if any(_enters(segment, box) for segment in segments):
                yield Finding(process.file.name, flow.id, "drawing-crossing", f"It goes through {id_}.")


def _crossings(process: Process) -> Iterator[Finding]:
    for one, other in combinations(process.flows.values(), 2):
        pairs = (
            (a, b)
            for a in pairwise(process.edges[one.id])
            for b in pairwise(process.edges[other.id])
            if not _share(process, one, other)
        )
        if any(_meet(a, b) for a, b in pairs):
            yield Finding(process.file.name, one.id, "drawing-crossing", f"It crosses {other.id}.")


def _share(process: Process, one: Flow, other: Flow) -> bool:
    """Flows that leave one gateway, or arrive at one, by the same point may run along each other."""
    first, second = process.edges[one.id], process.edges[other.id]
    return (one.target == other.target and first[-1] == second[-1]) or (
        one.source == other.source and first[0] == second[0]
    )


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.x + _SLACK < other.right
        and other.x + _SLACK < one.right
        and one.y + _SLACK < other.bottom
        and other.y + _SLACK < one.bottom
    )


def _inside(inner: Box, outer: Box) -> bool:
    return (
        outer.x < inner.x and outer.y < inner.y and inner.right < outer.right and inner.bottom < outer.bottom
    )


def _enters(segment: Segment, box: Box) -> bool:
    """Whether a segment passes through the inside of a box (Liang-Barsky)."""
    (x0, y0), (x1, y1) = segment
    dx, dy = x1 - x0, y1 - y0
    first, last = 0.0, 1.0
    for move, room in (
        (-dx, x0 - box.x - _SLACK),
        (dx, box.right - _SLACK - x0),
        (-dy, y0 - box.y - _SLACK),
        (dy, box.bottom - _SLACK - y0),
    ):
        if move == 0:
            if room <= 0:
                return False
        elif move < 0:
            first = max(first, room / move)
        else:
            last = min(last, room / move)
    return first < last


def _meet(a: Segment, b: Segment) -> bool:
    """Whether two segments have a point in common (running along each other included)."""

    def side(p: Point, q: Point, r: Point) -> float:
        return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])

    one, two = side(a[0], a[1], b[0]), side(a[0], a[1], b[1])
    three, four = side(b[0], b[1], a[0]), side(b[0], b[1], a[1])
    if one == two == three == four == 0:
        return all(
            min(a[0][k], a[1][k]) <= max(b[0][k], b[1][k]) and min(b[0][k], b[1][k]) <= max(a[0][k], a[1][k])
            for k in (0, 1)
        )
    return one * two <= 0 and three * four <= 0
