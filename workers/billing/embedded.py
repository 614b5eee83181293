"""Billing and ledger in the store: the default, for trying Duban out and for operators without interfaces."""

from __future__ import annotations

from workers.cases.refund import Charge, Posting
from workers.clock import Clock
from workers.errors import Broken, Refused
from workers.store import billing, holders
from workers.store.database import Database


class EmbeddedBilling:
    """The tables `charges` and `account_holders`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def is_holder(self, customer_no: str, phone: str, name: str) -> bool:
        """See BillingPort."""
        with self._database.read() as tx:
            return holders.is_holder(tx, customer_no, phone, name)

    def charges(self, customer_no: str, kind: str, period: str | None) -> list[Charge]:
        """See BillingPort."""
        with self._database.read() as tx:
            return billing.find(tx, customer_no, kind, period)

    def regrant(self, charge_id: str, refund_no: str) -> None:
        """See BillingPort."""
        try:
            with self._database.begin() as tx:
                billing.regrant(tx, charge_id, refund_no)
        except Refused as error:
            raise Broken(str(error)) from error

    def close(self) -> None:
        """Nothing: the store is closed by who opened it."""


class EmbeddedLedger:
    """The table `ledger_entries`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def post(self, posting: Posting) -> str:
        """See LedgerPort."""
        try:
            with self._database.begin() as tx:
                billing.post(tx, posting, self._clock.now())
        except Refused as error:
            raise Broken(str(error)) from error
        return posting.refund_no

    def close(self) -> None:
        """Nothing: the store is closed by who opened it."""
