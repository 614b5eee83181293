"""Suggestions for improvement are tracked to their end (rule A11)."""

from __future__ import annotations

import pytest

from tests.store.rows import HOUR, NOON, put
from workers.errors import Conflict, NotFound, Refused
from workers.store import answers, completions, suggestions
from workers.store.database import Database


def test_A11_a_form_may_bring_a_suggestion(database: Database) -> None:
    """A text in the field `improvement_suggestion` is kept once, however often the completion is told."""
    put(database, "N", owner_group="billing")
    for _ in range(2):
        with database.begin() as tx:
            if not suggestions.listing(tx):
                texts = {suggestions.FIELD: "短信写清到期日", "solution": "已处理"}
                answers.draft(tx, "N", "17", "carry-out-solution", texts, "yu.zhangwu", NOON)
            completions.complete(tx, "N", "17", "yu.zhangwu", NOON, name="落实", form="carry-out-solution")
    with database.read() as tx:
        [found] = suggestions.listing(tx, number="N")
    assert (found.text, found.owner_group, found.made_by) == ("短信写清到期日", "billing", "yu.zhangwu")
    assert (found.status, found.made_at) == ("open", NOON)


@pytest.mark.parametrize("texts", [{}, {suggestions.FIELD: "  "}])
def test_A11_no_text_is_no_suggestion(database: Database, texts: dict[str, str]) -> None:
    put(database, "N")
    with database.begin() as tx:
        answers.draft(tx, "N", "17", "carry-out-solution", texts, "yu.zhangwu", NOON)
        completions.complete(tx, "N", "17", "yu.zhangwu", NOON, name="落实", form="carry-out-solution")
        assert suggestions.listing(tx) == []


def test_A11_the_life_of_a_suggestion(database: Database) -> None:
    """Open, accepted, done; a rejection needs a reason, and what is over stays over."""
    with database.begin() as tx:
        one = suggestions.add(tx, "a", "x", NOON, "1")
        two = suggestions.add(tx, "b", "x", NOON + HOUR, "2", owner_group="billing")
        assert suggestions.add(tx, "again", "x", NOON, "1") == one
        assert suggestions.get(tx, one).owner_group == "complaint-group"
        with pytest.raises(Conflict):
            suggestions.decide(tx, one, "done", "y", NOON)
        with pytest.raises(Refused, match="reason"):
            suggestions.decide(tx, one, "rejected", "y", NOON)
        suggestions.decide(tx, one, "rejected", "y", NOON, "已有")
        with pytest.raises(Conflict):
            suggestions.decide(tx, one, "accepted", "y", NOON)
        suggestions.decide(tx, two, "accepted", "y", NOON)
        assert suggestions.decide(tx, two, "done", "z", NOON + HOUR).decided_by == "z"
        assert [each.id for each in suggestions.listing(tx)] == [two, one]
        counted = suggestions.counts(tx, NOON, NOON + HOUR)
    assert counted == {"open": 0, "accepted": 0, "rejected": 1, "done": 0}


def test_A11_what_is_no_suggestion_is_refused(database: Database) -> None:
    with database.begin() as tx:
        with pytest.raises(Refused):
            suggestions.add(tx, "  ", "x", NOON, "1")
        with pytest.raises(NotFound):
            suggestions.add(tx, "a", "x", NOON, "1", number="TS0")
        with pytest.raises(NotFound):
            suggestions.decide(tx, 7, "accepted", "y", NOON)
        with pytest.raises(Refused):
            suggestions.decide(tx, 7, "open", "y", NOON)
