"""What happened, once each, and in words (rules A6, A7)."""

from __future__ import annotations

import ast
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path

import pytest

from tests.store.rows import HOUR, NOON, put
from workers.errors import Broken
from workers.store import timeline
from workers.store.database import Database
from workers.store.timeline_words import TimelineWords, shipped


class TestTimeline:
    def test_a7_an_entry_is_written_once(self, database: Database) -> None:
        put(database, "N")
        with database.begin() as tx:
            assert timeline.add(tx, "N", NOON, "duban", "accepted", "k", owner="林") == NOON
            assert timeline.add(tx, "N", NOON + HOUR, "x", "other", "k") == NOON
            assert timeline.find(tx, "nothing") is None
            [entry] = timeline.of(tx, "N")
        assert (entry.at, entry.who, entry.code, entry.facts) == (NOON, "duban", "accepted", {"owner": "林"})

    def test_eight_threads_write_one_entry(self, database: Database) -> None:
        put(database, "N")

        def write(index: int) -> datetime:
            with database.begin() as tx:
                return timeline.add(tx, "N", NOON + index * HOUR, "duban", "accepted", "k")

        with ThreadPoolExecutor(8) as pool:
            assert len(set(pool.map(write, range(16)))) == 1

    def test_entries_are_in_the_order_they_happened(self, database: Database) -> None:
        put(database, "N")
        with database.begin() as tx:
            for key, at in (("b", NOON + HOUR), ("a", NOON), ("c", NOON + HOUR)):
                timeline.add(tx, "N", at, "duban", "reopened", key, count=key)
            assert [entry.dedupe_key for entry in timeline.of(tx, "N")] == ["a", "b", "c"]
            newest = timeline.latest(tx, "N", "reopened")
            assert newest is not None and newest.dedupe_key == "c"
            assert timeline.latest(tx, "N", "closed") is None

    def test_words_chinese_first(self) -> None:
        labels = {"city": {"zh": "市公司", "en": "City"}, "field:city": {"zh": "城市", "en": "town"}}
        sentences = {
            "a": {"zh": "{tier}，缺{fields}", "en": "{tier}, no {fields}"},
            "b": {"zh": "{yes}{gone}{at}", "en": "{number}"},
        }
        words = TimelineWords(sentences, labels)
        assert (
            words.what("a", {"tier": "city", "fields": ["city", "x"]})
            == "市公司，缺城市、x · City, no town, x"
        )
        facts = {"yes": True, "at": "2026-11-22T04:00:00+00:00", "number": 3}
        assert words.what("b", facts) == "是—2026-11-22 12:00 · 3"
        assert words.what("unknown", {}) == "unknown"

    def test_every_code_that_the_program_writes_has_words(self) -> None:
        sources = [
            ast.parse(path.read_text()) for path in Path(timeline.__file__).parent.parent.rglob("*.py")
        ]
        calls = [(tree, call) for tree in sources for call in calls_of(tree, "timeline.add")]
        sentences = set(shipped().sentences)
        written = set().union(*(words_in(call.args[4], tree) for tree, call in calls))
        assert len(written) > 60
        assert written - sentences == set(), "codes without words"
        literals = {
            node.value for tree in sources for node in ast.walk(tree) if isinstance(node, ast.Constant)
        }
        assert sentences - literals == set(), "words of codes that nothing writes"

    @pytest.mark.parametrize(
        "text",
        [
            "[",
            "[]",
            '{"a": {"zh": "x"}}',
            '{"a": {"zh": 1, "en": "x"}}',
            '{"a": {"zh": "", "en": "", "de": ""}}',
        ],
    )
    def test_a_faulty_file_of_words_is_named(self, tmp_path: Path, text: str) -> None:
        (tmp_path / "timeline.json").write_text(text)
        (tmp_path / "labels.json").write_text("{}")
        with pytest.raises(Broken, match=r"timeline\.json"):
            TimelineWords.load(tmp_path)


def calls_of(tree: ast.Module, name: str) -> list[ast.Call]:
    """Every call of a function that the module names so."""
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    return [node for node in calls if ast.unparse(node.func) == name]


def words_in(code: ast.expr, tree: ast.Module) -> set[str]:
    """The words that an expression can be: itself, the branches of a choice, what is assigned to a name.

    A parameter is what the calls within its module say. What a dictionary or a variable of another module holds is
    not followed.
    """
    if isinstance(code, ast.Constant):
        return {str(code.value)}
    if isinstance(code, ast.IfExp):
        return words_in(code.body, tree) | words_in(code.orelse, tree)
    found: set[str] = set()
    if isinstance(code, ast.Name):
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                targets = node.targets if isinstance(node, ast.Assign) else [node.target]
                if any(isinstance(target, ast.Name) and target.id == code.id for target in targets):
                    found |= words_in(node.value, tree)
            if isinstance(node, ast.FunctionDef) and code.id in (names := [a.arg for a in node.args.args]):
                position = names.index(code.id)
                for call in calls_of(tree, node.name):
                    found |= words_in(call.args[position], tree) if len(call.args) > position else set()
    return found
