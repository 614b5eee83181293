"""A BPMN file as data: elements, flows, what the engine reads of them, and where they are drawn."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from xml.etree import ElementTree

from workers.engine.models.xml import BPMN, BPMNDI, DC, DI, ZEEBE, local, parse_xml, read_xml
from workers.errors import Broken

EVENTS = frozenset(
    {"startEvent", "endEvent", "intermediateCatchEvent", "intermediateThrowEvent", "boundaryEvent"}
)
GATEWAYS = frozenset({"exclusiveGateway", "parallelGateway", "inclusiveGateway", "eventBasedGateway"})
TASKS = frozenset(
    {
        "task",
        "serviceTask",
        "sendTask",
        "receiveTask",
        "userTask",
        "businessRuleTask",
        "scriptTask",
        "manualTask",
    }
)
SCOPES = frozenset({"subProcess", "callActivity"})
NODES = EVENTS | GATEWAYS | TASKS | SCOPES


@dataclass(frozen=True)
class Element:
    """A flow node: task, event, gateway, sub-process or call activity. `parent` is the id of its scope."""

    id: str
    tag: str
    name: str
    parent: str
    node: ElementTree.Element
    incoming: list[str] = field(default_factory=list)
    outgoing: list[str] = field(default_factory=list)

    @property
    def documentation(self) -> str:
        """Its description, in English."""
        return (self.node.findtext(f"{BPMN}documentation") or "").strip()

    @property
    def is_join(self) -> bool:
        """A gateway that only brings flows together: it asks nothing and carries no label."""
        return self.tag in GATEWAYS and len(self.outgoing) <= 1

    def extension(self, name: str) -> ElementTree.Element | None:
        """A zeebe extension element by its local name."""
        return self.node.find(f"{BPMN}extensionElements/{ZEEBE}{name}")

    def attribute(self, extension: str, name: str) -> str:
        """An attribute of an extension element; empty where either is missing."""
        found = self.extension(extension)
        return (found.get(name) or "").strip() if found is not None else ""

    def mappings(self, kind: str) -> dict[str, str]:
        """Target -> source of the `input` or `output` mappings."""
        found = self.node.findall(f"{BPMN}extensionElements/{ZEEBE}ioMapping/{ZEEBE}{kind}")
        return {each.get("target", ""): each.get("source", "") for each in found}

    @property
    def headers(self) -> dict[str, str]:
        """The task headers."""
        found = self.node.findall(f"{BPMN}extensionElements/{ZEEBE}taskHeaders/{ZEEBE}header")
        return {each.get("key", ""): each.get("value", "") for each in found}

    def definition(self, kind: str) -> ElementTree.Element | None:
        """Its event definition, e.g. `timer`."""
        return self.node.find(f"{BPMN}{kind}EventDefinition")

    @property
    def throws(self) -> bool:
        """An end that throws an error or an escalation."""
        return any(self.definition(kind) is not None for kind in ("error", "escalation"))

    @property
    def loop(self) -> dict[str, str]:
        """What a multi-instance element reads and makes: inputCollection, inputElement, outputCollection,
        outputElement. Empty when it runs once."""
        found = self.node.find(
            f"{BPMN}multiInstanceLoopCharacteristics/{BPMN}extensionElements/{ZEEBE}loopCharacteristics"
        )
        return {key: value.strip() for key, value in found.attrib.items()} if found is not None else {}

    @property
    def timer(self) -> str | None:
        """The expression of its timer; empty when there is none, None when it has no timer."""
        found = self.definition("timer")
        if found is None:
            return None
        return next((each.text or "" for each in found), "").strip()


@dataclass(frozen=True)
class Flow:
    """A sequence flow."""

    id: str
    name: str
    source: str
    target: str
    condition: str
    parent: str


@dataclass(frozen=True)
class Message:
    """A BPMN message and its correlation key."""

    id: str
    name: str
    key: str


@dataclass(frozen=True)
class Box:
    """A drawn rectangle, in pixels."""

    x: float
    y: float
    width: float
    height: float

    @property
    def right(self) -> float:
        return self.x + self.width

    @property
    def bottom(self) -> float:
        return self.y + self.height


@dataclass
class Process:
    """One process of one file."""

    file: Path
    id: str
    name: str
    is_executable: bool
    documentation: str
    elements: dict[str, Element] = field(default_factory=dict)
    flows: dict[str, Flow] = field(default_factory=dict)
    messages: dict[str, Message] = field(default_factory=dict)
    codes: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Id of an error or escalation -> (`error` or `escalation`, its code)."""
    shapes: dict[str, Box] = field(default_factory=dict)
    edges: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    labels: dict[str, Box] = field(default_factory=dict)

    @classmethod
    def read(cls, file: Path) -> Process:
        """Reads a file. Raises Broken when it is not XML or has not exactly one process."""
        return cls._of(read_xml(file), file)

    @classmethod
    def parse(cls, diagram: str, name: str) -> Process:
        """Reads a diagram that is in no file; `name` is what it is called in sentences. Raises as `read`."""
        return cls._of(parse_xml(diagram.encode(), name), Path(name))

    @classmethod
    def _of(cls, root: ElementTree.Element, file: Path) -> Process:
        found = root.findall(f"{BPMN}process")
        if len(found) != 1:
            raise Broken(f"{file.name} has {len(found)} processes; a file has exactly one")
        node = found[0]
        process = cls(
            file,
            node.get("id", ""),
            node.get("name", ""),
            node.get("isExecutable") == "true",
            (node.findtext(f"{BPMN}documentation") or "").strip(),
        )
        process._read_scope(node, process.id)
        for flow in process.flows.values():
            if flow.source in process.elements and flow.target in process.elements:
                process.elements[flow.source].outgoing.append(flow.id)
                process.elements[flow.target].incoming.append(flow.id)
        process._read_definitions(root)
        process._read_drawing(root)
        return process

    def of(self, *tags: str) -> Iterator[Element]:
        """The elements with one of these tags."""
        return (each for each in self.elements.values() if each.tag in tags)

    def _read_scope(self, scope: ElementTree.Element, parent: str) -> None:
        for node in scope:
            tag, id_ = local(node.tag), node.get("id", "")
            if tag in NODES:
                self.elements[id_] = Element(id_, tag, node.get("name", ""), parent, node)
                if tag == "subProcess":
                    self._read_scope(node, id_)
            elif tag == "sequenceFlow":
                condition = (node.findtext(f"{BPMN}conditionExpression") or "").strip()
                ends = node.get("sourceRef", ""), node.get("targetRef", "")
                self.flows[id_] = Flow(id_, node.get("name", ""), *ends, condition, parent)

    def _read_definitions(self, root: ElementTree.Element) -> None:
        for node in root.findall(f"{BPMN}message"):
            subscription = node.find(f"{BPMN}extensionElements/{ZEEBE}subscription")
            key = subscription.get("correlationKey", "") if subscription is not None else ""
            self.messages[node.get("id", "")] = Message(node.get("id", ""), node.get("name", ""), key)
        for kind in ("error", "escalation"):
            for node in root.findall(f"{BPMN}{kind}"):
                self.codes[node.get("id", "")] = (kind, node.get(f"{kind}Code", ""))

    def _read_drawing(self, root: ElementTree.Element) -> None:
        for shape in root.iter(f"{BPMNDI}BPMNShape"):
            bounds = shape.find(f"{DC}Bounds")
            if bounds is not None:
                self.shapes[shape.get("bpmnElement", "")] = _box(bounds)
            self._read_label(shape)
        for edge in root.iter(f"{BPMNDI}BPMNEdge"):
            points = [(float(p.get("x", 0)), float(p.get("y", 0))) for p in edge.findall(f"{DI}waypoint")]
            self.edges[edge.get("bpmnElement", "")] = points
            self._read_label(edge)

    def _read_label(self, drawn: ElementTree.Element) -> None:
        bounds = drawn.find(f"{BPMNDI}BPMNLabel/{DC}Bounds")
        if bounds is not None:
            self.labels[drawn.get("bpmnElement", "")] = _box(bounds)


def _box(bounds: ElementTree.Element) -> Box:
    return Box(*(float(bounds.get(name, 0)) for name in ("x", "y", "width", "height")))
