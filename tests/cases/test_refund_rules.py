"""What may be paid: integers in fen, never above charged times factor, never above the cap (D1, D2, D4)."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workers.cases.refund import Charge, RefundAmount, meant, payable_fen, whole_fen, yuan
from workers.errors import Broken

FEN = st.integers(1, 10**9)


def amount(factor: Any = 1, cap_fen: int | None = None) -> RefundAmount:
    row = {"settled_as": "refund", "charge_kind": "charge", "factor": factor, "cap_fen": cap_fen}
    return RefundAmount.from_decision(row | {"first_tier": "branch"})


def charge(charge_id: str, fen: int, period: str = "2026-01", *, granted: bool = False) -> Charge:
    return Charge(charge_id, "charge", period, "会员包", fen, granted)


@given(asked=FEN, charged=st.none() | FEN, factor=st.sampled_from([1, 2, 1.5, "0.1"]), cap=st.none() | FEN)
def test_D2_never_above_charged_times_factor_nor_the_cap(
    asked: int, charged: int | None, factor: Any, cap: int | None
) -> None:
    """Whatever is asked."""
    paid = payable_fen(asked, charged, amount(factor, cap))
    assert isinstance(paid, int)
    assert 0 <= paid <= asked * float(factor) + 1e-6
    assert charged is None or paid <= charged * float(factor) + 1e-6
    assert cap is None or paid <= cap


def test_D2_a_wrongly_charged_fee_is_paid_back_double() -> None:
    """38 yuan charged: 76 yuan back; more was not charged, so more is not paid."""
    assert payable_fen(3800, 3800, amount(2)) == 7600
    assert payable_fen(9900, 3800, amount(2)) == 7600
    assert payable_fen(1000, 3800, amount(2)) == 2000


def test_D4_a_gift_stays_within_its_limit() -> None:
    """500 yuan of distress: a gift of 100."""
    assert payable_fen(50000, None, amount(1, 10000)) == 10000


def test_D1_the_charge_that_is_meant() -> None:
    """The very amount first, then the newest that is large enough; a benefit that was granted never."""
    charges = [
        charge("small", 100, "2026-03"),
        charge("large", 9900, "2026-02"),
        charge("exact", 3800, "2026-01"),
        charge("newer", 5000, "2026-03"),
        charge("had", 3800, "2026-03", granted=True),
    ]
    assert [each.charge_id for each in meant(charges, 3800)] == ["exact", "newer", "large", "small"]


@pytest.mark.parametrize("value", [0, -1, 0.5, 38.01, True, "3800", None, float("nan"), float("inf")])
def test_an_amount_is_a_positive_whole_number_of_fen(value: Any) -> None:
    """Nothing is rounded in silence."""
    with pytest.raises(Broken):
        whole_fen(value)


def test_a_whole_number_that_the_engine_hands_over_as_a_fraction_is_taken() -> None:
    """FEEL may say 3800.0."""
    assert whole_fen(3800.0) == 3800 and isinstance(whole_fen(3800.0), int)
    assert [yuan(fen) for fen in (1, 100, 3850)] == ["0.01", "1.00", "38.50"]


@pytest.mark.parametrize("row", [None, {}, {"settled_as": "compensation"}])
def test_a_table_that_lacks_something_is_told(row: Any) -> None:
    """By its name."""
    with pytest.raises(Broken, match="refund-amount"):
        RefundAmount.from_decision(row)
