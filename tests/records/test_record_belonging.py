"""A store and its engine's data stay together."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from workers.errors import Refused
from workers.records.belonging import STAMP_FILE, Belonging, check_belonging, compare
from workers.store.database import Database
from workers.store.tables import Stamp


def engine_has_run(folder: Path) -> None:
    (folder / "data" / "raft-partition").mkdir(parents=True, exist_ok=True)


@pytest.mark.parametrize(
    ("in_store", "in_engine", "has_data", "expected"),
    [
        (None, None, False, Belonging.BOTH_NEW),
        (None, "a", False, Belonging.BOTH_NEW),
        (None, None, True, Belonging.STORE_LOST),
        (None, "a", True, Belonging.STORE_LOST),
        ("a", None, False, Belonging.ENGINE_LOST),
        ("a", None, True, Belonging.ENGINE_LOST),
        ("a", "a", True, Belonging.TOGETHER),
        ("a", "a", False, Belonging.TOGETHER),
        ("a", "b", True, Belonging.STRANGERS),
    ],
)
def test_what_two_stamps_mean(
    in_store: str | None, in_engine: str | None, has_data: bool, expected: Belonging
) -> None:
    assert compare(in_store, in_engine, has_data) is expected


def test_the_first_start_ties_them_and_later_ones_agree(database: Database, tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    check_belonging(database, engine)
    engine_has_run(engine)
    check_belonging(database, engine)
    with database.read() as tx:
        stamp = tx.get_one(Stamp, "engine-data").value
    assert (engine / STAMP_FILE).read_text().strip() == stamp


def test_a_store_that_was_deleted_alone(
    database: Database, sqlite_database: Database, tmp_path: Path
) -> None:
    engine = tmp_path / "engine"
    engine_has_run(engine)
    with pytest.raises(Refused, match=r"belongs to a store that is not here.*Restore it"):
        check_belonging(database, engine)


def test_an_engine_that_was_wiped_alone(database: Database, tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    check_belonging(database, engine)
    shutil.rmtree(engine)
    with pytest.raises(Refused, match="belongs to engine data that is not in"):
        check_belonging(database, engine)
    assert not engine.exists(), "a refusal changes nothing"


def test_an_engine_that_was_replaced(database: Database, tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    check_belonging(database, engine)
    engine_has_run(engine)
    (engine / STAMP_FILE).write_text("another\n")
    with pytest.raises(Refused, match="do not belong together"):
        check_belonging(database, engine)


def test_a_first_start_that_was_cut_off_can_be_done_again(database: Database, tmp_path: Path) -> None:
    engine = tmp_path / "engine"
    (engine / STAMP_FILE).parent.mkdir(parents=True)
    (engine / STAMP_FILE).write_text("half done\n")
    check_belonging(database, engine)
    engine_has_run(engine)
    check_belonging(database, engine)
