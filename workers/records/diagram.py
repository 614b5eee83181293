"""Reads the labels out of a diagram. The diagram comes from outside: no DTD, no entities, nothing fetched."""

from __future__ import annotations

from typing import Final
from xml.parsers import expat

BPMN: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"


class UnreadableDiagramError(Exception):
    """The diagram is not well-formed XML, or declares a document type, which a BPMN file never needs."""


def element_names(diagram: bytes) -> dict[str, str]:
    """Label by id of every BPMN element that has both, the process included.

    Raises:
        UnreadableDiagramError: not well-formed, or with a DTD (the door of entity expansion).
    """
    names: dict[str, str] = {}

    def start(tag: str, attributes: dict[str, str]) -> None:
        identity, name = attributes.get("id"), attributes.get("name")
        if identity and name and tag.startswith(BPMN):
            names[identity] = " ".join(name.split())

    def refuse(*_: object) -> None:
        raise UnreadableDiagramError("the diagram declares a document type")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(diagram, True)
    except expat.ExpatError as error:
        raise UnreadableDiagramError(f"the diagram is not well-formed: {error}") from error
    return names
