"""Labels are read from a diagram that may come from anybody."""

from __future__ import annotations

import pytest

from tests.records.streams import HERE
from workers.records.diagram import BPMN, UnreadableDiagramError, element_names

BOMB = b"""<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<d xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"><task id="t" name="&b;"/></d>"""
FETCH = (
    b"""<!DOCTYPE d SYSTEM "file:///etc/passwd"><d xmlns="http://www.omg.org/spec/BPMN/20100524/MODEL"/>"""
)


def test_every_bpmn_element_with_a_label() -> None:
    names = element_names((HERE / "models" / "record-root.bpmn").read_bytes())
    assert names["record-root"] == "记录样例"
    assert names["Task_Decide"] == "作出决定"
    assert names["Event_Withdrawn"] == "已撤诉"
    assert "f1" not in names


def test_a_label_in_two_lines_is_one_line() -> None:
    diagram = (
        f'<d xmlns="{BPMN}"><task id="t" name="核实&#10;  资料"/><x xmlns="y" id="z" name="not BPMN"/></d>'
    )
    assert element_names(diagram.encode()) == {"t": "核实 资料"}


@pytest.mark.parametrize("diagram", [BOMB, FETCH])
def test_a_document_type_is_refused(diagram: bytes) -> None:
    with pytest.raises(UnreadableDiagramError, match="document type"):
        element_names(diagram)


@pytest.mark.parametrize("diagram", [b"", b"<open>", b"\xff\xfe", b"not xml"])
def test_what_is_not_xml_is_refused(diagram: bytes) -> None:
    with pytest.raises(UnreadableDiagramError, match="not well-formed"):
        element_names(diagram)
