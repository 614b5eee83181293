"""What is wrong with a complaint, field by field, for a form: Chinese first, from the rules of `complaint` (A2)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from workers.cases.complaint import ComplaintLine

_KINDS: Final = {
    "missing": ("请填写此项", "Please fill this in"),
    "string_too_short": ("请填写此项", "Please fill this in"),
    "string_too_long": ("最多 {max_length} 个字", "At most {max_length} characters"),
    "too_long": ("选择过多", "Too many are chosen"),
    "extra_forbidden": ("没有这一项", "There is no such field"),
    "string_unicode": ("含有无法识别的字符", "It holds characters that nobody can read"),
    "string_pattern_mismatch": ("请从列表中选择", "Please choose from the list"),
}
_SAID: Final = (
    (
        "is no telephone number that can",
        "此号码无法拨通：手机 11 位，固话加区号",
        "It cannot be called: a mobile has 11 digits, a landline its area code",
    ),
    ("is no telephone number", "请填写电话号码，如 13900001001", "A telephone number, such as 13900001001"),
    ("is no e-mail address", "请填写完整的电子邮箱", "An e-mail address, please"),
    (
        "needs a phone or an email",
        "请填写电话或电子邮箱，至少一项",
        "A telephone number or an e-mail address, please",
    ),
    ("is in the future", "时间不能晚于现在", "It cannot be later than now"),
    ("must be a date and time", "请填写日期和时间", "A date and a time, please"),
    ("must be one line", "请写成一行", "One line, please"),
    ("is blank", "请填写此项", "Please fill this in"),
    ("contains the character", "含有无法识别的字符", "It holds characters that nobody can read"),
    ("is '", "请从列表中选择", "Please choose from the list"),
)
"""How the sentence of a ValueError of the rules begins, and what a form says instead."""
_ELSE: Final = ("请检查此项", "Please check this")


def problems(
    document: object, *, policies: Collection[str] | None = None, now: datetime | None = None
) -> dict[str, str]:
    """Everything that is wrong, by field (`customer.phone`); empty for a complaint that `check` takes.

    Args:
        policies, now: as `check` has them.

    Returns:
        Field -> a sentence that never repeats what was written. What is wrong with the customer as a whole is said at
        the telephone number, with the complaint as a whole at the text.
    """
    try:
        ComplaintLine.model_validate(document, context={"policies": policies, "now": now})
    except ValidationError as error:
        found: dict[str, str] = {}
        for each in error.errors(include_url=False, include_input=False):
            found.setdefault(_field(each["loc"]), _sentence(dict(each)))
        return found
    return {}


def _field(place: tuple[int | str, ...]) -> str:
    names = [str(part) for part in place if isinstance(part, str)]
    field = ".".join(names)
    return {"customer": "customer.phone", "contact": "contact.phone", "": "text"}.get(field, field)


def _sentence(problem: dict[str, Any]) -> str:
    kind, told = str(problem["type"]), problem.get("ctx", {})
    zh, en = _KINDS.get(kind, _ELSE)
    if kind == "value_error":
        said = str(told["error"])
        zh, en = next(((zh, en) for begins, zh, en in _SAID if said.startswith(begins)), _ELSE)
    return f"{zh.format_map(told)}。 {en.format_map(told)}."
