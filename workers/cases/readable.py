"""Text that people write and others must be able to read: lengths, and characters that are refused."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, StringConstraints

_UNREADABLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)
"""Control characters but tab and line breaks, marks that turn the direction of writing, half characters."""

_LINE_BREAK: Final = re.compile("[\t\n\r\u2028\u2029]")


def _printable(value: str) -> str:
    found = _UNREADABLE.search(value)
    if found:
        raise ValueError(f"contains the character U+{ord(found.group()):04X}, which nobody can read")
    if not any(character.isprintable() and not character.isspace() for character in value):
        raise ValueError("is blank")
    return value


def _one_line(value: str) -> str:
    if _LINE_BREAK.search(_printable(value)):
        raise ValueError("must be one line")
    return value


def _text(longest: int) -> StringConstraints:
    return StringConstraints(strict=True, strip_whitespace=True, min_length=1, max_length=longest)


Word = Annotated[str, _text(64), AfterValidator(_one_line)]
Line = Annotated[str, _text(200), AfterValidator(_one_line)]
Note = Annotated[str, _text(2_000), AfterValidator(_printable)]
Story = Annotated[str, _text(20_000), AfterValidator(_printable)]
