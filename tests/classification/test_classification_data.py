"""The texts: enough, sound, nobody's, and the held-out ones really held out."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest

from workers.classification.corpus import (
    DEVELOPMENT,
    HOLDOUT,
    TRAINING,
    UNCLEAR,
    VAGUE,
    Example,
    folds,
    likeness,
    read_examples,
    shingles,
)
from workers.errors import Broken
from workers.names import Category

NEAR_DUPLICATE = 0.6
"""Pairs of characters in common: two texts above it are variants of one."""


def taught() -> list[Example]:
    return read_examples(TRAINING, may_be_unclear=True)


def vague() -> list[Example]:
    return read_examples(VAGUE, may_be_unclear=True)


def test_there_are_enough_texts_of_every_category() -> None:
    training = Counter(one.category for one in taught())
    kept = Counter(one.category for one in read_examples(HOLDOUT))
    assert training.total() >= 2500
    assert training[UNCLEAR] >= 150
    assert {one.category for one in vague()} == {UNCLEAR}
    assert kept.total() >= 200
    for category in Category:
        assert training[category] >= 500
        assert kept[category] >= 40


def test_no_text_is_there_twice() -> None:
    texts = [one.text for one in taught() + vague() + read_examples(DEVELOPMENT) + read_examples(HOLDOUT)]
    assert [text for text, count in Counter(texts).items() if count > 1] == []


def near(texts: list[str], others: list[str], least: float) -> list[tuple[int, int]]:
    """Where in the two lists texts are that are this much alike. Compares those alone that have a pair in common."""
    marks = [shingles(text) for text in others]
    places: dict[str, list[int]] = {}
    for at, mine in enumerate(marks):
        for pair in mine:
            places.setdefault(pair, []).append(at)
    found = []
    for at, text in enumerate(texts):
        mine = shingles(text)
        common = Counter(place for pair in mine for place in places.get(pair, ()))
        found += [
            (at, place)
            for place, count in common.items()
            if count >= least * min(len(mine), len(marks[place])) and likeness(mine, marks[place]) >= least
        ]
    return found


def test_no_held_out_text_is_a_near_duplicate_of_one_seen_before() -> None:
    seen = [one.text for one in taught() + read_examples(DEVELOPMENT)]
    kept = [one.text for one in read_examples(HOLDOUT) + vague()]
    assert [(kept[at], seen[place]) for at, place in near(kept, seen, NEAR_DUPLICATE)] == []


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("宽带断了三天没人来修", "宽带断了三天,没人来修！"),
        ("这个月话费多扣了30块", "这个月话费多扣了50块"),
        ("光猫坏了没人来换新的设备", "你好，我家光猫坏了没人来换新的设备，已经打过五次电话，每次都说尽快"),
    ],
)
def test_near_duplicates_would_be_found(left: str, right: str) -> None:
    assert likeness(shingles(left), shingles(right)) >= NEAR_DUPLICATE
    assert near([left], ["今天下雨", right], NEAR_DUPLICATE) == [(0, 1)]


def test_variants_of_one_text_never_fall_apart() -> None:
    examples = taught()
    placed: dict[str, set[int]] = {}
    for one, fold in zip(examples, folds(examples, 5), strict=True):
        placed.setdefault(one.group, set()).add(fold)
    assert all(len(where) == 1 for where in placed.values())
    assert len({fold for where in placed.values() for fold in where}) == 5


def test_near_duplicates_in_training_share_a_group() -> None:
    examples = [one for one in taught() if len(shingles(one.text)) >= 6]
    texts = [one.text for one in examples]
    apart = [
        (texts[at], texts[place])
        for at, place in near(texts, texts, 0.8)
        if examples[at].group != examples[place].group
    ]
    assert apart == []


def test_nobody_is_named() -> None:
    """No phone numbers, identity card numbers or addresses of e-mail."""
    for one in taught() + vague() + read_examples(DEVELOPMENT) + read_examples(HOLDOUT):
        assert not re.search(r"1[3-9]\d{9}|\d{15,}|@\w+\.", one.text.replace("1234567890", "")), one.text


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("text,category\n", "must begin"),
        ("group,category,text\na,other\n", "line 2"),
        ("group,category,text\na,others,x\n", "line 2"),
        ("group,category,text\na,other,x\nb,other, \n", "line 3"),
        ("", "must begin"),
    ],
)
def test_a_mistake_in_the_data_is_told(tmp_path: Path, content: str, told: str) -> None:
    path = tmp_path / "training.csv"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(Broken, match=told):
        read_examples(path)
