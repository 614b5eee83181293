"""What the jobs of record-retention work on: a run, and a complaint whose time is over."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy.orm import Session

from workers.store.retention_tables import RetentionItem, RetentionRun
from workers.store.tables import Complaint

RUN: Final = "DA202603-1"
OLD: Final = "TS20220301-000001"
RULES: Final = [{"policy": "petition", "keep_time": "P3Y", "confirm_time": "P10D", "batch": 200}]
JOBS: Final = ("open-retention-run", "find-expired", "anonymise-complaints", "close-retention-run")
VARIABLES: Final[dict[str, Any]] = {"number": RUN, "retention_rule": RULES}


def add(tx: Session, now: datetime) -> None:
    """A run that found nothing yet, and one that listed the old complaint."""
    closed = now - timedelta(days=4 * 366)
    facts = {"policy": "petition", "channel": "web", "text": "旧投诉", "customer_key": "+8613900009999"}
    tx.add(Complaint(number=OLD, received_at=closed, closed_at=closed, status="closed", **facts))
    tx.add(RetentionRun(number=RUN, opened_by="liming", opened_at=now, state="open"))
    tx.flush()


def list_with_the_run(tx: Session) -> None:
    """The old complaint is on the run's list."""
    tx.add(RetentionItem(run=RUN, complaint=OLD, policy="petition", month="2022-03"))
