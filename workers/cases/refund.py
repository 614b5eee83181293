"""Refunds as rules see them: what was charged, which charge is meant, what may be paid. No IO, integers in fen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_DOWN, Decimal
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workers.cases.policy import Duration
from workers.errors import Broken

Settlement = Literal["refund", "regrant", "gift"]
"""How a refund kind is settled: money back, a benefit given after all (D1), or a small gift (D4)."""


@dataclass(frozen=True)
class Charge:
    """What billing knows: a fee that was charged, or a benefit that was promised.

    Attributes:
        kind: `charge` or `benefit`.
        period: the bill's month, `2026-10`.
        amount_fen: what was charged, or what the benefit is worth.
        is_granted: a benefit that the customer has.
    """

    charge_id: str
    kind: str
    period: str
    item: str
    amount_fen: int
    is_granted: bool = False


@dataclass(frozen=True)
class Posting:
    """What the ledger is told, under its refund number: twice is once."""

    refund_no: str
    number: str
    kind: str
    charge_id: str | None
    amount_fen: int


class RefundAmount(BaseModel):
    """A row of decision `refund-amount`."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    settled_as: Settlement
    charge_kind: Literal["charge", "benefit"] | None
    factor: Decimal = Field(ge=0)
    cap_fen: int | None
    first_tier: str

    @classmethod
    def from_decision(cls, result: object) -> RefundAmount:
        """Reads the decision's result. Raises Broken naming what the table lacks."""
        try:
            return cls.model_validate(result)
        except ValidationError as error:
            raise Broken(_sentence("refund-amount", error)) from None


class RefundAuthority(BaseModel):
    """A row of decision `refund-authority`: who decides at a tier, up to what amount, and who is next."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    approver_group: str
    limit_fen: int | None
    is_final: bool
    next_tier: str
    next_group: str
    decide_time: str
    calendar: str

    @classmethod
    def from_decision(cls, result: object) -> RefundAuthority:
        """Reads the decision's result. Raises Broken naming what the table lacks."""
        try:
            return cls.model_validate(result)
        except ValidationError as error:
            raise Broken(_sentence("refund-authority", error)) from None


class RefundPosting(BaseModel):
    """The row of decision `refund-posting`: after how long a posting counts as stuck, and by when it is settled."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    stuck_after: Duration
    settle_time: Duration

    @classmethod
    def from_decision(cls, result: object) -> RefundPosting:
        """Reads the decision's result. Raises Broken naming what the table lacks."""
        try:
            return cls.model_validate(result)
        except ValidationError as error:
            raise Broken(_sentence("refund-posting", error)) from None


def whole_fen(value: Any) -> int:
    """An amount as an integer: FEEL may hand over 3800.0. Raises Broken for anything but a positive whole number."""
    is_whole = isinstance(value, int | float) and not isinstance(value, bool) and float(value).is_integer()
    if not is_whole or value <= 0:
        raise Broken("an amount must be a positive whole number of fen")
    return int(value)


def meant(charges: Sequence[Charge], asked_fen: int) -> list[Charge]:
    """The charges that a refund may be for, the likeliest first (rule D1).

    The one with the very amount comes first, then those that are large enough, then the others; newer before older.
    Benefits that the customer has are left out.
    """
    real = [charge for charge in charges if charge.amount_fen > 0 and not charge.is_granted]
    newest_first = sorted(real, key=lambda charge: (charge.period, charge.charge_id), reverse=True)
    return sorted(
        newest_first, key=lambda charge: (charge.amount_fen != asked_fen, charge.amount_fen < asked_fen)
    )


def payable_fen(asked_fen: int, charged_fen: int | None, amount: RefundAmount) -> int:
    """What may be paid: the smaller of asked and charged, times the factor, never above the cap (rules D1, D2, D4).

    Args:
        charged_fen: of the charge; None where none is needed (a gift).
    """
    base = asked_fen if charged_fen is None else min(asked_fen, charged_fen)
    whole = int((Decimal(base) * amount.factor).to_integral_value(ROUND_DOWN))
    return whole if amount.cap_fen is None else min(whole, amount.cap_fen)


def yuan(fen: int) -> str:
    """An amount as people read it: 3850 -> `38.50`."""
    return f"{fen // 100}.{fen % 100:02d}"


def _sentence(decision: str, error: ValidationError) -> str:
    problems = "; ".join(
        f"{'.'.join(str(part) for part in problem['loc'])}: {problem['msg']}" for problem in error.errors()
    )
    return f"the table {decision} gives a result that workers cannot use: {problems}"
