"""The few unary tests that `classification-rules.dmn` may use, read strictly and run in linear time.

A complaint's text must not reach the engine, so this table is evaluated here. What can be written in a cell:

    -                                              anything
    "broadband", "mobile"                          one of these strings
    not("broadband")                               none of these
    contains(?, "没信号")                           also: starts with(?, "…"), ends with(?, "…")
    list contains(?, "media")                      for a column that holds a list
    contains(?, "a") and not(contains(?, "b"))     and, or, not( ) and parentheses

It is a subset of FEEL with FEEL's meaning, `null` included, so Camunda Modeler takes it as it is. There are
no regular expressions, so no cell can take long. Anything else is a CellError that says what and where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

MAX_CELL: Final = 4000
"""Characters in a cell; a longer one belongs in several rows."""
MAX_DEPTH: Final = 20

Value = str | Sequence[str] | None
Test = Callable[[Value], bool | None]
"""A test of one value. None is FEEL's null: neither true nor false, and so no match."""


class CellError(ValueError):
    """A cell holds something outside the subset."""


_TOKEN = re.compile(
    r"\s*(?:(?P<string>\"(?:[^\"\\]|\\.)*\")|(?P<function>list\s+contains|starts\s+with|ends\s+with|contains)\b"
    r"|(?P<word>not|and|or)\b|(?P<mark>[(),?-]))"
)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_ESCAPES: Final = {'"': '"', "\\": "\\", "n": "\n", "t": "\t", "r": "\r", "'": "'"}


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    at: int


def parse_cell(cell: str, *, is_list: bool = False, prepare: Callable[[str], str] = str) -> Test:
    """The test that a cell stands for. `prepare` brings its strings to the form that the values are in.

    Raises CellError, with a sentence for the designer, for anything outside the subset.
    """
    if len(cell) > MAX_CELL:
        raise CellError(f"has {len(cell)} characters, at most {MAX_CELL} are read; use several rows")
    if cell.strip() in {"", "-"}:
        return lambda value: True
    return _Parser(_tokens(cell), is_list, prepare).cell()


def _tokens(cell: str) -> list[Token]:
    found: list[Token] = []
    at = 0
    end = len(cell.rstrip())
    while at < end:
        match = _TOKEN.match(cell, at)
        if match is None:
            rest = cell[at:].lstrip()
            raise CellError(f"{_shown(rest)} is not understood here")
        kind = match.lastgroup or ""
        found.append(Token(kind, re.sub(r"\s+", " ", match[kind]) if kind == "function" else match[kind], at))
        at = match.end()
    return found


def _shown(text: str) -> str:
    return f"»{text[:40]}…«" if len(text) > 40 else f"»{text}«"


class _Parser:
    def __init__(self, tokens: list[Token], is_list: bool, prepare: Callable[[str], str]) -> None:
        self.tokens = tokens
        self.is_list = is_list
        self.prepare = prepare
        self.at = 0
        self.depth = 0

    def cell(self) -> Test:
        test = self.alternatives()
        if self.at < len(self.tokens):
            raise CellError(f"{_shown(self.tokens[self.at].text)} is not understood after a complete test")
        return test

    def alternatives(self) -> Test:
        """Tests with commas between: any of them."""
        tests = [self.either()]
        while self.take(","):
            tests.append(self.either())
        return tests[0] if len(tests) == 1 else _any(tests)

    def either(self) -> Test:
        tests = [self.both()]
        while self.take("or"):
            tests.append(self.both())
        return tests[0] if len(tests) == 1 else _any(tests)

    def both(self) -> Test:
        tests = [self.single()]
        while self.take("and"):
            tests.append(self.single())
        return tests[0] if len(tests) == 1 else _all(tests)

    def single(self) -> Test:
        if self.at >= len(self.tokens):
            raise CellError("ends where a test is expected")
        token = self.tokens[self.at]
        self.at += 1
        if token.text == "not" and token.kind == "word":
            self.need("(")
            return _not(self.nested(self.alternatives))
        if token.text == "(" and token.kind == "mark":
            return self.nested(self.either)
        if token.kind == "function":
            return self.call(token.text)
        if token.kind == "string":
            return self.equal(self.literal(token))
        raise CellError(f"{_shown(token.text)} is not understood where a test is expected")

    def nested(self, inner: Callable[[], Test]) -> Test:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise CellError(f"is nested more than {MAX_DEPTH} deep")
        test = inner()
        self.need(")")
        self.depth -= 1
        return test

    def call(self, function: str) -> Test:
        self.need("(")
        self.need("?")
        self.need(",")
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if token is None or token.kind != "string":
            raise CellError(f'{function}(?, …) wants a text in "double quotes"')
        self.at += 1
        self.need(")")
        wanted = self.literal(token)
        if not wanted:
            raise CellError(f'{function}(?, "") would match everything')
        if (function == "list contains") != self.is_list:
            raise CellError(
                f"{function} does not fit this column, which holds a {'list' if self.is_list else 'text'}"
            )
        return _FUNCTION_TESTS[function](wanted)

    def equal(self, wanted: str) -> Test:
        if self.is_list:
            raise CellError(f'this column holds a list: write list contains(?, "{wanted[:40]}")')
        return lambda value: value == wanted

    def literal(self, token: Token) -> str:
        return self.prepare(read_string(token.text))

    def take(self, text: str) -> bool:
        token = self.tokens[self.at] if self.at < len(self.tokens) else None
        if token is None or token.kind not in {"mark", "word"} or token.text != text:
            return False
        self.at += 1
        return True

    def need(self, text: str) -> None:
        if not self.take(text):
            found = _shown(self.tokens[self.at].text) if self.at < len(self.tokens) else "its end"
            raise CellError(f"»{text}« is expected, {found} is found")


def read_string(quoted: str) -> str:
    """The value of a FEEL string literal. Raises CellError when it is none, or has an unknown escape."""
    if len(quoted) < 2 or quoted[0] != '"' or quoted[-1] != '"' or not _TOKEN.fullmatch(quoted):
        raise CellError(f'{_shown(quoted)} is not one text in "double quotes"')

    def meant(match: re.Match[str]) -> str:
        if match[1] not in _ESCAPES:
            raise CellError(f"the escape \\{match[1]} is not known")
        return _ESCAPES[match[1]]

    return _ESCAPE.sub(meant, quoted[1:-1])


_FUNCTION_TESTS: Final[dict[str, Callable[[str], Test]]] = {
    "contains": lambda wanted: lambda value: wanted in value if isinstance(value, str) else None,
    "starts with": lambda wanted: lambda value: value.startswith(wanted) if isinstance(value, str) else None,
    "ends with": lambda wanted: lambda value: value.endswith(wanted) if isinstance(value, str) else None,
    "list contains": lambda wanted: lambda value: wanted in value if value is not None else None,
}


def _any(tests: Sequence[Test]) -> Test:
    def test(value: Value) -> bool | None:
        answers = [each(value) for each in tests]
        return True if True in answers else (None if None in answers else False)

    return test


def _all(tests: Sequence[Test]) -> Test:
    def test(value: Value) -> bool | None:
        answers = [each(value) for each in tests]
        return False if False in answers else (None if None in answers else True)

    return test


def _not(inner: Test) -> Test:
    def test(value: Value) -> bool | None:
        answer = inner(value)
        return None if answer is None else not answer

    return test
