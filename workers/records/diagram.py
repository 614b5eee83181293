"""Reads the words out of diagrams and decision tables. They come from outside: no DTD, no entities, nothing fetched."""

from __future__ import annotations

from typing import Final
from xml.parsers import expat

BPMN: Final = "http://www.omg.org/spec/BPMN/20100524/MODEL"


class UnreadableDiagramError(Exception):
    """The file is not well-formed XML, or declares a document type, which BPMN and DMN files never need."""


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

    parser = _parser()
    parser.StartElementHandler = start
    _parse(parser, diagram)
    return names


def row_texts(tables: bytes) -> dict[str, str]:
    """Description by id of every rule of every decision table in a DMN file.

    Raises:
        UnreadableDiagramError: not well-formed, or with a DTD.
    """
    texts: dict[str, str] = {}
    path: list[str] = []
    rule = ""

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal rule
        path.append(tag.rpartition(" ")[2])
        if path[-1] == "rule":
            rule = attributes.get("id", "")

    def end(_: str) -> None:
        path.pop()

    def text(data: str) -> None:
        if path[-2:] == ["rule", "description"] and rule:
            texts[rule] = texts.get(rule, "") + data

    parser = _parser()
    parser.StartElementHandler = start
    parser.EndElementHandler = end
    parser.CharacterDataHandler = text
    _parse(parser, tables)
    return {identity: " ".join(said.split()) for identity, said in texts.items()}


def _parser() -> expat.XMLParserType:
    def refuse(*_: object) -> None:
        raise UnreadableDiagramError("the file declares a document type")

    parser = expat.ParserCreate(namespace_separator=" ")
    parser.StartDoctypeDeclHandler = refuse
    parser.EntityDeclHandler = refuse
    return parser


def _parse(parser: expat.XMLParserType, content: bytes) -> None:
    try:
        parser.Parse(content, True)
    except expat.ExpatError as error:
        raise UnreadableDiagramError(f"the file is not well-formed: {error}") from error
