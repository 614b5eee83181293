"""One running Duban per database for all stories; each story has a complaint of its own."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.browser.fixture import browser as browser
from tests.databases import Postgres
from tests.stories.world import World, running_duban
from workers.store.record_tables import Element

BPMN = Path(__file__).parents[2] / "bpmn"


def models_with_later_years(folder: Path) -> Path:
    """The shipped models and working days of years to come: stories move the clock further than the library knows."""
    models = Path(shutil.copytree(BPMN, folder / "bpmn"))
    years = {str(year): {"holidays": [], "workdays": []} for year in range(2027, 2040)}
    (models / "working-days.json").write_text(json.dumps(years), encoding="utf-8")
    return models


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Stories need the engine; those of privacy come last on their world, to look at what all others left."""
    for item in items:
        if "tests/stories" in item.path.as_posix():
            item.add_marker(pytest.mark.engine)
    worlds = [_world(item) for item in items]
    last = {world: place for place, world in enumerate(worlds) if world}

    def order(place: int) -> tuple[int, int]:
        is_last = items[place].path.name == "test_privacy.py" and worlds[place] in last
        return (last[worlds[place]], 1 + place) if is_last else (place, 0)

    items[:] = [items[place] for place in sorted(range(len(items)), key=order)]


def _world(item: pytest.Item) -> str:
    callspec = getattr(item, "callspec", None)
    return str(callspec.params.get("world", "")) if callspec else ""


@pytest.fixture(scope="session", params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Customers, staff and a clock, on SQLite and on PostgreSQL.

    The stories of the root process run on both. A module about one called process names one of the two: its
    tasks and queries are tested on both elsewhere, and a story is expensive.
    """
    environment = {"DUBAN_MODELS_DIR": str(models_with_later_years(tmp_path_factory.mktemp("models")))}
    if request.param == "postgresql":
        postgres = request.getfixturevalue("postgres")
        assert isinstance(postgres, Postgres)
        environment["DUBAN_DATABASE_URL"] = postgres.new_empty_database()
    data = tmp_path_factory.mktemp(f"stories-{request.param}") / "data"
    with (
        running_duban(data, environment, "--test-clock") as running,
        closing(World(running, environment.get("DUBAN_DATABASE_URL"))) as found,
    ):
        yield found
        _note_walked(request, found)


def _note_walked(request: pytest.FixtureRequest, world: World) -> None:
    """Keeps which elements the stories came through, for `python tools/story_coverage.py`.

    An end event that throws an escalation or an error is ended by whoever catches it: it was reached all the same.
    """
    is_thrown = (Element.element_type == "END_EVENT") & (Element.state == "terminated")
    with world.database.read() as tx:
        reached = (Element.state == "completed") | is_thrown
        walked = select(Element.process_id, Element.element_id).where(reached).distinct()
        found = sorted(f"{process_id} {element_id}" for process_id, element_id in tx.execute(walked))
    assert request.config.cache is not None
    request.config.cache.set(f"stories/walked-{request.param}", found)
