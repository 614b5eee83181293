"""A running desk for tests: real uvicorn, store and REST client; only the engine behind it is scripted."""

from __future__ import annotations

import asyncio
import json
import socket
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import uvicorn

from workers.cases.complaint import check
from workers.cases.dictionary import Dictionary
from workers.cases.passwords import Passwords
from workers.cases.rights import Rights
from workers.clock import MovedClock
from workers.desk.app import create_app
from workers.desk.appeal_windows import appeal_windows
from workers.desk.engine_room import EngineRoom
from workers.desk.fault_guides import FaultGuides
from workers.desk.front_desk import FrontDesk
from workers.desk.records import retention_rules
from workers.desk.services import DeskServices, Health, SigningIn
from workers.engine.models import Models
from workers.engine.topology import BrokerPartition, BrokerView, Topology
from workers.engine.user_tasks import UserTasks
from workers.errors import Conflict
from workers.names import LARGEST_BODY
from workers.notifications.labels import Labels
from workers.notifications.messenger import Messenger
from workers.notifications.render import Templates
from workers.notifications.wording_of_texts import load_wording
from workers.settings import EvidenceSettings, Settings
from workers.store import intake, record_queries, task_offers
from workers.store.database import Database
from workers.store.file_store import FileStore
from workers.store.record_tables import (
    FormVersion,
    Incident,
    ProcessInstance,
    ProcessVersion,
    RecordPosition,
    UserTask,
)
from workers.store.tables import Staff

ROOT = Path(__file__).parent.parent
TOKEN = "a-token-for-tests"
CHEAP = Passwords(time_cost=1, memory_kib=8, parallelism=1)
"""Passwords that are hashed in no time."""
MODELS = Models.load(ROOT / "bpmn")
"""The shipped ones, read once: every test has a desk of its own, and no desk changes them."""
PROCESS, DEFINITION = "complaint-handling", "2251799813685249"


class ScriptedEngine:
    """Answers the REST calls as told. `take` also does what the record stream would: the task ends.

    Ways: `take` · `gone` (404) · `held` (409) · `bad` (400) · `silent` (takes it, then hangs up) ·
    `broken` (503, not taken).
    """

    def __init__(self, database: Database) -> None:
        self.way = "take"
        self.completions: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[str] = []
        """The action of every completion asked for, taken or not."""
        self.resolved: list[tuple[str, str | None]] = []
        self.resolve_says: Exception | None = None
        self.variables: list[tuple[str, dict[str, Any]]] = []
        """Variables that were changed, by the key of the element."""
        self.moved: list[tuple[str, str, dict[str, str]]] = []
        self.move_says: dict[str, Exception] = {}
        """What the engine says to moving an instance, by its key; without an entry it is moved."""
        self.topology = Topology(
            "8.5.8",
            1,
            (BrokerView(0, "127.0.0.1:26501", "8.5.8", (BrokerPartition(1, "leader", "healthy"),)),),
        )
        self._database = database
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        """Nothing answers at the address any more; may be called twice."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()

    async def resolve(self, key: str, job_key: str | None = None) -> None:
        """Stands in for the incidents of the engine."""
        if self.resolve_says is not None:
            raise self.resolve_says
        self.resolved.append((key, job_key))
        with self._database.begin() as tx:
            incident = tx.get(Incident, key)
            if incident is not None:
                incident.state, incident.resolved_at = "resolved", datetime.now(UTC)

    async def set_variables(self, element_key: str, variables: Mapping[str, Any]) -> None:
        """Stands in for the variables of the engine."""
        self.variables.append((element_key, dict(variables)))

    async def move(self, instance_key: str, target_key: str, mapping: Mapping[str, str]) -> None:
        """Stands in for the migration of the engine, and does what its records would."""
        if instance_key in self.move_says:
            raise self.move_says[instance_key]
        self.moved.append((instance_key, target_key, dict(mapping)))
        with self._database.begin() as tx:
            target = tx.get_one(ProcessVersion, target_key)
            instance = tx.get_one(ProcessInstance, instance_key)
            instance.definition_key, instance.version = target_key, target.version

    async def look(self) -> Topology:
        """Stands in for the engine's topology."""
        return self.topology

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        engine = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *arguments: Any) -> None:
                pass

            def do_GET(self) -> None:
                self._answer(404, {})

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                key = self.path.split("/")[3]
                if self.path.endswith("/assignment"):
                    self._answer(engine.assign(key, body["assignee"], override=body["allowOverride"]), {})
                    return
                engine.asked.append(body["action"])
                if engine.way in {"take", "silent"}:
                    engine.completions.append((key, body["variables"]))
                    engine.end_task(key, "completed", body["action"])
                if engine.way == "silent":
                    self.close_connection = True
                    return
                status = {"take": 204, "gone": 404, "held": 409, "bad": 400, "broken": 503}[engine.way]
                self._answer(status, {"detail": f"Expected the task {key} to be otherwise"})

            def do_DELETE(self) -> None:
                self._answer(engine.assign(self.path.split("/")[3], None, override=True), {})

            def _answer(self, status: int, body: dict[str, Any]) -> None:
                content = b"" if status == 204 else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

        return Handler

    def assign(self, key: str, person: str | None, *, override: bool) -> int:
        """What the engine answers to an assignment, and what its record makes of the task's row."""
        if self.way != "take":
            return {"gone": 404, "held": 409, "bad": 400}.get(self.way, 503)
        with self._database.begin() as tx:
            row = tx.get_one(UserTask, key)
            if row.assignee not in {None, person} and not override:
                return 409
            row.assignee = person
            tx.flush()
            task_offers.refresh(tx, [key])
        return 204

    def end_task(self, key: str, state: str, action: str = "") -> None:
        """What the record of a task that ended makes of its row."""
        with self._database.begin() as tx:
            row = tx.get_one(UserTask, key)
            row.state, row.ended_at, row.action = state, datetime.now(UTC), action
            tx.flush()
            task_offers.refresh(tx, [key])


