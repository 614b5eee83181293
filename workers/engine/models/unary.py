"""What a cell of a decision table takes: FEEL unary tests, as far as they can be told without the engine.

Understood: `-`, texts, numbers, true, false, null and lists of them, comparisons and ranges of numbers, `not(…)`, and
`and`/`or` of `list contains(?, "…")`, `? = …`, `? != …`, `? > …`. Everything else is answered with None: cannot tell.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

Value = str | float | bool | frozenset[str] | None
"""An input: text, number, boolean, null, or a list of texts."""

Test = Callable[[Value], bool | None]
"""Whether a value is taken; None: cannot tell."""

_NUMBER: Final = r"-?\d+(?:\.\d+)?"
_TEXT: Final = r'"(?:[^"\\]|\\.)*"'
_LITERAL: Final = re.compile(rf"{_TEXT}|{_NUMBER}|true|false|null")
_COMPARISON: Final = re.compile(rf"(<=|>=|<|>)\s*({_NUMBER})")
_RANGE: Final = re.compile(rf"([\[(\]])\s*({_NUMBER})\s*\.\.\s*({_NUMBER})\s*([\])\[])")
_OF_INPUT: Final = re.compile(rf"\?\s*(!=|=|<=|>=|<|>)\s*({_TEXT}|{_NUMBER}|true|false|null)")
_IN_LIST: Final = re.compile(rf"list contains\(\s*(?:\?|[a-z_]\w*)\s*,\s*({_TEXT})\s*\)")
_TOKEN: Final = re.compile(rf"\s*(\(|\)|\bor\b|\band\b|\bnot\b|{_IN_LIST.pattern}|{_OF_INPUT.pattern})")


@dataclass(frozen=True)
class Cell:
    """A cell, and the words and borders that it names."""

    text: str
    takes: Test
    literals: frozenset[Value]
    borders: frozenset[float]
    words: frozenset[str]
    """Texts that a list is searched for."""


def read(text: str) -> Cell:
    """Reads a cell."""
    text = text.strip()
    literals = frozenset(_value(each) for each in _LITERAL.findall(text))
    borders = frozenset(each for each in literals if isinstance(each, float) and not isinstance(each, bool))
    words = frozenset(str(_value(each)) for each in _IN_LIST.findall(text))
    return Cell(text, _any_of(text), literals - words, borders, words)


def _any_of(text: str) -> Test:
    if text in {"", "-"}:
        return lambda _: True
    tests = [_one(part.strip()) for part in _split(text)]
    return lambda value: _or(test(value) for test in tests)


def _one(text: str) -> Test:
    if text.startswith("not(") and text.endswith(")") and _closes(text, 3) == len(text) - 1:
        inner = _any_of(text[4:-1].strip())
        return lambda value: None if value is None and _COMPARISON.search(text) else _not(inner(value))
    if _LITERAL.fullmatch(text):
        wanted = _value(text)
        return lambda value: _same(value, wanted)
    if found := _COMPARISON.fullmatch(text):
        return _compared(found[1], float(found[2]))
    if found := _RANGE.fullmatch(text):
        low = _compared(">=" if found[1] == "[" else ">", float(found[2]))
        high = _compared("<=" if found[4] == "]" else "<", float(found[3]))
        return lambda value: _and((low(value), high(value)))
    return _expression(text)


def _expression(text: str) -> Test:
    """`and`, `or`, `not` of tests that name the input; None for anything else."""
    tokens, at = [], 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            return lambda _: None
        tokens.append(found[1])
        at = found.end() + (len(text) - len(text[found.end() :].lstrip()) - found.end())
    try:
        test, rest = _disjunction(tokens)
    except IndexError:
        return lambda _: None
    return test if not rest else lambda _: None


def _disjunction(tokens: list[str]) -> tuple[Test, list[str]]:
    test, rest = _conjunction(tokens)
    tests = [test]
    while rest and rest[0] == "or":
        test, rest = _conjunction(rest[1:])
        tests.append(test)
    return (lambda value: _or(each(value) for each in tests)), rest


def _conjunction(tokens: list[str]) -> tuple[Test, list[str]]:
    test, rest = _atom(tokens)
    tests = [test]
    while rest and rest[0] == "and":
        test, rest = _atom(rest[1:])
        tests.append(test)
    return (lambda value: _and(each(value) for each in tests)), rest


def _atom(tokens: list[str]) -> tuple[Test, list[str]]:
    first, rest = tokens[0], tokens[1:]
    if first == "not":
        inner, rest = _atom(rest)
        return (lambda value: _not(inner(value))), rest
    if first == "(":
        inner, rest = _disjunction(rest)
        if not rest or rest[0] != ")":
            raise IndexError
        return inner, rest[1:]
    if found := _IN_LIST.fullmatch(first):
        word = str(_value(found[1]))
        return (lambda value: word in value if isinstance(value, frozenset) else None), rest
    if found := _OF_INPUT.fullmatch(first):
        wanted = _value(found[2])
        if found[1] in {"=", "!="}:
            is_same = found[1] == "="
            return (lambda value: _same(value, wanted) == is_same), rest
        return _compared(found[1], float(found[2])) if isinstance(wanted, float) else (lambda _: None), rest
    raise IndexError


def _compared(sign: str, border: float) -> Test:
    def test(value: Value) -> bool | None:
        if value is None:
            return False
        if isinstance(value, bool) or not isinstance(value, float | int):
            return None
        signs = {"<": value < border, "<=": value <= border, ">": value > border, ">=": value >= border}
        return signs[sign]

    return test


def _same(value: Value, wanted: Value) -> bool:
    return type(value) is type(wanted) and value == wanted


def _value(text: str) -> Value:
    words: dict[str, Value] = {"true": True, "false": False, "null": None}
    if text in words:
        return words[text]
    return text[1:-1].replace('\\"', '"') if text.startswith('"') else float(text)


def _split(text: str) -> Iterator[str]:
    """The parts between commas that stand outside of texts and brackets."""
    depth, start = 0, 0
    for found in re.finditer(rf"{_TEXT}|[(\[\])]|,", text):
        sign = found.group()
        if sign in "([":
            depth += 1
        elif sign in ")]":
            depth -= 1
        elif sign == "," and depth == 0:
            yield text[start : found.start()]
            start = found.end()
    yield text[start:]


def _closes(text: str, at: int) -> int:
    """Where the bracket that opens at a place closes; -1 where it does not."""
    depth = 0
    for found in re.finditer(rf"{_TEXT}|[()]", text[at:]):
        depth += {"(": 1, ")": -1}.get(found.group(), 0)
        if depth == 0:
            return at + found.start()
    return -1


def _not(known: bool | None) -> bool | None:
    return None if known is None else not known


def _or(known: Iterator[bool | None]) -> bool | None:
    found = list(known)
    return True if True in found else None if None in found else False


def _and(known: Iterator[bool | None] | tuple[bool | None, ...]) -> bool | None:
    found = list(known)
    return False if False in found else None if None in found else True
