"""Somebody who fills in a form with the keyboard alone.

Tab from the top, an answer to whatever has the focus, Enter at the end.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import Any, Final

from playwright.sync_api import Page

from workers.names import SHANGHAI

_WORDS: Final = "已联系客户并核实情况,处理结果已说明,客户表示理解。"
_EXAMPLES: Final = ("2026-10", "PZ-2026/001")
"""A month, a reference: what fields with a pattern ask for."""
_MOST_STEPS: Final = 80
_PAINTED: Final = """() => new Promise(done => requestAnimationFrame(() => setTimeout(
  () => requestAnimationFrame(() => setTimeout(done)))))"""
"""form-js takes a date and its time on after the next painting, each from what it knew at the one before: two keys of
a person are further apart than that."""
_FOCUSED: Final = """() => {
  const at = document.activeElement;
  return {
    id: at.id,
    tag: at.tagName,
    type: at.type ?? '',
    value: at.value ?? '',
    inForm: Boolean(at.closest('.form-place')),
    readonly: Boolean(at.readOnly),
    isSubmit: 'submit' in at.dataset,
    answers: at.closest('.form-answers')?.querySelectorAll('input').length ?? 0,
    options: at.options?.length ?? 0,
    isDate: Boolean(at.closest('.fjs-datepicker')),
    isTime: Boolean(at.closest('.fjs-timepicker')),
    field: at.closest('.fjs-form-field')?.className ?? '',
  };
}"""


def plans(schema: dict[str, Any]) -> list[tuple[int, int]]:
    """Ways through a form: which answer of the first list, which of every other one. Some fields need a mix."""
    most = max([len(each.get("values", [])) for each in schema["components"]] + [1])
    return [(each, each) for each in range(most)] + [(0, each) for each in range(1, most)]


def fill_in(page: Page, schema: dict[str, Any], plan: tuple[int, int]) -> set[str]:
    """Answers every question on the way, taking the answers of the plan (or a list's last one), and submits.

    Returns:
        ids of the fields that had the focus.
    """
    first = next((each["id"] for each in schema["components"] if each.get("values")), None)
    fields = {each["id"]: each for each in schema["components"] if each.get("key")}
    reached: set[str] = set()
    for _ in range(_MOST_STEPS):
        page.keyboard.press("Tab")
        page.evaluate(_PAINTED)
        at = page.evaluate(_FOCUSED)
        if at["isSubmit"]:
            page.keyboard.press("Enter")
            return reached
        if not at["inForm"]:
            continue
        found = next((id_ for id_ in fields if _belongs(at["id"], id_)), None)
        if found is None or (found in reached and at["type"] in {"radio", "checkbox"}):
            continue
        reached.add(found)
        if not at["readonly"]:
            _answer(page, at, fields[found], plan[found != first])
    raise AssertionError(f"the keyboard does not come to the button; it came to {sorted(reached)}")


def _belongs(dom_id: str, field_id: str) -> bool:
    """form-js ids: fjs-form-HASH-FIELD, with -0, -1 … for answers, -date and -time for moments."""
    return field_id in dom_id.split("-")


def _answer(page: Page, at: dict[str, Any], field: dict[str, Any], choice: int) -> None:
    keys = page.keyboard
    if at["type"] == "radio":
        keys.press("Space")
        for _ in range(min(choice, at["answers"] - 1)):
            keys.press("ArrowDown")
    elif at["type"] == "checkbox":
        keys.press("Space")
    elif at["tag"] == "SELECT":
        for _ in range(min(choice + 1, at["options"] - 1)):
            keys.press("ArrowDown")
    elif at["isDate"]:
        keys.insert_text(f"{datetime.now(SHANGHAI) + timedelta(days=1):%Y/%-m/%-d}")
    elif at["isTime"]:
        # windows have a beginning and an end: the later field gets the later time
        keys.insert_text("16:00" if "_to_" in field["key"] else "14:00")
    elif "number" in at["field"]:
        keys.insert_text(str(field.get("validate", {}).get("min", 1)))
    elif not at["value"]:
        pattern = field.get("validate", {}).get("pattern", "")
        text = next(each for each in (_WORDS, *_EXAMPLES) if re.search(pattern, each))
        keys.insert_text(text[: field.get("validate", {}).get("maxLength", 500)])