class RunningDesk:
    """A desk that answers at `url`, and what is behind it."""

    def __init__(
        self,
        database: Database,
        *,
        is_sample_staff: bool = True,
        has_test_clock: bool = True,
        signing_in: SigningIn | None = None,
    ) -> None:
        self.database = database
        self.clock = MovedClock()
        self.engine = ScriptedEngine(database)
        self.health = {
            "engine": Health(True, "up"),
            "records": Health(True, "up"),
        }
        self.woken = 0
        self.sender_woken = 0
        self._folder = tempfile.TemporaryDirectory()
        self.files = Path(self._folder.name) / "evidence"
        self.signing_in = signing_in or SigningIn(CHEAP, is_required=False)
        self._is_sample_staff = is_sample_staff
        self._has_test_clock = has_test_clock
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._server: uvicorn.Server | None = None
        self._started = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))

    def start(self) -> None:
        self._thread.start()
        assert self._started.wait(60)

    def close(self) -> None:
        """Ends the server; may be called twice."""
        if self._server is not None:
            self._server.should_exit = True
            self._thread.join(60)
        self.engine.close()
        self._listener.close()
        self._folder.cleanup()

    def client(self, token: str | None = TOKEN) -> httpx.Client:
        """A client of the server; close it."""
        headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
        return httpx.Client(base_url=self.url, headers=headers, trust_env=False, timeout=60)

    async def _serve(self) -> None:
        async with UserTasks(self.engine.url) as user_tasks:
            self.app = create_app(self._services(user_tasks))
            settings = uvicorn.Config(
                self.app, lifespan="off", log_level="error", access_log=False, proxy_headers=False
            )
            self._server = uvicorn.Server(settings)
            self._started.set()
            await self._server.serve([self._listener])

    def _services(self, user_tasks: UserTasks) -> DeskServices:
        return DeskServices(
            database=self.database,
            clock=self.clock,
            user_tasks=user_tasks,
            incidents=self.engine,
            engine_room=EngineRoom(
                self.engine.set_variables,
                self.engine.move,
                self.engine.look,
                self._wake_sender,
                Dictionary(MODELS.variables),
            ),
            wake_relay=self._wake,
            policies=frozenset({"petition"}),
            health=self._look,
            token=TOKEN,
            labels=Labels.load(ROOT / "templates"),
            wording=load_wording(ROOT / "templates"),
            messenger=Messenger(Templates(ROOT / "templates"), Settings()),
            files=FileStore(self.files),
            evidence=EvidenceSettings(largest_file_bytes=3 * LARGEST_BODY, files_per_case=5),
            rights=Rights.read(json.loads((ROOT / "bpmn" / "rights.json").read_bytes())),
            front_desk=FrontDesk.load(ROOT / "templates", {"petition"}),
            fault_guides=FaultGuides(MODELS, ROOT / "templates"),
            retention_rules=retention_rules(MODELS),
            appeal_windows=appeal_windows(MODELS),
            is_sample_staff=self._is_sample_staff,
            signing_in=self.signing_in,
            advance_clock=self._advance if self._has_test_clock else None,
            hosts=frozenset({"duban.example"}),
        )

    def move_records(self) -> None:
        """What every batch of the record stream does, whatever is in it: open lists hear of it."""
        with self.database.begin() as tx:
            position = record_queries.position(tx)
            tx.merge(RecordPosition(partition=1, position=position + 1, recorded_at=self.clock.now()))

    def _wake(self) -> None:
        self.woken += 1

    def _wake_sender(self) -> None:
        self.sender_woken += 1

    async def _look(self) -> dict[str, Health]:
        return dict(self.health)

    async def _advance(self, by: timedelta) -> datetime:
        self.clock.advance(by)
        return self.clock.now()


