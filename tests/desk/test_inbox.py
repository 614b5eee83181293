"""The inbox: what a person may complete, found by indexes, is what asking about every task would find."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from tests.desk_server import RunningDesk, add_complaint, add_person, add_task
from workers.desk.people import Actor, Authority, actor
from workers.store import case_owners, exclusions, record_queries, task_offers
from workers.store.inbox import Inbox, Place, Wanted
from workers.store.outbox import Transaction
from workers.store.record_tables import UserTask

PLACES: list[dict[str, str]] = [
    {},
    {"province": "浙江省"},
    {"province": "浙江", "city": "杭州市"},
    {"province": "浙江", "city": "杭州", "branch": "西湖区"},
    {"province": "浙江", "city": "杭州", "branch": "余杭"},
    {"province": "浙江", "city": "宁波"},
    {"province": "江苏", "city": "南京", "branch": "鼓楼"},
]
GROUPS = ["front-desk", "billing", "branch-management"]
FORMS = ["settle-complaint", "investigate-complaint"]


@pytest.fixture
def crowd(desk: RunningDesk) -> Iterator[RunningDesk]:
    """Sixty tasks of thirty cases all over, and a dozen people."""
    dice = random.Random(5)
    numbers = [add_complaint(desk, region=dice.choice(PLACES), text=f"问题 {each}") for each in range(30)]
    for each in range(12):
        add_person(desk, f"p{each}", *dice.sample(GROUPS, dice.randint(1, 2)), **dice.choice(PLACES))
    for each in range(60):
        more: dict[str, Any] = {
            "groups": dice.sample(GROUPS, dice.choice([1, 1, 1, 2])),
            "form": dice.choice(FORMS),
            "due_at": dice.choice([None, desk.clock.now() + timedelta(minutes=dice.randint(-90, 600))]),
            "assignee": dice.choice([None, None, f"p{dice.randint(0, 11)}"]),
        }
        add_task(desk, dice.choice(numbers), key=f"22517998136{each:05}", **more)
    with desk.database.begin() as tx:
        for number in numbers[::3]:
            who, form = f"p{dice.randint(0, 11)}", dice.choice(FORMS)
            exclusions.add(tx, number, form, [who], "asked", desk.clock.now())
        task_offers.refresh_all(tx)
    yield desk


def asked_one_by_one(tx: Transaction, who: Actor) -> list[str]:
    """Every open task that Authority lets the person complete, in the inbox's order."""
    authority = Authority(tx)
    tasks = record_queries.open_tasks(tx)
    cases = case_owners.of(tx, {task.number for task in tasks if task.number})
    mine = [
        task for task in tasks if task.number and authority.refuses(who, task, cases[task.number]) is None
    ]
    return [
        task.key for task in sorted(mine, key=lambda each: (each.due_at or task_offers.NEVER_DUE, each.key))
    ]


def in_pages(tx: Transaction, who: Actor, limit: int, wanted: Wanted | None = None) -> list[str]:
    """The whole inbox, a page at a time."""
    keys: list[str] = []
    after: Place | None = None
    inbox = Inbox(tx, who)
    while True:
        page = inbox.page(wanted or Wanted(), after=after, limit=limit)
        assert len(page.tasks) <= limit
        keys += [task.key for task in page.tasks]
        if page.after is None:
            return keys
        after = page.after


def test_everybody_sees_exactly_what_they_may_complete(crowd: RunningDesk) -> None:
    """Group, region, owner, nearest, assignee and four eyes: for each person the same tasks, in the same order."""
    seen: set[str] = set()
    with crowd.database.read() as tx:
        for name in [*(f"p{each}" for each in range(12)), "on-duty"]:
            who = actor(tx, name, is_sample_staff=True)
            expected = asked_one_by_one(tx, who)
            assert in_pages(tx, who, 7) == expected
            assert in_pages(tx, who, 100) == expected
            seen.update(expected)
    assert len(seen) > 50


def test_counts_and_filters_are_those_of_the_list(crowd: RunningDesk) -> None:
    """What is counted above the list is what the list shows."""
    now, soon = crowd.clock.now(), timedelta(hours=2)
    with crowd.database.read() as tx:
        for name in [*(f"p{each}" for each in range(12)), "on-duty"]:
            who = actor(tx, name, is_sample_staff=True)
            tasks = {each.key: each for each in record_queries.open_tasks(tx)}
            mine = [tasks[key] for key in asked_one_by_one(tx, who)]
            counted = Inbox(tx, who).counts(now, soon)
            due = [task.due_at for task in mine if task.due_at]
            assert counted.all == len(mine)
            assert counted.mine == sum(task.assignee == name for task in mine)
            assert counted.overdue == sum(each <= now for each in due)
            assert counted.soon == sum(now < each <= now + soon for each in due)
            unclaimed = [task.key for task in mine if task.assignee is None]
            assert in_pages(tx, who, 5, Wanted(scope="open")) == unclaimed
            forms = frozenset({"investigate-complaint"})
            assert in_pages(tx, who, 5, Wanted(forms=forms)) == [t.key for t in mine if t.form_id in forms]
            number = mine[0].number or "" if mine else "TS"
            only = [task.key for task in mine if task.number == number]
            assert in_pages(tx, who, 5, Wanted(number=number.lower())) == only
            billing = [t.key for t in mine if "billing" in t.groups]
            if who.groups is None:
                assert in_pages(tx, who, 5, Wanted(groups=frozenset({"billing"}))) == billing


def test_a_task_that_ended_or_moved_is_offered_as_the_records_say(crowd: RunningDesk) -> None:
    """What is no longer open is in no inbox; a new group sees it, the old one does not."""
    with crowd.database.begin() as tx:
        who = actor(tx, "on-duty", is_sample_staff=True)
        first, second, *_ = in_pages(tx, who, 100)
        tx.get_one(UserTask, first).state = "completed"
        tx.get_one(UserTask, second).groups = ["appeal-department"]
        tx.flush()
        task_offers.refresh(tx, {first, second})
        assert first not in in_pages(tx, who, 100)
        assert in_pages(tx, who, 100, Wanted(groups=frozenset({"appeal-department"}))) == [second]
