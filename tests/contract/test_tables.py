"""Decision tables as tables: what a cell takes, and the gaps, overlaps and dead rows that are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from workers.engine.models import Models
from workers.engine.models.check_decisions import findings
from workers.engine.models.dmn import Decision
from workers.engine.models.unary import Value, read

A, B, AB, NONE = frozenset({"a"}), frozenset({"b"}), frozenset({"a", "b"}), frozenset[str]()


@pytest.mark.parametrize(
    ("cell", "taken", "not_taken"),
    [
        ("-", ["a", 1.0, True, None, A], []),
        ("", ["a", None], []),
        ('"a"', ["a"], ["b", None]),
        ('"a", "b"', ["a", "b"], ["c", None]),
        ('"a,b"', ["a,b"], ["a", "b"]),
        ("not(\"a\", \"b\")", ["c", None], ["a", "b"]),
        ("true", [True], [False, None, 1.0]),
        ("null", [None], ["a", 0.0, False]),
        ("not(null)", ["a", 0.0], [None]),
        ("3", [3.0], [2.0, None]),
        (">= 3", [3.0, 4.0], [2.9, None]),
        ("< 0.5", [0.4], [0.5]),
        ("[1..3]", [1.0, 3.0], [0.9, 3.1, None]),
        ("(1..3)", [2.0], [1.0, 3.0]),
        ("]1..3]", [3.0], [1.0]),
        ("0, > 5", [0.0, 6.0], [5.0]),
        ('list contains(?, "a")', [A, AB], [B, NONE]),
        ('list contains(flags, "a") and not(list contains(?, "b"))', [A], [AB, B]),
        ('(list contains(?, "a") or list contains(?, "b"))', [A, B], [NONE]),
        ('? = "a" or ? = null', ["a", None], ["b"]),
        ("? > 3 and ? <= 5", [4.0, 5.0], [3.0, 6.0]),
    ],
)  # fmt: skip
def test_what_a_cell_takes(cell: str, taken: list[Value], not_taken: list[Value]) -> None:
    takes = read(cell).takes
    assert [takes(each) for each in taken] == [True] * len(taken)
    assert [takes(each) for each in not_taken] == [False] * len(not_taken)


@pytest.mark.parametrize(
    "cell",
    [
        'contains(?, "a")',
        'matches(?, "x")',
        'duration("PT1H")',
        "> other",
        "(",
        "list contains(?, x)",
        "not(",
    ],
)
def test_what_cannot_be_told_is_not_guessed(cell: str) -> None:
    assert [read(cell).takes(each) for each in ("a", 1.0, A)] == [None] * 3


def told(
    hit_policy: str, inputs: tuple[str, ...], *rows: tuple[str, ...], listed: tuple[str, ...] = ()
) -> list[str]:
    """What is said about a table, shortened to rule and sentence."""
    rules = tuple((row, ("1",)) for row in rows)
    table = Decision(Path("t.dmn"), "t", "t", hit_policy, inputs, ("x",), rules, listed)
    variables = {
        "tier": {"type": "string", "enum": ["low", "high"]},
        "product": {"type": ["string", "null"]},
        "count": {"type": "integer", "minimum": 0},
        "amount": {"type": "number"},
        "is_new": {"type": "boolean"},
        "flags": {"type": "array"},
    }
    models = Models(Path(), decisions={"t": table}, variables=variables)
    return [f"{each.rule}: {each.message}" for each in findings(models)]


def test_complete_tables_are_told_nothing() -> None:
    assert told("UNIQUE", ("tier", "is_new"), ('"low"', "-"), ('"high"', "true"), ('"high"', "false")) == []
    assert told("FIRST", ("product",), ('"tv"',), ("null",), ("-",)) == []
    assert told("UNIQUE", ("count",), ("0",), ("[1..4]",), (">= 5",)) == []
    assert told("UNIQUE", ("amount",), ("< 5000",), ("[5000..9000)",), (">= 9000",)) == []
    assert told("COLLECT", ("tier",), ("-",), ('"low"',), listed=("",)) == []
    assert told("FIRST", ("flags",), ('list contains(?, "a")',), ("-",)) == []
    assert told("UNIQUE", ("product",), ('"tv"',), ('not("tv")',)) == []


def test_gaps_are_told_with_an_example() -> None:
    assert told("UNIQUE", ("tier", "is_new"), ('"low"', "-"), ('"high"', "true")) == [
        'decision-gap: No row takes tier = "high", is_new = false: add one, or a last row that takes the rest.'
    ]
    [gap] = told("UNIQUE", ("amount",), ("< 5000",), ("> 5000",))
    assert "amount = 5000" in gap
    [gap] = told("UNIQUE", ("count",), ("0",), (">= 2",))
    assert "count = 1" in gap
    [gap] = told("FIRST", ("product",), ('"tv"',), ('"…"',))
    assert "product = null" in gap
    [gap] = told("FIRST", ("flags",), ('list contains(?, "a")',))
    assert "flags = []" in gap


def test_listed_values_are_all_there_are() -> None:
    assert told("UNIQUE", ("channel",), ('"a"',), ('"b"',), listed=('"a","b"',)) == []
    [gap] = told("UNIQUE", ("channel",), ('"a"',), ('"b"',), listed=('"a","b","c"',))
    assert 'channel = "c"' in gap
    [gap] = told("UNIQUE", ("channel",), ('"a"',), ('"b"',))
    assert 'channel = "…"' in gap


def test_overlaps_are_told_where_one_row_is_allowed() -> None:
    [overlap] = told("UNIQUE", ("count",), ("<= 3",), (">= 3",))
    assert overlap.startswith("decision-overlap: Rows 1 and 2 both take count = 3")
    assert told("FIRST", ("count",), ("<= 3",), (">= 3",)) == []
    assert told("COLLECT", ("count",), ("<= 3",), (">= 3",)) == []


def test_rows_that_are_never_reached_are_told() -> None:
    [dead] = told("FIRST", ("tier", "is_new"), ('"low"', "-"), ("-", "-"), ('"high"', "true"))
    assert dead.startswith("decision-dead: Row 3 is never reached")
    assert told("FIRST", ("count",), ("> 3",), ("> 2",), ("-",)) == []


def test_a_cell_that_cannot_be_told_is_no_fault() -> None:
    """It may take the rest, and it may not take what a later row takes."""
    assert told("FIRST", ("product",), ('contains(?, "x")',), ('"tv"',)) == []
    assert told("UNIQUE", ("product",), ('contains(?, "x")',), ("-",)) == []


def test_the_shipped_tables_are_complete() -> None:
    models = Models.load(Path(__file__).parents[2] / "bpmn")
    assert [str(found) for found in findings(models)] == []
