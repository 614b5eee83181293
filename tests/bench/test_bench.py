"""`duban bench` on this machine: it measures whole complaints and leaves everything else alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from workers.bench import engine_view
from workers.bench.cores import SHARED, halves, kept_to
from workers.bench.load import Walked
from workers.bench.measure import GOALS, in_turn, missed
from workers.bench.rounds import percentile, rate
from workers.store import schema
from workers.store.database import Database

DUBAN = Path(sys.executable).parent / "duban"
NEEDED = {
    "jobs_ratio_to_bare_pyzeebe",
    "complaints_ratio_to_java",
    "ack_p99_s",
    "records_lag_p99_s",
    "worker_rss_mb",
}


def bench(*options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [DUBAN, "bench", *options],
        capture_output=True,
        text=True,
        timeout=500,
        env=os.environ | environment,
        check=False,
    )


@pytest.mark.engine
def test_a_quick_run_measures_every_contestant_and_touches_no_instance(tmp_path: Path) -> None:
    """Complaints go all the way with Duban and with no-op workers; an instance of the environment stays as it is."""
    mine, logs = tmp_path / "mine", tmp_path / "logs"
    without_maven = str(Path(sys.executable).parent)
    done = bench(
        "--quick",
        "--json",
        "--folder",
        str(logs),
        DUBAN_DATA=str(mine),
        DUBAN_DATABASE_URL=f"sqlite:///{mine}.db",
        PATH=without_maven,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    assert set(found) >= NEEDED
    assert found["complaints_ratio_to_java"] is None
    assert "Java" in done.stderr
    assert set(found["complaints_per_second"]) == {"duban", "host", "bare"}
    assert all(figure > 0 for figure in found["complaints_per_second"].values())
    # No round that only warms up: a minute is promised.
    assert found["complaints_per_second_of_rounds"] == {
        name: [round(figure, 2)] for name, figure in found["complaints_per_second"].items()
    }
    assert set(found["engine"]) == {"duban", "host", "bare"}
    assert 0 < found["ack_p50_s"] <= found["ack_p99_s"] < 60
    assert 20 < found["worker_rss_mb"] < 400
    assert found["jobs_per_complaint"] > 15
    assert sorted(tmp_path.iterdir()) == [logs]


@pytest.mark.engine
def test_a_run_that_is_told_to_stop_leaves_no_process_behind(tmp_path: Path) -> None:
    """Whoever measures with a time limit does not find a second engine and a second sender at work afterwards."""
    command = [DUBAN, "bench", "--quick", "--folder", tmp_path / "logs"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        for line in running.stderr:
            if "jobs of" in line:  # engine, records, desk, sender and the workers are there
                break
        children = psutil.Process(running.pid).children(recursive=True)
        assert len(children) >= 4
        running.terminate()
        running.stderr.read()
        assert running.wait(120) == 128 + signal.SIGTERM
    assert [child for child in children if child.is_running()] == []


def test_a_database_that_holds_something_is_refused(tmp_path: Path) -> None:
    """Whoever names the wrong database loses nothing: the run ends before it begins."""
    database = Database.in_folder(tmp_path)
    schema.upgrade(database)
    done = bench("--quick", "--database-url", database.url)
    assert done.returncode == 1
    assert done.stderr.startswith("duban: 数据库不是空的")


def test_a_folder_that_is_there_already_is_refused(tmp_path: Path) -> None:
    """Nothing that somebody kept is written over."""
    assert bench("--quick", "--folder", str(tmp_path)).returncode == 1


def test_the_rate_leaves_out_run_up_and_run_out() -> None:
    """One per second while ten are under way, whatever happened before and after."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    ends = [began + timedelta(seconds=100)] * 10
    ends += [began + timedelta(seconds=100 + each) for each in range(1, 31)] + [
        began + timedelta(seconds=500)
    ] * 9
    walked = Walked(began, ended={str(index): at for index, at in enumerate(ends)})
    assert rate(walked, 10) == pytest.approx(1, abs=0.06)
    assert rate(walked, 40) == pytest.approx(49 / 500)


def test_the_engine_is_seen_while_as_many_are_under_way_as_may_be() -> None:
    """Whether the engine limits a rate is told by its own figures of that time, not by those of a cold start."""
    began = datetime(2026, 1, 1, tzinfo=UTC)
    told = """# TYPE zeebe_stream_processor_latency histogram
zeebe_stream_processor_latency_bucket{partition="1",le="0.1",} 7.0
zeebe_stream_processor_latency_count{partition="1",} 9.0
zeebe_stream_processor_latency_sum{partition="1",} %f
zeebe_stream_processor_processing_duration_count{partition="1",valueType="JOB",intent="COMPLETE",} 5.0
zeebe_stream_processor_processing_duration_sum{partition="1",valueType="JOB",intent="COMPLETE",} %f
zeebe_stream_processor_processing_duration_count{partition="1",valueType="JOB_BATCH",intent="ACTIVATE",} %f
zeebe_stream_processor_processing_duration_sum{partition="1",valueType="JOB_BATCH",intent="ACTIVATE",} %f
"""
    readings = [
        engine_view.read(told % figures, began + timedelta(seconds=at))
        for at, figures in {
            0: (0, 0, 0, 0),
            10: (100, 4, 20, 1),
            20: (300, 10, 60, 4),
            30: (900, 11, 61, 4),
        }.items()
    ]
    view = engine_view.between(readings, began + timedelta(seconds=5), began + timedelta(seconds=25))
    assert view is not None
    assert [view.busy, view.queue, view.requests] == pytest.approx([0.9, 20, 4])
    assert engine_view.between(readings, began, began + timedelta(seconds=5)) is None
    newer = 'zeebe_stream_processor_latency_seconds_sum{partition="1"} 1.5E1'
    assert engine_view.read(newer, began).waiting == 15
    silent = [engine_view.read("", each.at) for each in readings]
    assert engine_view.between(silent, began, readings[-1].at) is None


def test_a_goal_is_missed_by_what_was_measured_only() -> None:
    """A figure on the wrong side is named; one that could not be measured is not."""
    assert missed({"ack_p99_s": 1.0, "worker_rss_mb": 149.9, "complaints_ratio_to_java": None}) == [
        "ack_p99_s"
    ]
    assert missed(dict.fromkeys(GOALS)) == []


def test_nobody_always_has_the_engine_that_is_warmest() -> None:
    """Over two rounds the places of each add up to the same."""
    names = ["duban", "java", "host", "bare"]
    first, second = in_turn(names, 0), in_turn(names, 1)
    assert {first.index(name) + second.index(name) for name in names} == {3}


def test_a_percentile_is_a_value_that_was_seen() -> None:
    """The slowest of a hundred is not hidden in the 99th percentile."""
    assert percentile([float(each) for each in range(1, 101)], 0.99) == 100
    assert percentile([], 0.99) is None


@pytest.mark.skipif(halves() == SHARED, reason="this machine has one core, or keeps nobody to some")
def test_who_is_started_meanwhile_keeps_to_the_cores_and_we_are_free_again() -> None:
    """The engine and what is measured take no core from each other, and a later measurement has all of them."""
    cores, ours = halves(), os.sched_getaffinity(0)
    assert cores.engine and cores.duban
    assert not cores.engine & cores.duban
    assert cores.engine | cores.duban == ours
    asks = [sys.executable, "-c", "import os; print(sorted(os.sched_getaffinity(0)))"]
    with kept_to(cores.duban):
        said = subprocess.run(asks, capture_output=True, text=True, check=True).stdout
    assert json.loads(said) == sorted(cores.duban)
    assert os.sched_getaffinity(0) == ours
