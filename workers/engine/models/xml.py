"""XML of model files, read by the standard library with everything refused that a model has no use for."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.parsers import expat

from workers.errors import Broken

BPMN = "{http://www.omg.org/spec/BPMN/20100524/MODEL}"
BPMNDI = "{http://www.omg.org/spec/BPMN/20100524/DI}"
DC = "{http://www.omg.org/spec/DD/20100524/DC}"
DI = "{http://www.omg.org/spec/DD/20100524/DI}"
ZEEBE = "{http://camunda.org/schema/zeebe/1.0}"
DMN = "{https://www.omg.org/spec/DMN/20191111/MODEL/}"

LARGEST_BYTES = 5_000_000


def read_xml(file: Path) -> ElementTree.Element:
    """The root element. Raises Broken for a file that is too large, not XML, or brings a DTD or entities."""
    try:
        if file.stat().st_size > LARGEST_BYTES:
            raise Broken(f"{file.name} is larger than {LARGEST_BYTES} bytes")
        content = file.read_bytes()
    except OSError as error:
        raise Broken(f"{file.name} cannot be read: {error.strerror}") from error
    return parse_xml(content, file.name)


def parse_xml(content: bytes, name: str) -> ElementTree.Element:
    """The root element of a model called `name`. Raises Broken: not XML, or it brings a DTD or entities."""
    guard = expat.ParserCreate()
    guard.StartDoctypeDeclHandler = _refuse  # without a DTD there are no entities to expand or to fetch
    try:
        guard.Parse(content, True)
        return ElementTree.fromstring(content)  # noqa: S314 - the guard has refused what makes it unsafe
    except (expat.ExpatError, ElementTree.ParseError) as error:
        raise Broken(f"{name} is not XML: {error}") from error


def _refuse(*_: object) -> None:
    raise Broken("a model has a document type declaration, which no modeller writes")


def local(tag: str) -> str:
    """The tag without its namespace."""
    return tag.rpartition("}")[2]
