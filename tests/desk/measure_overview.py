"""How long the overview takes with a hundred thousand complaints: `python -m tests.desk.measure_overview [COMPLAINTS]`.

Half a year of complaints in eleven cities with twenty branches each; one in ten is still handled. On SQLite and on a
PostgreSQL of its own; for the province and for one branch: the first page, the figures of thirty days asked
for the first time (nothing kept yet) and again, the list that is due first, and the downloads.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, text

from tests.databases import Postgres
from tests.desk.signing_in import Browser, add_account, required
from tests.desk_server import running
from workers.store import schema
from workers.store.database import Database
from workers.store.tables import Complaint, Deadline, TimelineEntry

CITIES, BRANCHES, DAYS, TIMES = 11, 20, 180, 15
GROUPS = ("front-desk", "billing", "network-operations", "business-support", "complaint-group")
CATEGORIES = ("service-quality", "tariff-billing", "business-handling", "other")
PATHS = {
    "first page": "/",
    "30 days": "/overview/period",
    "list, due first": "/complaints?status=running",
    "XLSX": "/overview.xlsx",
    "PNG": "/overview.png",
}
_CHUNK = 5000


def fill(database: Database, now: datetime, complaints: int) -> None:
    """Complaints with their deadlines and a little history."""
    dice = random.Random(7)
    for start in range(0, complaints, _CHUNK):
        numbers = range(start, min(complaints, start + _CHUNK))
        made = [_complaint(dice, now, each, DAYS * (1 - each / complaints)) for each in numbers]
        with database.begin() as tx:
            tx.execute(insert(Complaint), made)
            tx.execute(insert(Deadline), [row for each in made for row in _deadlines(dice, each)])
            tx.execute(insert(TimelineEntry), [row for each in made for row in _history(dice, each)])
        print(f"\r{start + len(made):,} complaints", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    if database.is_sqlite:
        with database.begin() as tx:
            tx.execute(text("analyze"))
    else:
        with database.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(text("vacuum analyze"))


def _complaint(dice: random.Random, now: datetime, each: int, days: float) -> dict[str, Any]:
    """A complaint of so many days ago; of the last thirty days six in ten are still handled."""
    city = dice.randrange(CITIES)
    is_running = days < 30 and dice.random() < 0.6
    received = now - timedelta(days=days)
    closed = None if is_running else min(now, received + timedelta(hours=dice.randrange(4, 160)))
    answered = dice.choice(("satisfied", "satisfied", "satisfied", "dissatisfied", "no-answer"))
    return {
        "number": f"TS30000101-{each:06}",
        "policy": "petition",
        "channel": "web",
        "text": f"第 {each} 件",
        "flags": [],
        "province": "浙江省",
        "city": f"城{city}市",
        "branch": f"支{city}-{dice.randrange(BRANCHES)}",
        "customer_key": f"c{dice.randrange(80_000)}",
        "received_at": received,
        "status": dice.choice(("received", "accepted", "in-progress", "in-progress"))
        if is_running
        else "closed",
        "tier": "department",
        "missing_fields": [],
        "calls_on_holidays": False,
        "category": dice.choice(CATEGORIES),
        "product": dice.choice(("broadband", "iptv", "mobile")),
        "owner_group": dice.choice(GROUPS),
        "owner_person": f"p{dice.randrange(300)}",
        "closed_at": closed,
        "satisfaction": None if is_running else answered,
        "outcome": None
        if is_running
        else {"satisfied": "solved", "dissatisfied": "unsolved"}.get(answered, answered),
        "cause_code": None if is_running else dice.choice(("training", "partner", "network-fault", None)),
    }


def _deadlines(dice: random.Random, complaint: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for kind, hours in (("preliminary", 48), ("result", 480)):
        due = complaint["received_at"] + timedelta(hours=hours)
        met = None
        if complaint["closed_at"] is not None:
            met = complaint["received_at"] + timedelta(hours=hours * dice.uniform(0.1, 1.08))
        missed = met if met is not None and met > due else None
        yield {"number": complaint["number"], "kind": kind, "due_at": due, "met_at": met, "missed_at": missed}


def _history(dice: random.Random, complaint: dict[str, Any]) -> Iterator[dict[str, Any]]:
    codes = ["complaint-received", "accepted", "assigned"] + ["reopened"] * (dice.random() < 0.03)
    for code in codes:
        key = f"{complaint['number']}:{code}"
        yield {
            "number": complaint["number"],
            "at": complaint["received_at"],
            "who": "duban",
            "code": code,
            "facts": {},
            "dedupe_key": key,
        }


def measure(name: str, database: Database, complaints: int) -> None:
    """Prints a line per person and page."""
    with running(database, is_sample_staff=False, signing_in=required()) as desk:
        add_account(desk, "province", "province-management", province="浙江省")
        add_account(desk, "branch", "branch-management", province="浙江省", city="城3市", branch="支3-7")
        fill(database, desk.clock.now(), complaints)
        for person in ("province", "branch"):
            with Browser(desk) as browser:
                browser.sign_in(person)
                for what, path in PATHS.items():
                    _print(name, person, what, _times(browser, path))


def _times(browser: Browser, path: str) -> list[tuple[float, float]]:
    """Milliseconds of each try: as somebody waits, and of the processor, without that of PostgreSQL."""
    took = []
    for _ in range(TIMES):
        began, spent = time.perf_counter(), time.process_time()
        answer = browser.get(path)
        took.append(((time.perf_counter() - began) * 1000, (time.process_time() - spent) * 1000))
        if answer.status_code != 200:
            raise SystemExit(f"{path}: {answer.status_code} {answer.text[:500]}")
    return took


def _print(name: str, person: str, what: str, took: list[tuple[float, float]]) -> None:
    waited, spent = zip(*took, strict=True)
    print(
        f"{name:11} {person:9} {what:16} first {waited[0]:7.0f} ms ({spent[0]:5.0f})"
        f"   median {statistics.median(waited):6.0f} ms ({statistics.median(spent):5.0f})",
        flush=True,
    )


def main() -> None:
    """Both databases."""
    complaints = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        database = Database.in_folder(Path(folder))
        schema.upgrade(database)
        measure("SQLite", database, complaints)
        database.close()
    postgres = Postgres()
    postgres.start()
    try:
        database = Database(postgres.new_database())
        measure("PostgreSQL", database, complaints)
        database.close()
    finally:
        postgres.stop()


if __name__ == "__main__":
    main()
