"""How long the inbox takes with a hundred thousand open tasks, over HTTP: `python -m tests.desk.measure_inbox [TASKS]`.

On SQLite and on a PostgreSQL of its own, for a person of a branch, one of the province, and one who serves elsewhere;
prints median and worst of fifty pages each, the figures above the list and the page's HTML included.
"""

from __future__ import annotations

import random
import statistics
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

from sqlalchemy import insert, text

from tests.databases import Postgres
from tests.desk.signing_in import Browser, add_account, required
from tests.desk_server import RunningDesk, add_complaint, add_person, add_task, running
from workers.store import schema, task_offers
from workers.store.database import Database
from workers.store.record_tables import ProcessInstance, UserTask
from workers.store.tables import Complaint

CITIES, BRANCHES, PAGES = 11, 20, 50
GROUPS = ("front-desk", "billing", "network-operations", "branch-management", "callback")


def fill(desk: RunningDesk, tasks: int) -> None:
    """One complaint of eleven cities with twenty branches each, and one open task, per case."""
    dice, now = random.Random(7), desk.clock.now()
    add_task(desk, add_complaint(desk))  # brings the process and its form
    for start in range(0, tasks, 5000):
        cases, instances, open_tasks = [], [], []
        for each in range(start, min(tasks, start + 5000)):
            city = dice.randrange(CITIES)
            place = {
                "province": "浙江省",
                "city": f"城{city}市",
                "branch": f"支{city}-{dice.randrange(BRANCHES)}",
            }
            number, instance, key = f"TS30000101-{each:06}", f"7{each:018}", f"6{each:018}"
            cases.append(
                {
                    "number": number,
                    "policy": "petition",
                    "channel": "web",
                    "text": "断网",
                    "flags": [],
                    **place,
                }
                | {
                    "customer_key": f"c{each}",
                    "received_at": now,
                    "status": "in-progress",
                    "tier": "department",
                }
                | {"missing_fields": [], "calls_on_holidays": False, "category": "service-quality"}
                | {"owner_person": f"p{dice.randrange(300)}"}
            )
            instances.append(
                {"key": instance, "process_id": "complaint-handling", "version": 1, "number": number}
                | {"definition_key": "2251799813685249", "state": "active", "started_at": now}
            )
            open_tasks.append(
                {"key": key, "process_instance_key": instance, "process_id": "complaint-handling"}
                | {
                    "definition_key": "2251799813685249",
                    "element_id": "Task_SettleComplaint",
                    "element_key": key,
                }
                | {"form_key": "form-settle-complaint", "groups": [dice.choice(GROUPS)], "state": "open"}
                | {"assignee": dice.choice((None, None, f"p{dice.randrange(300)}"))}
                | {"due_at": now + timedelta(minutes=dice.randrange(-600, 6000)), "created_at": now}
            )
        with desk.database.begin() as tx:
            tx.execute(insert(Complaint), cases)
            tx.execute(insert(ProcessInstance), instances)
            tx.execute(insert(UserTask), open_tasks)
            task_offers.refresh(tx, [task["key"] for task in open_tasks])
        print(f"\r{start + len(cases):,} tasks", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    with desk.database.begin() as tx:
        tx.execute(text("analyze"))


def measure(name: str, database: Database, tasks: int) -> None:
    """Prints a line per person."""
    with running(database, is_sample_staff=False, signing_in=required()) as desk:
        add_account(desk, "branch", "front-desk", province="浙江省", city="城3市", branch="支3-7")
        add_account(desk, "province", *GROUPS, province="浙江省")
        add_account(desk, "elsewhere", "callback", province="浙江省", city="城5市")
        for each in range(CITIES):  # so that everybody has colleagues who are nearer elsewhere
            add_person(desk, f"p{each}", *GROUPS, province="浙江省", city=f"城{each}市")
        fill(desk, tasks)
        for person in ("branch", "province", "elsewhere"):
            with Browser(desk) as browser:
                browser.sign_in(person)
                took = []
                for _ in range(PAGES):
                    began = time.perf_counter()
                    answer = browser.get("/inbox")
                    took.append((time.perf_counter() - began) * 1000)
                    if answer.status_code != 200 or "/tasks/6" not in answer.text:
                        raise SystemExit(f"{person}: {answer.status_code}")
            print(
                f"{name:11} {person:10} median {statistics.median(took):6.1f} ms   worst {max(took):6.1f} ms"
            )


def main() -> None:
    """Both databases."""
    tasks = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    with tempfile.TemporaryDirectory() as folder:
        database = Database.in_folder(Path(folder))
        schema.upgrade(database)
        measure("SQLite", database, tasks)
        database.close()
    postgres = Postgres()
    postgres.start()
    try:
        database = Database(postgres.new_database())
        measure("PostgreSQL", database, tasks)
        database.close()
    finally:
        postgres.stop()


if __name__ == "__main__":
    main()
