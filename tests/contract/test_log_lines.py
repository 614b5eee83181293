"""Every line of our log says by an `action` what happened: a word for searches that no new sentence changes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

WORKERS = Path(__file__).parents[2] / "workers"
SAYING = {"debug", "info", "warning", "error", "exception", "critical", "log"}
LOGGERS = {"log", "LOG", "logger"}
SOURCES = sorted(WORKERS.rglob("*.py"))


def lines_without_action(source: str) -> Iterator[int]:
    """Line numbers of calls that log without an `action`, here or in a dict that is named beside it."""
    tree = ast.parse(source)
    named = {
        target.id: node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Dict)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
            continue
        owner = node.func.value
        if node.func.attr not in SAYING or not isinstance(owner, ast.Name) or owner.id not in LOGGERS:
            continue
        extra = next((each.value for each in node.keywords if each.arg == "extra"), None)
        if isinstance(extra, ast.Name):
            extra = named.get(extra.id)
        keys = (
            [key.value for key in extra.keys if isinstance(key, ast.Constant)]
            if isinstance(extra, ast.Dict)
            else []
        )
        if "action" not in keys:
            yield node.lineno


def test_every_line_of_the_log_has_an_action() -> None:
    """Also the one that somebody adds tomorrow."""
    bare = [
        f"{path.relative_to(WORKERS)}:{line}"
        for path in SOURCES
        for line in lines_without_action(path.read_text(encoding="utf-8"))
    ]
    assert bare == []


def test_nobody_writes_past_the_logger() -> None:
    """`logging.warning` goes to a logger that has no room, and `print` nowhere that is kept."""
    found = [path.name for path in SOURCES if "logging.warning(" in path.read_text("utf-8")]
    assert found == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("log.info('x')", [1]),
        ("log.info('x', extra={'number': 1})", [1]),
        ("log.info('x', extra={'action': 'x-done'})", []),
        ("facts = {'action': 'y'}\nlog.log(1, 'x', extra=facts)", []),
        ("facts = {'number': 'y'}\nlog.exception('x', extra=facts)", [2]),
        ("console.log('x')", []),
    ],
)
def test_the_search_itself_finds_what_is_missing(source: str, found: list[int]) -> None:
    assert list(lines_without_action(source)) == found
