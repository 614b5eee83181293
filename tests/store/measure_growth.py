"""What a complaint costs in a small and in a ten times larger store: `python -m tests.store.measure_growth [SMALL]`.

On SQLite and on a PostgreSQL of its own: two stores, filled by SQL with archived complaints (`grown.py`). Then
complaints walk in turns through the one and the other: intake, and every task of the way with the variables that the
engine gave. Prints the median time of a complaint in each, and the median of the ratios of neighbours. With `--plans`
it also prints how PostgreSQL carries out every query of that way in the large store.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from tests.databases import Postgres
from tests.store.grown import grow, jobs
from tests.store.plans import plans
from workers.bootstrap.parts import Parts, assembled
from workers.cases.complaint import parse_line
from workers.clock import SystemClock
from workers.settings import Settings
from workers.store import intake

TIMES, FACTOR = 60, 10


class Walker:
    """Walks complaints through the tasks of one store."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._tasks = {task.type: task for task in parts.bound_tasks()}
        self._count = 0

    def walk(self) -> float:
        """One complaint, from intake to the archive; seconds."""
        self._count += 1
        began = time.perf_counter()
        parts = self._parts
        line = parse_line(_line(self._count), policies={"petition"}, now=parts.clock.now())
        number = intake.accept(parts.database, parts.clock, line).number
        for job in jobs(number, str(self._count)):
            self._tasks[job.type].call(job)
        return time.perf_counter() - began


def _line(index: int) -> bytes:
    told = {
        "policy": "petition",
        "channel": "web",
        "text": "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。",
        "customer": {"name": "测试", "phone": f"138{index:08d}", "customer_no": f"GROWTH-{index:08d}"},
        "region": {"province": "测试省", "city": f"城{index % 300}市", "branch": "一部"},
        "product": "mobile",
        "external_ref": f"growth-{index}",
    }
    return json.dumps(told, ensure_ascii=False).encode()


def measure(name: str, new_url: Callable[[str], str], small: int, *, with_plans: bool) -> None:
    """Prints what a complaint costs in each of the two stores."""
    with ExitStack() as stack:
        walkers = []
        for size in (small, small * FACTOR):
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            settings = Settings(data=folder, database_url=new_url(str(size)))
            parts = stack.enter_context(assembled(settings, SystemClock()))
            began = time.perf_counter()
            grow(
                parts.database, size, without=("elements",)
            )  # three quarters of all rows, and no task reads them
            print(f"{name}: {size:,} complaints are in after {time.perf_counter() - began:.0f} s", flush=True)
            walkers.append(Walker(parts))
        for walker in walkers:  # caches of statements, pages and templates
            for _ in range(5):
                walker.walk()
        pairs = [(walkers[0].walk(), walkers[1].walk()) for _ in range(TIMES)]
        before, after = (statistics.median(times) * 1000 for times in zip(*pairs, strict=True))
        ratio = statistics.median(large / little for little, large in pairs)
        print(
            f"{name}: a complaint takes {before:.1f} ms, in the tenfold store {after:.1f} ms; ratio {ratio:.3f}"
        )
        if with_plans:
            print("\n".join(plans(parts.database, walkers[1].walk)))


def main() -> None:
    """Both databases."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("small", type=int, nargs="?", default=10_000)
    parser.add_argument("--plans", action="store_true")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        measure("SQLite", lambda name: f"sqlite:///{folder}/{name}.db", chosen.small, with_plans=False)
    postgres = Postgres()
    postgres.start()
    try:
        measure("PostgreSQL", lambda _: postgres.new_database(), chosen.small, with_plans=chosen.plans)
    finally:
        postgres.stop()


if __name__ == "__main__":
    main()
