"""Running instances are moved to the newest version: what the preview says, a run does, each with its result."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest
from sqlalchemy import select

from tests.desk.ops_rows import OLD_DEFINITION, add_version
from tests.desk.signing_in import Browser, add_account, required
from tests.desk_server import DEFINITION, PROCESS, ROOT, RunningDesk, add_complaint, running
from tests.engine.test_moving_instances import _MESSAGE, edge, model, task
from workers.engine.models.moves import Version, obstacles
from workers.errors import NotFound, Refused
from workers.store.account_tables import AuditEntry
from workers.store.database import Database
from workers.store.record_tables import Element, ProcessInstance

OLD = model(PROCESS, task("A") + task("C"), "A", "C")
NEW = model(PROCESS, task("A") + edge("X", "A", _MESSAGE), "A")


def add_running(desk: RunningDesk, key: str, element: str, kind: str = "USER_TASK") -> str:
    """An instance of the old version that is at an element; returns its number."""
    number = add_complaint(desk)
    with desk.database.begin() as tx:
        now = desk.clock.now()
        about = {"process_id": PROCESS, "state": "active", "started_at": now}
        tx.add(ProcessInstance(key=key, version=1, definition_key=OLD_DEFINITION, number=number, **about))
        element_key, inside = f"{key}1", {"process_instance_key": key, "scope_key": key}
        tx.add(Element(key=element_key, element_id=element, element_type=kind, **inside, **about))
    return number


@pytest.fixture
def two_versions(desk: RunningDesk) -> RunningDesk:
    """A process whose newest version has no element C; four instances run on the old one."""
    add_version(desk, OLD_DEFINITION, 1, OLD)
    add_version(desk, DEFINITION, 2, NEW)
    for key, element in (("901", "A"), ("902", "A"), ("903", "C"), ("904", "A")):
        add_running(desk, key, element)
    return desk


def finished(api: httpx.Client, run: dict[str, Any]) -> dict[str, Any]:
    until = time.monotonic() + 60
    while run["ended_at"] is None and time.monotonic() < until:
        run = api.get(f"/api/v1/migrations/{run['id']}").json()
    assert run["ended_at"], run
    return run


def test_the_preview_changes_nothing_and_the_run_does_what_it_says(
    two_versions: RunningDesk, api: httpx.Client
) -> None:
    """Three can be moved; the engine refuses one of them, one has ended meanwhile: each says what became of it."""
    engine = two_versions.engine
    told = api.get("/api/v1/migrations", params={"process": PROCESS, "from": 1}).json()
    assert (told["from"], told["to"], told["running"], told["movable"]) == (1, 2, 4, 3)
    assert [(each["element"], each["count"]) for each in told["obstacles"]] == [("C", 1)]
    assert "没有这个环节" in told["obstacles"][0]["zh"] and engine.moved == []
    engine.move_says = {"902": Refused("a message is waited for"), "904": NotFound("gone")}
    asked = {"process": PROCESS, "from": 1, "as": "yun.weiyi"}
    run = finished(api, api.post("/api/v1/migrations", json=asked).json())
    assert run["counts"] == {"waiting": 0, "moved": 1, "refused": 2, "gone": 1}
    says = {each["instance"]: (each["state"], each["says"]) for each in run["instances"]}
    assert says["901"] == ("moved", None) and says["904"] == ("gone", None)
    assert says["902"] == ("refused", "a message is waited for") and "没有这个环节" in str(says["903"][1])
    assert engine.moved == [("901", DEFINITION, {"A": "A"})]
    versions = api.get("/api/v1/versions").json()["processes"]
    assert [(each["version"], each["running"]) for each in versions] == [(2, 1), (1, 3)]
    with two_versions.database.read() as tx:
        [entry] = tx.scalars(select(AuditEntry))
    assert (entry.action, entry.who, entry.facts["count"]) == ("migration-begun", "yun.weiyi", 3)


def test_there_is_nothing_to_move_to_from_the_newest(two_versions: RunningDesk, api: httpx.Client) -> None:
    newest = api.get("/api/v1/migrations", params={"process": PROCESS, "from": 2})
    assert newest.status_code == 422 and "最新" in newest.json()["detail"]
    assert api.get("/api/v1/migrations", params={"process": PROCESS, "from": 7}).status_code == 404
    assert api.get("/api/v1/migrations", params={"process": "nothing", "from": 1}).status_code == 404
    assert api.get("/api/v1/migrations/4711").status_code == 404


def test_the_pages_show_the_preview_then_what_became_of_each(sqlite_database: Database) -> None:
    """Wu reads what would happen, begins, and is shown the result; to anybody else it is forbidden."""
    with running(sqlite_database, is_sample_staff=False, signing_in=required()) as desk:
        add_account(desk, "wu.yunwei", "operations")
        add_account(desk, "yin.fenzhang", "branch-management")
        add_version(desk, OLD_DEFINITION, 1, OLD)
        add_version(desk, DEFINITION, 2, NEW)
        number = add_running(desk, "901", "A")
        add_running(desk, "903", "C")
        where = f"/operations/migration?process={PROCESS}&from=1"
        with Browser(desk) as wu, Browser(desk) as yin:
            wu.sign_in("wu.yunwei")
            yin.sign_in("yin.fenzhang")
            preview = wu.get(where)
            assert "迁移 1 个实例" in preview.text and "没有这个环节" in preview.text
            assert "/operations/migration?process=" in wu.get("/operations/versions").text
            begun = wu.send(where, "/operations/migration")
            assert (begun.status_code, begun.headers["location"]) == (303, "/operations/migrations/1")
            until = time.monotonic() + 60
            while "迁移完成" not in (page := wu.get("/operations/migrations/1").text):
                assert time.monotonic() < until, page
            assert number in page and "已迁移" in page and "没有这个环节" in page
            assert yin.get(where).status_code == yin.get("/operations/migrations/1").status_code == 403
        assert desk.engine.moved == [("901", DEFINITION, {"A": "A"})]


def test_of_an_engine_of_85_the_preview_knows_what_it_refuses() -> None:
    """The processes of this house have event subprocesses or timers: an 8.5 refuses, a newer one is asked."""
    version = Version.read((ROOT / "bpmn" / PROCESS / f"{PROCESS}.bpmn").read_text(encoding="utf-8"))
    at = [("Task_SettleComplaint", "USER_TASK")]
    assert {each.element for each in obstacles(version, version, at, "8.5.8")} == {"", "Task_SettleComplaint"}
    assert obstacles(version, version, at, "8.6.3") == obstacles(version, version, at, None) == []
