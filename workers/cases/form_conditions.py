"""The part of FEEL that a form's "hide if" needs, so that the server asks for exactly what the form shows.

Understood: keys of the same form, ``true``, ``false``, ``null``, numbers, "texts", ``=  !=  <  <=  >  >=``,
``and``, ``or``, ``not(…)`` and parentheses. As in FEEL, what is not known is null, and null hides nothing.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from typing import Any

from workers.errors import Broken

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>-?\d+(?:\.\d+)?)|(?P<text>"[^"\\]*")|(?P<word>[A-Za-z_][A-Za-z0-9_]*)|(?P<sign><=|>=|!=|[=<>()]))"""
)
_LITERALS: dict[str, bool | None] = {"true": True, "false": False, "null": None}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}

_Node = Callable[[Mapping[str, Any]], Any]


class Condition:
    """A parsed "hide if" expression.

    Args:
        expression: FEEL as form-js keeps it, e.g. ``=is_reached = false``.

    Raises:
        Broken: the expression is outside the understood part.
    """

    def __init__(self, expression: str) -> None:
        self.expression = expression
        self.keys: set[str] = set()
        """The keys that the expression reads."""
        self._tokens = _tokens(expression)
        self._node = self._either()
        if self._tokens:
            raise _not_understood(expression)

    def holds(self, answers: Mapping[str, Any]) -> bool:
        """True when the expression is true for these answers; null and anything else is not."""
        return self._node(answers) is True

    def _take(self, *words: str) -> str | None:
        if self._tokens and self._tokens[0] in words:
            return self._tokens.pop(0)
        return None

    def _either(self) -> _Node:
        parts = [self._both()]
        while self._take("or"):
            parts.append(self._both())
        return parts[0] if len(parts) == 1 else lambda answers: _any([part(answers) for part in parts])

    def _both(self) -> _Node:
        parts = [self._compared()]
        while self._take("and"):
            parts.append(self._compared())
        return parts[0] if len(parts) == 1 else lambda answers: _all([part(answers) for part in parts])

    def _compared(self) -> _Node:
        left = self._single()
        sign = self._take("=", "!=", *_ORDER)
        if sign is None:
            return left
        right = self._single()
        return lambda answers: _compare(sign, left(answers), right(answers))

    def _single(self) -> _Node:
        if self._take("("):
            inner = self._either()
            if not self._take(")"):
                raise _not_understood(self.expression)
            return inner
        if self._tokens[:2] == ["not", "("]:
            del self._tokens[:2]
            negated = self._either()
            if not self._take(")"):
                raise _not_understood(self.expression)
            return lambda answers: _not(negated(answers))
        if not self._tokens:
            raise _not_understood(self.expression)
        return self._value(self._tokens.pop(0))

    def _value(self, token: str) -> _Node:
        if token in _LITERALS:
            literal = _LITERALS[token]
            return lambda answers: literal
        if token.startswith('"'):
            return lambda answers: token[1:-1]
        if token[0] == "-" or token[0].isdigit():
            return lambda answers: float(token)
        if token in {"and", "or", "not"} or not (token[0].isalpha() or token[0] == "_"):
            raise _not_understood(self.expression)
        self.keys.add(token)
        return lambda answers: answers.get(token)


def _tokens(expression: str) -> list[str]:
    rest = expression.strip().removeprefix("=").strip()
    tokens: list[str] = []
    while rest:
        match = _TOKEN.match(rest)
        if match is None:
            raise _not_understood(expression)
        tokens.append(match.group(match.lastgroup or 0))
        rest = rest[match.end() :].lstrip()
    return tokens


def _compare(sign: str, left: Any, right: Any) -> bool | None:
    if sign in {"=", "!="}:
        if left is not None and right is not None and _kind(left) is not _kind(right):
            return None
        return bool(left == right) is (sign == "=")
    if left is None or right is None or _kind(left) is not _kind(right) or _kind(left) not in {float, str}:
        return None
    return _ORDER[sign](left, right)


def _kind(value: Any) -> type:
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)


def _any(values: list[Any]) -> bool | None:
    if any(value is True for value in values):
        return True
    return False if all(value is False for value in values) else None


def _all(values: list[Any]) -> bool | None:
    if any(value is False for value in values):
        return False
    return True if all(value is True for value in values) else None


def _not(value: Any) -> bool | None:
    return not value if isinstance(value, bool) else None


def _not_understood(expression: str) -> Broken:
    return Broken(
        f"the form's condition “{expression}” is not understood: compare keys with =, and, or, not()"
    )
