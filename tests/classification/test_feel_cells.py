"""Cells of classification-rules.dmn: what they mean, and that anything else is told."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.classification.feel import CellError, parse_cell, read_string

MEANING = [
    ("-", "anything", True),
    ("", None, True),
    ('"broadband"', "broadband", True),
    ('"broadband"', "mobile", False),
    ('"broadband"', None, False),
    ('"broadband", "mobile"', "mobile", True),
    ('not("broadband", "mobile")', "mobile", False),
    ('not("broadband")', None, True),
    ('contains(?, "信号")', "没有信号", True),
    ('contains(?,"信号")', None, None),
    ('not(contains(?, "信号"))', None, None),
    ('starts with(?, "没")', "没有", True),
    ('ends  with ( ? , "没" )', "没有", False),
    ('contains(?, "a") or contains(?, "b") and contains(?, "c")', "a", True),
    ('(contains(?, "a") or contains(?, "b")) and contains(?, "c")', "a", False),
    ('contains(?, "a") and not(contains(?, "b") or contains(?, "c"))', "ac", False),
    ('contains(?, "a") and not(contains(?, "b"))', "ac", True),
    (r'contains(?, "\"x\\")', 'a "x\\ b', True),
]


@pytest.mark.parametrize(("cell", "value", "answer"), MEANING)
def test_a_cell_means_what_feel_means(cell: str, value: str | None, answer: bool | None) -> None:
    assert parse_cell(cell)(value) is answer


@pytest.mark.parametrize(
    ("value", "answer"), [(("media",), True), (("media", "safety"), True), ((), False), (None, None)]
)
def test_a_list_column_is_asked_for_its_members(value: tuple[str, ...] | None, answer: bool | None) -> None:
    assert parse_cell('list contains(?, "media")', is_list=True)(value) is answer


@pytest.mark.parametrize(
    ("cell", "told"),
    [
        ("contains(?, 没信号)", "not understood"),
        ('contains("没信号")', "»?« is expected"),
        ('contains(?, "")', "match everything"),
        ('contains(text, "a")', "not understood"),
        ('matches(?, "(a+)+$")', "not understood"),
        ('contains(?, "a"', "»)« is expected"),
        ('contains(?, "a") or', "ends where"),
        ('contains(?, "a") contains(?, "b")', "after a complete test"),
        ('contains(?, "a\\q")', "escape"),
        ('"a', "not understood"),
        ("> 5", "not understood"),
        ('lower case(?) = "a"', "not understood"),
        ("if true then 1 else 2", "not understood"),
        ('list contains(?, "a")', "does not fit"),
        ("(" * 30 + '"a"' + ")" * 30, "deep"),
        ('contains(?, "' + "a" * 5000 + '")', "characters"),
        ('"a",', "ends where"),
        ("?", "where a test is expected"),
    ],
)
def test_anything_else_is_told_and_never_ignored(cell: str, told: str) -> None:
    with pytest.raises(CellError, match=told.replace("?", r"\?").replace(")", r"\)")):
        parse_cell(cell)


def test_a_text_test_does_not_fit_a_list_column() -> None:
    for cell in ('contains(?, "a")', '"a"'):
        with pytest.raises(CellError):
            parse_cell(cell, is_list=True)


@given(st.text(alphabet='contaislrw hen()?,"\\-not andor没信号', max_size=80))
def test_any_cell_is_either_read_or_told(cell: str) -> None:
    try:
        test = parse_cell(cell)
    except CellError as error:
        assert str(error)
    else:
        assert test("没信号") in {True, False, None}


def _cells() -> st.SearchStrategy[tuple[str, object]]:
    """Cells with, beside each, the same test built by hand in Python (three-valued)."""
    word = st.text(alphabet="没信号ab", min_size=1, max_size=3)
    leaf = word.map(lambda w: (f'contains(?, "{w}")', lambda v, w=w: w in v))

    def grown(inner: st.SearchStrategy[tuple[str, object]]) -> st.SearchStrategy[tuple[str, object]]:
        pair = st.tuples(inner, inner)
        return st.one_of(
            pair.map(lambda p: (f"({p[0][0]} or {p[1][0]})", lambda v: p[0][1](v) or p[1][1](v))),  # type: ignore[operator]
            pair.map(lambda p: (f"({p[0][0]} and {p[1][0]})", lambda v: p[0][1](v) and p[1][1](v))),  # type: ignore[operator]
            inner.map(lambda i: (f"not({i[0]})", lambda v: not i[1](v))),  # type: ignore[operator]
        )

    return st.recursive(leaf, grown, max_leaves=8)


@given(_cells(), st.text(alphabet="没信号ab", max_size=8))
def test_combined_tests_agree_with_python(cell: tuple[str, object], value: str) -> None:
    written, expected = cell
    assert parse_cell(written)(value) is expected(value)  # type: ignore[operator]


def test_a_long_text_and_a_long_cell_take_no_long_time() -> None:
    cell = " or ".join(f'contains(?, "{"a" * 20}{n}")' for n in range(90))
    test = parse_cell(cell)
    start = time.perf_counter()
    assert test("a" * 200_000) is False
    assert time.perf_counter() - start < 10


@given(st.text(max_size=30))
def test_a_string_literal_reads_back(text: str) -> None:
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    assert read_string(quoted) == text
