"""Which variables a FEEL expression reads. Not an interpreter: the engine evaluates, this only looks."""

from __future__ import annotations

import re
from dataclasses import dataclass

_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_LONG_NAMES = re.compile(
    r"\b(?:date and time|list contains|string length|string join|upper case|lower case|starts with|ends with|"
    r"index of|get value|get entries|insert before|years and months duration|days and time duration|"
    r"distinct values|is defined|substring (?:before|after)|put all|context put)\b(?=\s*\()"
)
_PATH = re.compile(r"(?<![\w.])([A-Za-z_]\w*)((?:\s*\.\s*[A-Za-z_]\w*)*)(\s*[(:])?")
_LOCAL = re.compile(r"\b(?:for|some|every)\s+([A-Za-z_]\w*)\s+in\b|,\s*([A-Za-z_]\w*)\s+in\b")
_WORDS = frozenset(
    {"if", "then", "else", "and", "or", "not", "in", "for", "return", "some", "every", "satisfies", "between"}
    | {"instance", "of", "function", "true", "false", "null"}
)


@dataclass(frozen=True)
class Reference:
    """A variable that an expression reads, and the first field of it, if any."""

    name: str
    field: str | None


def references(expression: str) -> set[Reference]:
    """What an expression (with its leading `=`) reads; a text without `=` reads nothing."""
    text = expression.strip()
    if not text.startswith("="):
        return set()
    text = _LONG_NAMES.sub("f", _STRING.sub('""', text[1:]))
    local = {name for pair in _LOCAL.findall(text) for name in pair if name}
    found = set()
    for name, path, after in _PATH.findall(text):
        if name in _WORDS or name in local or after.strip():
            continue
        fields = [part.strip() for part in path.split(".") if part.strip()]
        found.add(Reference(name, fields[0] if fields else None))
    return found


def names(expression: str) -> set[str]:
    """The variables that an expression reads."""
    return {each.name for each in references(expression)}
