"""Ways of breaking the text of a model."""

from __future__ import annotations

import re
from collections.abc import Callable


def swap(old: str, new: str, count: int = -1) -> Callable[[str], str]:
    """Replaces a text that must be there."""
    return lambda text: text.replace(old, new, count)


def inside(element: str, old: str, new: str) -> Callable[[str], str]:
    """Replaces a text within the XML of one element, from its start tag to its end tag."""

    def edit(text: str) -> str:
        start = text.index(f' id="{element}"')
        tag = re.match(r"<bpmn:(\w+)", text[text.rindex("<", 0, start) :])
        assert tag is not None
        end = text.index(f"</bpmn:{tag.group(1)}>", start)
        return text[:start] + text[start:end].replace(old, new) + text[end:]

    return edit


def onto(element: str, other: str) -> Callable[[str], str]:
    """Draws a shape on another one, its label left where it is."""

    def edit(text: str) -> str:
        bounds = r'(<bpmndi:BPMNShape id="{}_di"[^>]*>\s*<dc:Bounds )(x="[\d.]+" y="[\d.]+")'
        place = re.search(bounds.format(other), text)
        assert place is not None
        return re.sub(bounds.format(element), rf"\g<1>{place.group(2)}", text)

    return edit


def label_moved(element: str, x: int, y: int) -> Callable[[str], str]:
    """Draws a label somewhere else."""

    def edit(text: str) -> str:
        start = text.index(f'<bpmndi:BPMNShape id="{element}_di"')
        at = text.index("<bpmndi:BPMNLabel>", start)
        return text[:at] + re.sub(r'x="[\d.]+" y="[\d.]+"', f'x="{x}" y="{y}"', text[at:], count=1)

    return edit


def without_shape(element: str) -> Callable[[str], str]:
    """Forgets to draw a shape."""
    return lambda text: re.sub(
        rf'<bpmndi:BPMNShape id="{element}_di".*?</bpmndi:BPMNShape>', "", text, flags=re.DOTALL
    )


def straight(flow: str) -> Callable[[str], str]:
    """Draws a flow from its first to its last point, through whatever is in between."""

    def edit(text: str) -> str:
        start = text.index(f'<bpmndi:BPMNEdge id="{flow}_di"')
        end = text.index("</bpmndi:BPMNEdge>", start)
        points = re.findall(r"<di:waypoint [^>]*/>", text[start:end])
        head = text[start : text.index(">", start) + 1]
        return text[:start] + head + points[0] + points[-1] + text[end:]

    return edit


def over_the_main_line(text: str) -> str:
    """Leads the way back to the beginning across the flow into the first gateway."""
    start = text.index('<bpmndi:BPMNEdge id="Flow_TellRaisedToTierEntered_di"')
    end = text.index("</bpmndi:BPMNEdge>", start)
    points = [(float(x), float(y)) for x, y in re.findall(r'x="([\d.]+)" y="([\d.]+)"', text[start:end])]
    (x, y), (_, below), (join, bottom) = points
    top = bottom - 50
    drawn = [(x, y), (join - 45, below), (join - 45, top - 40), (join, top - 40), (join, top)]
    lines = "".join(f'<di:waypoint x="{a:g}" y="{b:g}" />' for a, b in drawn)
    return text[: text.index(">", start) + 1] + lines + text[end:]


def escalation(text: str) -> str:
    """Ends the withdrawal by an escalation that nobody catches."""
    text = text.replace('id="Event_WithdrawalDone"', 'id="Event_WithdrawalDone"', 1)
    start = text.index('id="Event_WithdrawalDone"')
    end = text.index("</bpmn:endEvent>", start)
    thrown = '<bpmn:escalationEventDefinition id="Thrown" escalationRef="Escalation_Lost" />'
    text = text[:end] + thrown + text[end:]
    lost = '<bpmn:escalation id="Escalation_Lost" name="LOST" escalationCode="LOST" />'
    return text.replace("<bpmn:message ", lost + "<bpmn:message ", 1)


def without_last_row(text: str) -> str:
    """Takes the last row out of a decision table."""
    return re.sub(r"(.*)<rule .*?</rule>", r"\1", text, count=1, flags=re.DOTALL)


def first_row_again(text: str) -> str:
    """Puts the first row of a decision table behind the last one once more."""
    row = re.search(r"<rule .*?</rule>", text, flags=re.DOTALL)
    assert row is not None
    again = re.sub(r'\bid="', 'id="Again_', row.group())
    end = text.rindex("</rule>") + len("</rule>")
    return text[:end] + again + text[end:]
