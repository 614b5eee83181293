"""Whether a variable has been set, on every way, when something reads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from workers.engine.models.bpmn import Element, Process
from workers.engine.models.check_variables import brought_by, makes
from workers.engine.models.check_work import job_type
from workers.engine.models.contracts import TaskContract
from workers.engine.models.feel import names
from workers.engine.models.findings import Finding

if TYPE_CHECKING:
    from workers.engine.models.library import Models

Names = frozenset[str]


def findings(models: Models, tasks: Mapping[str, TaskContract] | None, *_: object) -> Iterator[Finding]:
    """Findings of the rule variable-unset."""
    if tasks is None:
        return
    for process in models.processes.values():
        made = frozenset(makes(process, models, tasks))
        walk = _Walk(process, models, tasks, frozenset(models.variables) - made | _given(process, models))
        for element, name in walk.reads_too_early():
            message = f"{name!r} is read here, but not every way to this place has set it."
            yield Finding(process.file.name, element, "variable-unset", message)


def _given(process: Process, models: Models) -> Names:
    """What every caller hands over; everything, where nobody says what it would be.

    A process that can be called, and started by messages as well, and that nobody calls yet: what the messages bring.
    """
    given = [
        frozenset(call.mappings("input"))
        for caller in models.processes.values()
        for call in caller.of("callActivity")
        if call.attribute("calledElement", "processId") == process.id
    ]
    if given:
        return frozenset.intersection(*given)
    starts = [each for each in process.of("startEvent") if each.parent == process.id]
    by_message = [each for each in starts if each.definition("message") is not None]
    if not by_message:
        return frozenset(models.variables)
    if len(by_message) == len(starts):
        return frozenset()
    return frozenset.intersection(*(frozenset(brought_by(process, each, models)) for each in by_message))


class _Walk:
    """Follows every way through a process until what is known to be set no longer changes.

    Args:
        given: what is set when the process begins. Variables that nothing in the process makes count as given
            here: the rule call-inputs tells about those.
    """

    def __init__(
        self, process: Process, models: Models, tasks: Mapping[str, TaskContract], given: Names
    ) -> None:
        self._process, self._models, self._tasks, self._given = process, models, tasks, given
        everything = given | frozenset(models.variables)
        self._before: dict[str, Names] = dict.fromkeys(process.elements, everything)
        self._after: dict[str, Names] = dict.fromkeys(process.elements, everything)
        changed = True
        while changed:
            changed = False
            for element in process.elements.values():
                found = self._arriving(element), self._leaving(element)
                if found != (self._before[element.id], self._after[element.id]):
                    self._before[element.id], self._after[element.id] = found
                    changed = True

    def reads_too_early(self) -> Iterator[tuple[str, str]]:
        """Element or flow id, and the variable."""
        for element in self._process.elements.values():
            ready = self._before[element.id]
            inputs = element.mappings("input")
            for name in sorted(self._known(element.loop.get("inputCollection", "")) - ready):
                yield element.id, name
            each = element.loop.get("inputElement")
            ready |= frozenset({each} if each else ())
            for source in inputs.values():
                yield from ((element.id, name) for name in sorted(self._known(source) - ready))
            ready |= frozenset(inputs)
            yield from ((element.id, name) for name in sorted(self._reads(element) - ready))
            if element.tag != "callActivity":  # there, outputs read what the called process has set
                ready |= self._gains(element) | self._inner(element)
                for source in element.mappings("output").values():
                    yield from ((element.id, name) for name in sorted(self._known(source) - ready))
        for flow in self._process.flows.values():
            missing = self._known(flow.condition) - self._after.get(flow.source, frozenset())
            yield from ((flow.id, name) for name in sorted(missing))

    def _arriving(self, element: Element) -> Names:
        if element.tag == "boundaryEvent":
            host = self._process.elements.get(element.node.get("attachedToRef", ""))
            return self._before[host.id] | self._inside(host) if host else self._given
        if element.incoming:
            flows = [self._process.flows[flow].source for flow in element.incoming]
            arriving = [self._after[source] for source in flows]
            if element.tag == "parallelGateway":  # it waits for all of them
                return frozenset().union(*arriving)
            return frozenset.intersection(*arriving)
        scope = self._process.elements.get(element.parent)
        if scope is None:
            return self._given
        if scope.node.get("triggeredByEvent") == "true":  # it may begin as soon as the process has begun
            starts = (each for each in self._process.of("startEvent") if each.parent == self._process.id)
            return self._given.union(*(self._gains(each) for each in starts))
        return self._before[scope.id] | self._inside(scope)

    @staticmethod
    def _inside(element: Element) -> Names:
        """What is set only within an element: its inputs, and what one of several instances is for."""
        each = element.loop.get("inputElement")
        return frozenset(element.mappings("input")) | ({each} if each else set())

    def _leaving(self, element: Element) -> Names:
        outputs = frozenset(element.mappings("output"))
        if together := element.loop.get("outputCollection"):
            return self._arriving(element) | {together}
        gains = frozenset() if outputs else self._gains(element)
        inner = self._inner(element) - frozenset(element.mappings("input"))
        return self._arriving(element) | outputs | gains | inner

    def _inner(self, element: Element) -> Names:
        """What the parts of a sub-process have set at each of its ends by which it is done.

        An end that throws leads out by a boundary event instead, and what happens beside the work (after a boundary
        event that does not interrupt) is not what the sub-process is done by.
        """
        reached = self._main_ways(element)
        ends = [self._after[each.id] for each in reached if each.tag == "endEvent" and not each.throws]
        return frozenset.intersection(*ends) if ends else frozenset()

    def _main_ways(self, scope: Element) -> list[Element]:
        """The parts of a sub-process that its start leads to, interruptions included."""
        parts = [each for each in self._process.elements.values() if each.parent == scope.id]
        ahead = [each for each in parts if each.tag == "startEvent"]
        found: dict[str, Element] = {}
        while ahead:
            each = ahead.pop()
            if each.id in found:
                continue
            found[each.id] = each
            ahead += [self._process.elements[self._process.flows[flow].target] for flow in each.outgoing]
            ahead += [
                other
                for other in parts
                if other.node.get("attachedToRef") == each.id and other.node.get("cancelActivity") != "false"
            ]
        return list(found.values())

    def _gains(self, element: Element) -> Names:
        contract = self._tasks.get(job_type(element))
        form = self._models.forms.get(element.attribute("formDefinition", "formId"))
        result = element.attribute("calledDecision", "resultVariable")
        return frozenset(
            (contract.sets if contract else frozenset())
            | (form.answers if form else frozenset())
            | brought_by(self._process, element, self._models)
            | ({result} if result else set())
        )

    def _known(self, expression: str) -> Names:
        """What an expression reads, of the words in the dictionary; others are told by variable-unknown."""
        return frozenset(names(expression)) & self._models.variables.keys()

    def _reads(self, element: Element) -> Names:
        texts = [
            element.attribute("assignmentDefinition", "candidateGroups"),
            element.attribute("taskSchedule", "dueDate"),
            element.timer or "",
        ]
        decision = self._models.decisions.get(element.attribute("calledDecision", "decisionId"))
        texts += ["=" + text for text in decision.inputs] if decision else []
        contract = self._tasks.get(job_type(element))
        found = {name for text in texts for name in names(text)}
        return (
            frozenset(found | (contract.required if contract else frozenset()))
            & self._models.variables.keys()
        )
