"""What Duban asks of billing and of the ledger. Two adapters each: embedded tables and HTTP; one contract test."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from workers.cases.refund import Charge, Posting


@runtime_checkable
class BillingPort(Protocol):
    """Knows its customers, and what they were charged and promised (rules B2, D1)."""

    def is_holder(self, customer_no: str, phone: str, name: str) -> bool:
        """Whether the account is this person's: telephone (E.164) and name are both the holder's own; unknown: no.

        Raises:
            RetryLater: billing does not answer now. Broken: it answers what cannot be understood.
        """

    def charges(self, customer_no: str, kind: str, period: str | None) -> list[Charge]:
        """What the customer was charged (`charge`) or promised (`benefit`), the newest first; empty: nothing.

        Raises:
            RetryLater: billing does not answer now. Broken: it answers what cannot be understood.
        """

    def regrant(self, charge_id: str, refund_no: str) -> None:
        """Gives a promised benefit after all and marks it so; the same refund number twice is once.

        Raises:
            Broken: there is no such benefit, or the customer has it by another way. RetryLater: no answer now.
        """

    def close(self) -> None:
        """Lets go of connections."""


@runtime_checkable
class LedgerPort(Protocol):
    """Takes postings (rule D3)."""

    def post(self, posting: Posting) -> str:
        """Posts, exactly once per refund number; returns the ledger's reference, the same when posted again.

        Raises:
            Broken: something else was posted under this number, or the posting is refused. RetryLater: no answer now.
        """

    def close(self) -> None:
        """Lets go of connections."""
