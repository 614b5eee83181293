"""Ask billing who complains before a person is asked (rules B2, B10).

Job type: check-identity
Reads: number.
Sets: is_identity_known.
Throws: nothing.
Effect: billing's answer is in the timeline, a yes or no and nothing else. Where the complaint names no customer number,
    telephone or name, or billing does not answer, it is no: a person verifies, and nothing waits for billing.
"""

from __future__ import annotations

import logging
from typing import Any

from workers.billing.ports import BillingPort
from workers.clock import Clock
from workers.engine.jobs import Job
from workers.errors import Broken, RetryLater
from workers.store import complaints, timeline
from workers.store.database import Database

log = logging.getLogger(__name__)


def check_identity(
    database: Database, clock: Clock, billing: BillingPort, *, number: str, job: Job
) -> dict[str, Any]:
    """Returns whether billing knows the customer; a second delivery returns the first one's answer."""
    key = f"{number}:identity:{job.element_instance_key}"
    with database.begin() as tx:
        noted = timeline.find(tx, key)
        complaint = complaints.get(tx, number)
        asked = complaint.customer_no, complaint.customer_phone, complaint.customer_name
    if noted is not None:
        return {"is_identity_known": bool(noted.facts["is_identity_known"])}
    is_known = _ask(billing, number, *asked)
    with database.begin() as tx:
        timeline.add(tx, number, clock.now(), "duban", "identity-checked", key, is_identity_known=is_known)
        noted = timeline.find(tx, key)
    return {"is_identity_known": bool(noted and noted.facts["is_identity_known"])}


def _ask(
    billing: BillingPort, number: str, customer_no: str | None, phone: str | None, name: str | None
) -> bool:
    if not (customer_no and phone and name):
        return False
    try:
        return billing.is_holder(customer_no, phone, name)
    except (RetryLater, Broken) as error:
        told = {"action": "identity-unanswered", "number": number}
        log.warning("billing could not say who complains, a person is asked: %s", error, extra=told)
        return False
