"""B10, F5: what customers and staff wrote, and who a customer is, is in the store and nowhere else.

Runs last on its world: every story's cases are looked for. What is personal is read from the columns that
workers.store.anonymise names, so that a new process is covered without an edit here.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.stories.world import Case, World
from workers.cases.retention import GONE, anonymised_facts
from workers.connection import find_instance
from workers.notifications.messenger import AUTHORITY, CONTACT, CUSTOMER
from workers.store import record_tables
from workers.store.anonymise import PERSONAL
from workers.store.database import Base
from workers.store.tables import Complaint, EngineRequest, OutboxMessage, Staff

ROOT = Path(__file__).parents[2]
SECRETS = ("钱三三", "13955554444", "C-GEHEIM", "天目山路十八号楼", "核查时发现接入层设备告警")
OUR_LINE = re.compile(r"\d{4}-\d\d-\d\d [\d:,]+ [A-Z]+ workers\.")
SHORTEST = 6
"""Bytes of a value that is looked for: two Chinese characters."""
SHOWN_AS_WRITTEN = {"outbox", "suggestions"}
"""Messages are made of the other columns; suggestions are a list of their own, with numbers masked."""


@pytest.fixture
def secret_case(world: World) -> Iterable[Case]:
    """A complaint with words that no other one has, and a finding that somebody wrote."""
    case = world.complain(
        f"小区地下车库完全没有信号，地址是{SECRETS[3]}。",
        customer={"name": SECRETS[0], "phone": SECRETS[1], "customer_no": SECRETS[2]},
    )
    case.complete("investigate-complaint", finding="upheld", cause_code="network", findings=SECRETS[4])
    case.task("propose-solution")
    world.settle()
    yield case
    world.client.withdraw(case.number, None)
    case.wait_status("withdrawn")


def test_B10_F5_nothing_personal_of_any_case_is_outside_the_store(
    world: World, secret_case: Case, tmp_path: Path
) -> None:
    """Not in the engine, its variables and records, logs, file names, lists, exports or pages."""
    values = personal(world, set(PERSONAL) - SHOWN_AS_WRITTEN)
    assert all(any(secret in value for value in values) for secret in SECRETS)
    places = tmp_path / "places"
    shutil.copytree(world.running.data / "engine", places / "engine", copy_function=copied)
    for log in world.running.data.glob("duban.log*"):
        shutil.copy(log, places)
    keep(places / "stderr", world.running.progress())
    keep(places / "spool-names", [path.name for path in world.running.data.glob("**/*.eml")])
    keep(places / "spool-sms-names", [path.name for path in world.running.data.glob("**/*.txt")])
    keep(places / "records", dumped(world, record_tables.__name__))
    with world.database.read() as tx:
        keep(places / "requests", list(tx.scalars(select(EngineRequest.variables))))
        numbers = list(tx.scalars(select(Complaint.number)))
    client = world.client
    keep(places / "tasks", client.tasks())
    keep(places / "events", client.events(with_ended=True))
    keep(places / "incidents", client.incidents())
    keep(places / "figures", client.figures(None, None, ["month", "product", "city", "owner"]))
    keep(places / "cases", [client.show(number) for number in numbers])
    with httpx.Client(base_url=find_instance(world.running.data).url, trust_env=False, timeout=120) as web:
        keep(places / "pages", [web.get(page).text for page in ("/", f"/complaints/{secret_case.number}")])
    assert found_in(places, {secret_case.number}, tmp_path), "the search itself finds nothing"
    assert found_in(places, values, tmp_path) == []


def test_every_line_of_ours_in_the_log_of_all_stories_has_an_action(world: World) -> None:
    """What operations search by; lines of libraries and tracebacks have none."""
    text = "".join(file.read_text("utf-8") for file in world.running.data.glob("duban.log*"))
    ours = [line for line in text.splitlines() if OUR_LINE.match(line)]
    assert ours, "something was logged"
    assert [line for line in ours if " action=" not in line] == []


def test_B10_messages_to_staff_are_masked(world: World, secret_case: Case, tmp_path: Path) -> None:
    """No customer's name, number, address or complaint is in what staff are sent."""
    with world.database.read() as tx:
        others = (CUSTOMER, CONTACT, AUTHORITY)
        chosen = select(OutboxMessage).where(OutboxMessage.recipient.not_in(others))
        sent = [[each.subject, each.body, each.html] for each in tx.scalars(chosen)]
    assert sent, "somebody of the staff was told something"
    keep(tmp_path / "places" / "messages", sent)
    assert found_in(tmp_path / "places", personal(world, {"complaints"}), tmp_path) == []


def personal(world: World, tables: set[str]) -> set[str]:
    """Every personal value in the store, but words that everybody can read: the models', templates' and staff's."""
    shipped = "".join(
        path.read_text("utf-8")
        for folder in ("bpmn", "templates")
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and path.suffix in {".bpmn", ".dmn", ".form", ".json", ".txt", ".html"}
    )
    found: set[Any] = set()
    with world.database.read() as tx:
        shipped += " ".join(tx.scalars(select(Staff.name)))
        for table in tables:
            for column in PERSONAL[table]:
                for value in tx.scalars(select(Base.metadata.tables[table].c[column])):
                    found |= set(value.values() if isinstance(value, dict) else [value])
    lines = {max(value.splitlines(), key=len) for value in found if isinstance(value, str) and value.strip()}
    lines |= {line.removeprefix("+86") for line in lines}
    return {line for line in lines if is_told(line) and line not in shipped}


def is_told(value: str) -> bool:
    """Whether it tells of a person: long enough, no word of the process, no date."""
    if GONE in value or len(value.encode()) < SHORTEST or anonymised_facts({"value": value})["value"] != GONE:
        return False
    return any(letter.isalpha() for letter in value) or len(value) > 10


def dumped(world: World, module: str) -> list[str]:
    """Every row of the tables of a module."""
    tables = [each.local_table for each in Base.registry.mappers if each.class_.__module__ == module]
    assert tables
    with world.database.read() as tx:
        return [repr(list(row)) for table in tables for row in tx.execute(select(table))]


def keep(path: Path, content: Any) -> None:
    """A place to look into."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")


def copied(source: str, target: str) -> str:
    """A file of the engine; one that it removes meanwhile is left out."""
    try:
        return str(shutil.copyfile(source, target))
    except FileNotFoundError:
        return target


def found_in(places: Path, values: set[str], scratch: Path) -> list[str]:
    """Places and what of the values is in them. `grep` looks for thousands of values at once."""
    patterns = scratch / "patterns"
    patterns.write_text("\n".join(sorted(values)) + "\n", encoding="utf-8")
    done = subprocess.run(
        ["grep", "-raFo", "-f", str(patterns), "."],
        capture_output=True, check=False, cwd=places, env=os.environ | {"LC_ALL": "C"},
    )  # fmt: skip
    assert done.returncode in {0, 1}, done.stderr
    return sorted(set(done.stdout.decode("utf-8", "replace").splitlines()))
