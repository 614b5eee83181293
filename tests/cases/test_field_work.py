"""Windows of field engineers: which can be kept, and what follows from them (rule B11)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from workers.cases.field_work import FieldServiceRule, is_same_day, window
from workers.errors import Broken
from workers.names import SHANGHAI

ROW: dict[str, Any] = {
    "engineer_group": "field-engineers",
    "contact_time": "PT30M",
    "contact_overdue_time": "PT60M",
    "contact_retry_time": "PT2H",
    "late_notice_time": "PT30M",
    "announce_time": "PT15M",
    "grace_time": "PT4H",
    "closing_hour": "20:00",
    "farthest_time": "P14D",
}
RULE = FieldServiceRule.from_decision(ROW)
NOW = datetime(2026, 3, 2, 10, 0, tzinfo=SHANGHAI)
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("begins", "ends", "is_kept"),
    [
        (2 * HOUR, 4 * HOUR, True),
        (-1 * HOUR, 1 * HOUR, True),
        (4 * HOUR, 2 * HOUR, False),
        (2 * HOUR, 2 * HOUR, False),
        (-3 * HOUR, -1 * HOUR, False),
        (timedelta(days=14), timedelta(days=14, hours=2), True),
        (timedelta(days=14, minutes=1), timedelta(days=14, hours=2), False),
    ],
)
def test_B11_a_window_that_cannot_be_kept_is_not_taken(
    begins: timedelta, ends: timedelta, is_kept: bool
) -> None:
    """Backwards, over, or too far ahead."""
    assert (window(RULE, NOW + begins, NOW + ends, NOW) is not None) is is_kept


def test_B11_the_delay_is_announced_before_the_window_ends() -> None:
    """Asked half an hour before, told a quarter of an hour before; nobody came four hours after."""
    ends = NOW + 4 * HOUR
    kept = window(RULE, NOW + 2 * HOUR, ends, NOW)
    assert kept is not None
    assert (kept.late_notice_at, kept.announce_due_at) == (ends - HOUR / 2, ends - HOUR / 4)
    assert kept.visit_overdue_at == ends + 4 * HOUR
    assert kept.closing_at == NOW.replace(hour=20)
    assert kept.abandoned_at > kept.visit_overdue_at


def test_B11_a_short_window_leaves_no_time_but_keeps_the_order() -> None:
    """Ten minutes from now to its end: asked at once, told by its end at the latest."""
    ends = NOW + timedelta(minutes=10)
    kept = window(RULE, NOW, ends, NOW)
    assert kept is not None
    assert NOW == kept.late_notice_at < kept.announce_due_at <= ends


def test_B11_an_evening_window_closes_with_its_end() -> None:
    kept = window(RULE, NOW.replace(hour=19), NOW.replace(hour=21), NOW)
    assert kept is not None
    assert kept.closing_at == NOW.replace(hour=21)


def test_B11_the_same_day_is_a_day_in_shanghai() -> None:
    late = datetime.fromisoformat("2026-03-02T15:30:00+00:00")
    assert is_same_day(late, NOW)
    assert not is_same_day(late + HOUR, NOW)


def test_a_table_that_lacks_a_column_is_told() -> None:
    with pytest.raises(Broken, match=r"field-service-rule .* closing_hour"):
        FieldServiceRule.from_decision({**ROW, "closing_hour": "late"})