@contextmanager
def running(database: Database, **options: Any) -> Iterator[RunningDesk]:
    """A desk for the length of a block."""
    desk = RunningDesk(database, **options)
    try:
        desk.start()
        yield desk
    finally:
        desk.close()


def add_complaint(desk: RunningDesk, **more: Any) -> str:
    """Hands in a complaint; returns its number."""
    line = {
        "policy": "petition",
        "channel": "phone",
        "text": "宽带断网两天,没有人处理",
        "customer": {"name": "王小明", "phone": "13800138000"},
        "region": {"province": "浙江省", "city": "杭州市"},
        "product": "broadband",
        **more,
    }
    return intake.accept(desk.database, desk.clock, check(line)).number


def add_task(desk: RunningDesk, number: str, key: str = "2251799813685301", **more: Any) -> str:
    """What the record stream would have written about an open user task with the form settle-complaint."""
    now = desk.clock.now()
    instance = f"9{key[1:]}"
    form_id = more.pop("form", "settle-complaint")
    schema = json.loads(next(ROOT.glob(f"bpmn/*/{form_id}.form")).read_text(encoding="utf-8"))
    values = {
        "element_id": "Task_SettleComplaint",
        "groups": ["front-desk"],
        "due_at": now + timedelta(hours=4),
    }
    with desk.database.begin() as tx:
        tx.merge(
            ProcessInstance(
                key=instance,
                process_id=PROCESS,
                version=1,
                definition_key=DEFINITION,
                number=number,
                state="active",
                started_at=now,
            )
        )
        tx.merge(
            ProcessVersion(
                definition_key=DEFINITION,
                process_id=PROCESS,
                version=1,
                resource_name="x.bpmn",
                checksum="0",
                resource=(ROOT / "bpmn" / PROCESS / f"{PROCESS}.bpmn").read_text(encoding="utf-8"),
                element_names={"Task_SettleComplaint": "前台办理"},
                deployed_at=now,
            )
        )
        tx.merge(
            FormVersion(
                form_key=f"form-{form_id}", form_id=form_id, version=1, schema=schema, deployed_at=now
            )
        )
        tx.merge(
            UserTask(
                key=key,
                process_instance_key=instance,
                process_id=PROCESS,
                definition_key=DEFINITION,
                element_key=f"8{key[1:]}",
                form_key=f"form-{form_id}",
                state="open",
                created_at=now,
                **(values | more),
            )
        )
        tx.flush()
        task_offers.refresh(tx, [key])
    return key


def add_incident(
    desk: RunningDesk, number: str, key: str = "2251799813685402", job_key: str | None = "77"
) -> str:
    """What the record stream would have written about stuck work."""
    now = desk.clock.now()
    instance = f"7{key[1:]}"
    with desk.database.begin() as tx:
        tx.merge(
            ProcessInstance(
                key=instance,
                process_id=PROCESS,
                version=1,
                definition_key=DEFINITION,
                number=number,
                state="active",
                started_at=now,
            )
        )
        tx.merge(
            Incident(
                key=key,
                process_instance_key=instance,
                process_id=PROCESS,
                element_id="Task_VerifyComplaint",
                element_key="6",
                job_key=job_key,
                error_type="JOB_NO_RETRIES",
                error_message="Broken: the policy has no row",
                state="open",
                created_at=now,
            )
        )
    return key


def add_person(desk: RunningDesk, username: str, *groups: str, is_active: bool = True, **place: str) -> None:
    """Somebody in the staff directory."""
    with desk.database.begin() as tx:
        tx.merge(
            Staff(
                username=username, name=f"员工{username}", groups=list(groups), is_active=is_active, **place
            )
        )


def refuse_resolving(desk: RunningDesk) -> None:
    """The engine says that an incident was resolved meanwhile."""
    desk.engine.resolve_says = Conflict("事件已解决。 Incident was resolved meanwhile.")
