"""What a watched deadline asks for, instant by instant (rules A9, C6)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workers.cases.deadline_watch import Step, Watch

START = datetime(2026, 3, 1, 1, tzinfo=UTC)


def hours(count: float) -> datetime:
    return START + timedelta(hours=count)


WATCH = Watch(hours(36), hours(54), hours(72))


@pytest.mark.parametrize(
    ("now", "warned", "step", "at"),
    [
        (0, None, Step.WAIT, 36),
        (36, None, Step.FIRST_WARNING, 36),
        (36, 36, Step.WAIT, 54),
        (54, 36, Step.SECOND_WARNING, 54),
        (60, None, Step.SECOND_WARNING, 54),
        (60, 54, Step.WAIT, 72),
        (72, 54, Step.OVERDUE, 72),
        (100, None, Step.OVERDUE, 72),
    ],
)
def test_A9_two_warnings_then_overdue(now: float, warned: float | None, step: Step, at: float) -> None:
    """Each instant is asked for once; whoever comes late hears only the newest."""
    told = hours(warned) if warned is not None else None
    assert WATCH.step(hours(now), told) == (step, hours(at))


def test_A9_a_watch_without_warnings_waits_for_the_end() -> None:
    """A caller who wants no warning gives null."""
    assert Watch(None, None, hours(5)).step(hours(0), None) == (Step.WAIT, hours(5))


def test_C6_an_extension_moves_all_three_instants_and_keeps_their_shares() -> None:
    """72 h become 144 h: warned at half and three quarters of the longer time."""
    assert WATCH.extended_to(hours(144), START) == Watch(hours(72), hours(108), hours(144))


def test_C6_a_tiers_own_later_deadline_stays() -> None:
    """The later of both counts."""
    assert WATCH.extended_to(hours(60), START) == WATCH


def test_C6_a_warning_that_was_given_is_given_again_for_the_new_time_only() -> None:
    """Warned at 36 h, extended to 144 h: the next word is at 72 h."""
    watch = WATCH.extended_to(hours(144), START)
    assert watch.step(hours(54), hours(36)) == (Step.WAIT, hours(72))
    assert watch.step(hours(72), hours(36)) == (Step.FIRST_WARNING, hours(72))
