"""Decision tables as tables: combinations that no row takes, that two rows take, rows that are never reached.

Inputs are tried by examples: listed values, words of the dictionary, booleans, null where the dictionary allows it, and
numbers at, below and above every border that a cell names. What a cell may or may not take is never called a fault.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any, Final

from workers.engine.models.dmn import Decision
from workers.engine.models.findings import Finding
from workers.engine.models.unary import Cell, Value, read

if TYPE_CHECKING:
    from workers.engine.models.library import Models

_MOST: Final = 200_000
"""Combinations that are looked at; a larger table is left alone."""
_ANOTHER: Final = "…"
"""Stands for a text that no cell names."""
_SUBSETS: Final = 6


def findings(models: Models, *_: object) -> Iterator[Finding]:
    """Findings of the rules decision-gap, decision-overlap, decision-dead."""
    for decision in models.decisions.values():
        yield from _table(decision, models)


@dataclass(frozen=True)
class _Example:
    """A value of one input, and the rows that take it, as bits: for certain, and perhaps."""

    value: Value
    sure: int
    maybe: int


def inputs_of_rows(decision: Decision, models: Models) -> dict[int, dict[str, Value]]:
    """Row, from 0 -> an input that it takes, and with hit policy FIRST no row before it; for tests.

    Rows for which that cannot be told, or that nothing reaches, are left out.
    """
    columns = [_examples(decision, place, models, with_named=True) for place in range(len(decision.inputs))]
    found: dict[int, dict[str, Value]] = {}
    for chosen in _combined(columns):
        sure = maybe = (1 << len(decision.rules)) - 1
        for example in chosen:
            sure &= example.sure
            maybe &= example.maybe
        for row in range(len(decision.rules)):
            is_first = decision.hit_policy != "FIRST" or not maybe & ((1 << row) - 1)
            if sure >> row & 1 and is_first and row not in found:
                found[row] = dict(zip(decision.inputs, (each.value for each in chosen), strict=True))
        if len(found) == len(decision.rules):
            break
    return found


def _table(decision: Decision, models: Models) -> Iterator[Finding]:
    file, rows = decision.file.name, decision.rules
    columns = [_examples(decision, place, models) for place in range(len(decision.inputs))]
    size = 1
    for column in columns:
        size *= len(column)
    if not rows or size > _MOST:
        return
    everything = (1 << len(rows)) - 1
    gap: tuple[_Example, ...] | None = None
    overlaps: dict[tuple[int, int], tuple[_Example, ...]] = {}
    seen = reached = 0
    for chosen in _combined(columns):
        sure = maybe = everything
        for example in chosen:
            sure &= example.sure
            maybe &= example.maybe
        gap = gap or (chosen if not maybe else None)
        seen |= sure
        first = sure & -sure
        reached |= maybe & (2 * first - 1 if first else everything)
        if decision.hit_policy == "UNIQUE" and sure & (sure - 1):
            two = [row for row in range(len(rows)) if sure >> row & 1][:2]
            overlaps.setdefault((two[0], two[1]), chosen)
    if gap is not None:
        message = f"No row takes {_said(decision, gap)}: add one, or a last row that takes the rest."
        yield Finding(file, decision.id, "decision-gap", message)
    for (one, other), chosen in overlaps.items():
        message = f"Rows {one + 1} and {other + 1} both take {_said(decision, chosen)}; hit policy UNIQUE allows one."
        yield Finding(file, decision.id, "decision-overlap", message)
    if decision.hit_policy == "FIRST":
        for row in range(len(rows)):
            if seen >> row & 1 and not reached >> row & 1:
                message = f"Row {row + 1} is never reached: the rows before it take all that it takes."
                yield Finding(file, decision.id, "decision-dead", message)


def _combined(columns: list[list[_Example]]) -> Iterator[tuple[_Example, ...]]:
    if not columns:
        yield ()
        return
    for example in columns[0]:
        for rest in _combined(columns[1:]):
            yield (example, *rest)


def _examples(decision: Decision, place: int, models: Models, *, with_named: bool = False) -> list[_Example]:
    """Values of one input; of those that the same rows take, one.

    Args:
        with_named: every literal that a cell names, too, also one that the input is not said to have.
    """
    cells = [read(inputs[place]) for inputs, _ in decision.rules]
    entry = models.variables.get(decision.inputs[place], {})
    kinds = entry.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else list(kinds)
    values = list(_values(decision, place, cells, entry, kinds, models))
    if "null" in kinds and None not in values:
        values.append(None)
    if with_named:
        values += [each for cell in cells for each in cell.literals if each not in values]
    found: dict[tuple[int, int], _Example] = {}
    for value in values:
        taken = [cell.takes(value) for cell in cells]
        sure = sum(1 << row for row, known in enumerate(taken) if known)
        maybe = sum(1 << row for row, known in enumerate(taken) if known is not False)
        found.setdefault((sure, maybe), _Example(value, sure, maybe))
    return list(found.values())


def _values(
    decision: Decision,
    place: int,
    cells: list[Cell],
    entry: Mapping[str, Any],
    kinds: list[str],
    models: Models,
) -> Iterator[Value]:
    literals = {each for cell in cells for each in cell.literals}
    borders = sorted({each for cell in cells for each in cell.borders})
    words = sorted({each for cell in cells for each in cell.words})
    listed = decision.input_values[place] if place < len(decision.input_values) else ""
    if decision.inputs[place] == "policy" and (policies := _policies(models)):
        yield from policies
    elif "array" in kinds or words:
        yield from _lists(words)
    elif "boolean" in kinds or (literals & {True, False} and not borders):
        yield from (True, False)
    elif borders:
        yield from _numbers(borders, entry, kinds)
    elif listed:
        yield from sorted(str(each) for each in read(listed).literals if each is not None)
    elif entry.get("enum"):
        yield from (each for each in entry["enum"] if each is not None)
    else:
        yield from sorted(each for each in literals if isinstance(each, str))
        yield _ANOTHER
    if None in literals:
        yield None


def _policies(models: Models) -> list[str]:
    table = models.decisions.get("complaint-policy")
    return sorted(table.words("policy")) if table else []


def _lists(words: list[str]) -> Iterator[Value]:
    sizes = range(len(words) + 1) if len(words) <= _SUBSETS else (0, 1, 2, len(words))
    for size in sizes:
        yield from (frozenset(chosen) for chosen in combinations(words, size))


def _numbers(borders: list[float], entry: Mapping[str, Any], kinds: list[str]) -> Iterator[Value]:
    """At every border, and between, below and above them; within what the dictionary allows."""
    step = 1.0 if "integer" in kinds else 0.5
    tried = {*borders, borders[0] - step, borders[-1] + step}
    for low, high in pairwise(borders):
        tried |= {low + step, high - step} if "integer" in kinds else {(low + high) / 2}
    least, most = entry.get("minimum", float("-inf")), entry.get("maximum", float("inf"))
    yield from (each for each in sorted(tried) if least <= each <= most)


def _said(decision: Decision, chosen: tuple[_Example, ...]) -> str:
    return ", ".join(
        f"{name} = {_shown(example.value)}" for name, example in zip(decision.inputs, chosen, strict=True)
    )


def _shown(value: Value) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "true", False: "false", None: "null"}[value]
    if isinstance(value, frozenset):
        return "[" + ", ".join(f'"{each}"' for each in sorted(value)) + "]"
    return f'"{value}"' if isinstance(value, str) else f"{value:g}"
