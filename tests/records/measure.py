"""How many records a second the endpoint commits, over HTTP: `python -m tests.records.measure [URL]`.

Repeats the real stream with other keys, so that every record is new. URL: an empty PostgreSQL database of your
own; without one, SQLite in a temporary folder.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from tests.records.streams import body, real_records
from workers.records.endpoint import RecordsServer
from workers.records.reading import Record
from workers.store import schema
from workers.store.database import Database

ROUNDS = {1: 2, 5: 5, 20: 20, 1000: 50}
"""How often the stream is repeated, by size of bulk."""
OTHER_KEYS = 1 << 20


def shifted(record: Record, by: int, positions: int) -> Record:
    """The same record as another story's: each key and position moved on."""

    def move(value: Any) -> Any:
        return value + by if isinstance(value, int) and value > 1 << 51 and value < 1 << 52 else value

    value = {name: move(content) for name, content in record.value.items()}
    return replace(record, key=move(record.key), position=record.position + positions, value=value)


async def measure(database: Database, size: int, rounds: range) -> float:
    """Records per second in bulks of `size`."""
    story = [one for one in real_records() if one.type not in ("PROCESS", "FORM")]
    length = max(one.position for one in story)
    records = [shifted(one, place * OTHER_KEYS, place * length) for place in rounds for one in story]
    bulks = [body(records[start : start + size]) for start in range(0, len(records), size)]
    async with (
        RecordsServer(database) as server,
        httpx.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client,
    ):
        began = time.perf_counter()
        for bulk in bulks:
            answer = (await client.post("/_bulk", content=bulk)).json()
            if answer["errors"] or not answer["applied"]:
                raise SystemExit(str(answer))
        return len(records) / (time.perf_counter() - began)


async def main() -> None:
    """Prints a line per size of bulk."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(sys.argv[1]) if len(sys.argv) > 1 else Database.in_folder(Path(folder))
        schema.upgrade(database)
        try:
            done = 0
            for size, often in ROUNDS.items():
                rate = await measure(database, size, range(done, done + often))
                done += often
                sys.stdout.write(f"bulks of {size:5}: {rate:8.0f} records/s\n")
        finally:
            database.close()


if __name__ == "__main__":
    asyncio.run(main())
