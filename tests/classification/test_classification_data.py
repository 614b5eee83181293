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


def test_no_held_out_text_is_a_near_duplicate_of_one_seen_before() -> None:
    learnt = [(one.text, shingles(one.text)) for one in taught() + read_examples(DEVELOPMENT)]
    near = [
        (one.text, text)
        for one in read_examples(HOLDOUT) + vague()
        for text, theirs in learnt
        if likeness(shingles(one.text), theirs) >= NEAR_DUPLICATE
    ]
    assert near == []


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


def test_variants_of_one_text_never_fall_apart() -> None:
    examples = taught()
    placed: dict[str, set[int]] = {}
    for one, fold in zip(examples, folds(examples, 5), strict=True):
        placed.setdefault(one.group, set()).add(fold)
    assert all(len(where) == 1 for where in placed.values())
    assert len({fold for where in placed.values() for fold in where}) == 5


def test_near_duplicates_in_training_share_a_group() -> None:
    examples = [(one, shingles(one.text)) for one in taught()]
    apart = [
        (one.text, other.text)
        for at, (one, mine) in enumerate(examples)
        for other, theirs in examples[at + 1 :]
        if one.group != other.group and len(mine) >= 6 and likeness(mine, theirs) >= 0.8
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
