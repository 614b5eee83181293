"""`duban deploy` on the real engine: what it says before, what it does, and instances that it moves along."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyzeebe.proto.gateway_pb2 import CreateProcessInstanceRequest, ProcessInstanceCreationStartInstruction
from typer.testing import CliRunner

from tests.engine_fixture import RunningEngine, running_engine
from workers.bootstrap import deploying
from workers.bootstrap.deploying import Preview
from workers.cli import application
from workers.clock import SystemClock
from workers.engine.models.changes import Change
from workers.errors import Refused
from workers.records.endpoint import RecordsServer
from workers.settings import Settings
from workers.store import deployed, schema
from workers.store.database import Database
from workers.store.record_tables import DecisionTables, FormVersion

BPMN = Path(__file__).parents[2] / "bpmn"
MOVED = "deadline-extension"


@dataclass
class House:
    """An engine, its records in a store, and a folder of models that a test may change."""

    engine: RunningEngine
    database: Database
    settings: Settings

    @property
    def models(self) -> Path:
        assert self.settings.models_dir is not None
        return self.settings.models_dir

    def edit(self, name: str) -> None:
        """Another file of the same meaning."""
        (file,) = self.models.rglob(name)
        file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")

    async def preview(self, *, moving: bool = False) -> Preview:
        return await deploying.preview(self.settings, lambda _: None, moving=moving)

    async def deploy(self, *, moving: bool = False) -> tuple[Preview, deploying.Done]:
        shown: list[Preview] = []
        done = await deploying.deploy(self.settings, lambda _: None, shown.append, moving=moving, who=None)
        return shown[0], done

    async def until_known(self, versions: dict[str, int]) -> None:
        """The records are behind by as long as they take."""
        async with asyncio.timeout(120):
            while True:
                with self.database.read() as tx:
                    seen = {each.id: each.version for each in deployed.newest(tx)}
                if all(seen.get(id_) == version for id_, version in versions.items()):
                    return
                await asyncio.sleep(0.2)

    async def until_running(self, process: str, wanted: dict[int, int]) -> None:
        async with asyncio.timeout(120):
            while True:
                with self.database.read() as tx:
                    if deployed.running(tx).get(process) == wanted:
                        return
                await asyncio.sleep(0.2)


@asynccontextmanager
async def house(tmp_path: Path) -> AsyncIterator[House]:
    models = Path(shutil.copytree(BPMN, tmp_path / "bpmn"))
    data = tmp_path / "data"
    data.mkdir()
    with closing(Database.in_folder(data)) as database:
        schema.upgrade(database)
        async with (
            RecordsServer(database) as records,
            running_engine(tmp_path / "engine", records.url, controlled_clock=False) as engine,
        ):
            settings = Settings(data=data, models_dir=models)
            settings.engine.address = engine.handle.grpc_address
            settings.engine.rest_url = engine.handle.rest_url
            yield House(engine, database, settings)


def by_change(found: Preview) -> dict[Change, set[str]]:
    return {change: {each.id for each in found.files if each.change is change} for change in Change}


@pytest.mark.engine
def test_what_would_change_is_said_and_is_what_changes(tmp_path: Path) -> None:
    """All new; nothing to do; one process, one table and one form changed; one form gone; an instance moved along."""
    asyncio.run(_before_and_after(tmp_path))


async def _before_and_after(tmp_path: Path) -> None:
    async with house(tmp_path) as it:
        first, done = await it.deploy()
        everything = {each.id for each in first.files}
        assert by_change(first)[Change.NEW] == everything and first.would_change
        assert {each.version for each in done.deployed} == {1}
        await it.until_known(dict.fromkeys(everything, 1))

        again = await it.preview(moving=True)
        assert by_change(again)[Change.UNCHANGED] == everything and not again.would_change
        _, same = await it.deploy()
        assert {each.version for each in same.deployed} == {1}, "the engine knows them, too"

        there = ProcessInstanceCreationStartInstruction(elementId="Task_RegisterExtension")
        request = CreateProcessInstanceRequest(
            bpmnProcessId=MOVED, version=-1, variables="{}", startInstructions=[there]
        )
        await it.engine.gateway.stub.CreateProcessInstance(request, timeout=60)
        await it.until_running(MOVED, {1: 1})
        it.edit(f"{MOVED}.bpmn")
        it.edit("complaint-policy.dmn")
        it.edit("carry-out-rectification.form")
        found = await it.preview(moving=True)
        changes = by_change(found)
        assert changes[Change.CHANGED] == {MOVED, "complaint-policy.dmn", "carry-out-rectification"}
        assert found.running[MOVED] == {1: 1}
        (move,) = found.moves
        assert (move["process"], move["from"], move["to"], move["movable"]) == (MOVED, 1, 2, 1)

        shown, done = await it.deploy(moving=True)
        assert by_change(shown) == changes
        newer = {each.id for each in done.deployed if each.version == 2}
        assert MOVED in newer and "complaint-handling" not in newer
        assert [run["counts"]["moved"] for run in done.moves] == [1]
        await it.until_running(MOVED, {2: 1})
        after = await it.preview(moving=True)
        assert not after.would_change and after.moves == []


def test_a_folder_with_faults_is_refused_before_anything_is_looked_at(tmp_path: Path) -> None:
    """The preview refuses what the deployment refuses."""
    models = Path(shutil.copytree(BPMN, tmp_path / "bpmn"))
    (models / MOVED / f"{MOVED}.bpmn").write_text("<oops", encoding="utf-8")
    with pytest.raises(Refused, match="faults"):
        asyncio.run(
            deploying.preview(Settings(data=tmp_path, models_dir=models), lambda _: None, moving=False)
        )


def dry_run(data: Path, *more: str) -> tuple[int, dict[str, Any]]:
    done = CliRunner().invoke(application(), ["deploy", "--dry-run", "--json", "--data", str(data), *more])
    return done.exit_code, json.loads(done.stdout) if done.stdout else {}


def test_without_a_store_it_is_not_known_what_the_engine_has(tmp_path: Path) -> None:
    """It says so, and makes no store; for moving instances it needs one."""
    code, found = dry_run(tmp_path)
    assert code == 4 and "DUBAN_DATABASE_URL" in found["not_known"]
    assert {each["change"] for each in found["files"]} == {"unknown"}
    assert not (tmp_path / Database.FILE).exists()
    assert dry_run(tmp_path, "--migrate")[0] == 1


def test_what_is_not_in_the_folder_any_more_is_named(tmp_path: Path, sqlite_database: Database) -> None:
    """And what was deployed before its content was kept is not known, neither same nor changed."""
    with sqlite_database.begin() as tx:
        now = SystemClock().now()
        tx.add(FormVersion(form_key="1", form_id="old-form", version=3, schema={}, deployed_at=now))
        tx.add(
            DecisionTables(
                requirements_key="2", resource_name="complaint-policy.dmn", version=7, deployed_at=now
            )
        )
    code, found = dry_run(Path(sqlite_database.url.removeprefix("sqlite:///")).parent)
    files = {each["id"]: each for each in found["files"]}
    assert code == 4 and found["not_known"] is None
    assert (files["old-form"]["change"], files["old-form"]["version"]) == ("gone", 3)
    assert (files["complaint-policy.dmn"]["change"], files["complaint-policy.dmn"]["version"]) == (
        "unknown",
        7,
    )
