"""Faults under load: `python -m tests.faults [--fault NAME]… [--times 10]`, or `make faults`.

Prints a line per round and a table, writes a JSON file; exit code 1 when something did not hold.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import os
import platform
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import psutil

from tests.faults.kinds import FAULTS
from tests.faults.rounds import Outcome, play
from workers.names import SHANGHAI

_OWN_MOUNTS: Final = 0x20000  # CLONE_NEWNS


def main(arguments: list[str]) -> int:
    """Returns the exit code."""
    told = _parser().parse_args(arguments)
    _have_own_mounts()
    chosen = [FAULTS[name] for name in told.fault or FAULTS]
    outcomes = []
    settings = dict(each.split("=", 1) for each in told.set)
    for outcome in play(chosen, told.times, told.rate, lambda line: print(line, flush=True), told=settings):
        outcomes.append(outcome)
        _write(told.json, told, outcomes)
    print(table(outcomes))
    return 0 if all(outcome.is_good for outcome in outcomes) else 1


def table(outcomes: list[Outcome]) -> str:
    """The outcomes as Markdown."""
    lines = [
        "| fault | rounds | complaints | refunds | messages | handed over twice, same id | handled after the end, s "
        "(median, longest) | held |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in outcomes:
        if each.skipped:
            lines.append(f"| {each.says} | 0 | | | | | | skipped: {each.skipped} |")
            continue
        waits = sorted(found.settled_s for found in each.rounds)
        lines.append(
            f"| {each.says} | {len(each.rounds)} | {sum(found.new for found in each.rounds)} | "
            f"{sum(found.new_refunds for found in each.rounds)} | {sum(found.new_messages for found in each.rounds)} | "
            f"{sum(found.new_copies for found in each.rounds)} | {waits[len(waits) // 2]:.0f}, {waits[-1]:.0f} | "
            f"{'yes' if each.is_good else '**no**'} |"
        )
    return "\n".join(lines)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--fault", action="append", choices=list(FAULTS), help="only this one; several times")
    parser.add_argument("--times", type=int, default=10, help="rounds of each fault (10)")
    parser.add_argument("--rate", type=float, default=1.0, help="complaints per second (1)")
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting for all parts"
    )
    parser.add_argument("--json", type=Path, help="file that takes the figures of every round")
    return parser


def _write(file: Path | None, told: argparse.Namespace, outcomes: list[Outcome]) -> None:
    if file is None:
        return
    figures: dict[str, Any] = {
        "at": datetime.now(SHANGHAI).isoformat(timespec="seconds"),
        "revision": _revision(),
        "machine": f"{platform.system()} {platform.release()}, {os.cpu_count()} cores, "
        f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "command": " ".join(["python -m tests.faults", *sys.argv[1:]]),
        "outcomes": [each.as_json() for each in outcomes],
    }
    file.write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _revision() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _have_own_mounts() -> None:
    """Small disks are seen by this process and its children only, and are gone with them, whatever happens."""
    if sys.platform == "linux" and os.geteuid() == 0 and ctypes.CDLL(None).unshare(_OWN_MOUNTS) == 0:
        subprocess.run(["mount", "--make-rprivate", "/"], check=False, capture_output=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
