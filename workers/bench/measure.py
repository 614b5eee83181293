"""The whole measurement of `duban bench`, and its goals."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from workers.bench.contestants import BARE, DUBAN_WHOLE, HOST, JAVA, Contestant, duban_work, no_op_contestants
from workers.bench.cores import SHARED, halves
from workers.bench.load import Load, load
from workers.bench.recording import Recording, record
from workers.bench.rig import Rig, Say, rig
from workers.bench.rounds import Round, median_ratio, percentile, play
from workers.bench.warm_start import warm_start

GOALS: Final[Mapping[str, tuple[str, float]]] = {
    "jobs_ratio_to_bare_pyzeebe": (">=", 0.95),
    "complaints_ratio_to_java": (">=", 0.9),
    "ack_p99_s": ("<", 1.0),
    "records_lag_p99_s": ("<", 2.0),
    "worker_rss_mb": ("<", 150.0),
    "up_ratio_to_engine": ("<=", 1.5),
}


@dataclass(frozen=True)
class Plan:
    """How much is measured.

    Attributes:
        rounds: of each contestant.
        warm_ups: rounds of each contestant before those, which do not count: the engine's JVM compiles what it runs for
            its first thousands of complaints, and each contestant makes it run something else.
        complaints: per round.
        in_flight: complaints under way at once.
        seconds: how long complaints come in at half of the peak.
        starts: of `duban up` and of the bare engine.
    """

    rounds: int = 5
    warm_ups: int = 2
    complaints: int = 360
    in_flight: int = 60
    seconds: float = 60.0
    starts: int = 3
    has_shared_cores: bool = False
    """Whether everybody may use every core, instead of halves: see `cores`."""


QUICK: Final = Plan(rounds=1, warm_ups=0, complaints=4, in_flight=4, seconds=2.0, starts=0)


async def measure(plan: Plan, folder: Path, database_url: str | None, say: Say) -> dict[str, Any]:
    """Everything; the result is what `--json` prints.

    Args:
        folder: empty, and of no use afterwards.
        database_url: an empty database; None: SQLite in the folder.

    Raises:
        Refused: the database is not empty. Unavailable, WrongWay: the measurement could not be finished.
    """
    async with AsyncExitStack() as stack:
        cores = SHARED if plan.has_shared_cores else halves()
        running = await stack.enter_async_context(rig(folder, database_url, say, cores))
        loading = await stack.enter_async_context(load(running))
        recording = await record(running, loading)
        say(f"一件投诉 one complaint: {len(recording.jobs)} jobs of {len(recording.types)} types")
        contestants = await _contestants(stack, running, recording, say)
        rounds = await _rounds(plan, running, loading, contestants, say)
        peak = statistics.median(each.complaints_per_second for each in rounds[DUBAN_WHOLE])
        acknowledged = await _acknowledged(plan, running, loading, contestants[DUBAN_WHOLE], peak, say)
    found = _told(rounds, len(recording.jobs), acknowledged)
    if plan.starts:
        warm = await warm_start(folder, plan.starts, say)
        found |= {
            "up_ratio_to_engine": warm.ratio,
            "up_warm_s": round(statistics.median(warm.up), 1),
            "engine_warm_s": round(statistics.median(warm.engine), 1),
        }
    told = {who: sorted(theirs) for who, theirs in vars(cores).items() if theirs} or None
    return found | {"cores": told, "goals_missed": missed(found)}


async def _contestants(
    stack: AsyncExitStack, running: Rig, recording: Recording, say: Say
) -> dict[str, Contestant]:
    others = await no_op_contestants(stack, running, recording.write(running.folder / "answers.json"), say)
    return {DUBAN_WHOLE: duban_work(running)} | {name: each for name, each in others.items() if each}


async def _rounds(
    plan: Plan, running: Rig, loading: Load, contestants: Mapping[str, Contestant], say: Say
) -> dict[str, list[Round]]:
    """In turns, so that what else the machine does meets all alike."""
    rounds: dict[str, list[Round]] = {name: [] for name in contestants}
    for index in range(-plan.warm_ups, plan.rounds):
        for name in in_turn(contestants, index):
            done = await play(running, loading, contestants[name], plan.complaints, plan.in_flight)
            if index >= 0:
                rounds[name].append(done)
            say(f"{'预热 warm-up' if index < 0 else f'第 {index + 1} 轮 round'} {name}: {_in_words(done)}")
    return rounds


def _in_words(done: Round) -> str:
    cpu = ", ".join(f"{who} {ms:.0f}" for who, ms in done.cpu_ms.items())
    engine = f"; engine busy {done.engine.busy:.0%}, queue {done.engine.queue:.0f}" if done.engine else ""
    return f"{done.complaints_per_second:.2f} complaints/s; CPU ms per complaint: {cpu}; {done.rss_mb:.0f} MB{engine}"


def in_turn(names: Iterable[str], index: int) -> list[str]:
    """Who plays when in round `index`: every second one the other way round. An engine gets faster for many minutes,
    and whoever always came last would have the fastest."""
    return list(names) if index % 2 == 0 else list(names)[::-1]


async def _acknowledged(
    plan: Plan, running: Rig, loading: Load, contestant: Contestant, peak: float, say: Say
) -> Sequence[float]:
    half = peak / 2
    say(f"半峰值 half of the peak: {half:.2f} complaints/s for {plan.seconds:.0f} s")
    async with contestant.working():
        await loading.walk(min(plan.in_flight, 10), 10)  # the worker process has just started
        return await loading.at_rate(half, plan.seconds)


def _told(rounds: Mapping[str, Sequence[Round]], jobs: int, acknowledged: Sequence[float]) -> dict[str, Any]:
    whole, java = rounds[DUBAN_WHOLE], rounds.get(JAVA, [])
    lags = [lag for each in whole for lag in each.lags]
    return {
        "jobs_ratio_to_bare_pyzeebe": median_ratio(rounds[HOST], rounds[BARE]),
        "complaints_ratio_to_java": median_ratio(whole, java),
        "complaints_ratio_to_bare_pyzeebe": median_ratio(whole, rounds[BARE]),
        "ack_p50_s": percentile(acknowledged, 0.5),
        "ack_p99_s": percentile(acknowledged, 0.99),
        "records_lag_p50_s": percentile(lags, 0.5),
        "records_lag_p99_s": percentile(lags, 0.99),
        "worker_rss_mb": round(max(each.rss_mb for each in whole), 1),
        "jobs_per_complaint": jobs,
        "complaints_per_second": _medians(rounds, lambda each: each.complaints_per_second),
        "complaints_per_second_of_rounds": {
            name: [round(each.complaints_per_second, 2) for each in done] for name, done in rounds.items()
        },
        "jobs_per_second": _medians(rounds, lambda each: each.complaints_per_second * jobs),
        "cpu_ms_per_complaint": {
            name: {
                who: round(statistics.median(each.cpu_ms[who] for each in done), 1) for who in done[0].cpu_ms
            }
            for name, done in rounds.items()
        },
        "engine": {name: _engine(done) for name, done in rounds.items()},
    }


def _engine(rounds: Sequence[Round]) -> dict[str, float] | None:
    """What the engine said in these rounds, medians; None where no round was long enough."""
    seen = [(each.engine, each.complaints_per_second) for each in rounds if each.engine is not None]
    if not seen:
        return None
    return {
        "busy": round(statistics.median(engine.busy for engine, _ in seen), 3),
        "queue": round(statistics.median(engine.queue for engine, _ in seen), 1),
        "job_requests_per_complaint": round(
            statistics.median(engine.requests / rate for engine, rate in seen), 2
        ),
    }


def _medians(rounds: Mapping[str, Sequence[Round]], figure: Any) -> dict[str, float]:
    return {name: round(statistics.median(map(figure, done)), 2) for name, done in rounds.items()}


def missed(found: Mapping[str, Any]) -> list[str]:
    """The goals that these figures miss; what was not measured is no miss."""

    def is_met(name: str) -> bool:
        how, limit = GOALS[name]
        value = found.get(name)
        if value is None:
            return True
        return bool({">=": value >= limit, "<=": value <= limit, "<": value < limit}[how])

    return [name for name in GOALS if not is_met(name)]
