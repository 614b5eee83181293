"""Which adapters an instance has: HTTP where a URL is set, else the tables in the store."""

from __future__ import annotations

from workers.billing.embedded import EmbeddedBilling, EmbeddedLedger
from workers.billing.http import HttpBilling, HttpLedger
from workers.billing.ports import BillingPort, LedgerPort
from workers.clock import Clock
from workers.settings import Settings
from workers.store.database import Database


def open_billing(settings: Settings, database: Database) -> BillingPort:
    """Billing as the settings say; close it."""
    return HttpBilling(settings.billing) if settings.billing.url else EmbeddedBilling(database)


def open_ledger(settings: Settings, database: Database, clock: Clock) -> LedgerPort:
    """The ledger as the settings say; close it."""
    return HttpLedger(settings.ledger) if settings.ledger.url else EmbeddedLedger(database, clock)
