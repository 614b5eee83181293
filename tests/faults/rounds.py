"""Rounds: complaints flow, a fault strikes and is healed, everything is handled, and a verdict is given."""

from __future__ import annotations

import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from tests.faults.kinds import Fault
from tests.faults.load import Load
from tests.faults.rig import Rig
from tests.faults.verdict import Verdict, judge

BEFORE_S: Final = (2.0, 5.0)
"""How long complaints flow before the fault strikes: by chance, so that it meets another moment each time."""
AFTER_S: Final = 4.0

Say = Callable[[str], None]


@dataclass
class Outcome:
    """What came of one fault. `skipped`: why it was not tried."""

    fault: str
    says: str
    skipped: str = ""
    rounds: list[Verdict] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether everything held in every round."""
        return not any(each.problems for each in self.rounds)

    def as_json(self) -> dict[str, Any]:
        """For the file of figures."""
        return {
            "fault": self.fault,
            "says": self.says,
            "skipped": self.skipped,
            "good": self.is_good,
            "rounds": [each.as_json() for each in self.rounds],
        }


def play(faults: Sequence[Fault], times: int, rate: float, say: Say, **rig: Any) -> Iterator[Outcome]:
    """Each fault so many times. Faults that need the same rig have one in common, until one of them is not well.

    Args:
        rate: complaints per second.
        rig: arguments for all rigs.
    """
    waiting = list(faults)
    while waiting:
        needs = waiting[0].rig
        together = [fault for fault in waiting if fault.rig == needs]
        if why := together[0].why_not():
            waiting.remove(together[0])
            yield Outcome(together[0].name, together[0].says, skipped=why)
            continue
        say(f"starting {', '.join(f'{name} {value}' for name, value in needs.items()) or 'the parts'} …")
        with _running(rate, {**rig, **needs}) as (there, load):
            verdict: Verdict | None = None
            for fault in together:
                waiting.remove(fault)
                outcome = Outcome(fault.name, fault.says)
                for number in range(1, times + 1):
                    verdict = one(there, load, fault, number, verdict)
                    outcome.rounds.append(verdict)
                    say(_line(fault, number, times, verdict))
                    if verdict.problems:
                        break
                yield outcome
                if not outcome.is_good:
                    _keep(there, say)
                    break  # what is not well would be held against the next fault


def one(rig: Rig, load: Load, fault: Fault, number: int, before: Verdict | None = None) -> Verdict:
    """One round; `before` is the verdict of the last one on this rig."""
    last = before or Verdict()
    seen = dict(load.told.tries_again)
    load.flow()
    time.sleep(random.uniform(*BEFORE_S))
    fault.strike(rig, number)
    time.sleep(fault.away_s)
    fault.heal(rig, number)
    healed = time.monotonic()
    time.sleep(AFTER_S)
    load.rest()
    verdict = judge(rig, load, fault.patience_s - (time.monotonic() - healed))
    verdict.settled_s = round(time.monotonic() - healed, 1)
    verdict.new, verdict.new_refunds = verdict.accepted - last.accepted, verdict.refunds - last.refunds
    verdict.new_messages, verdict.new_copies = verdict.messages - last.messages, verdict.copies - last.copies
    verdict.tries = {
        what: count - seen.get(what, 0)
        for what, count in load.told.tries_again.items()
        if count > seen.get(what, 0)
    }
    return verdict


@contextmanager
def _running(rate: float, arguments: dict[str, Any]) -> Iterator[tuple[Rig, Load]]:
    folder = Path(tempfile.mkdtemp(prefix="duban-faults-"))
    with Rig(folder, **arguments) as rig, Load(rig, rate).running() as load:
        yield rig, load
    shutil.rmtree(folder, ignore_errors=True)  # after an error it is kept, to be looked at


def _keep(rig: Rig, say: Say) -> None:
    """The logs of a rig in which something did not hold."""
    kept = rig.folder.with_name(f"{rig.folder.name}-logs")
    kept.mkdir()
    for log in (*rig.folder.glob("*.log"), *rig.folder.glob("*.out"), *rig.folder.rglob("engine.log")):
        shutil.copy(log, kept / "-".join(log.relative_to(rig.folder).parts))
    say(f"logs are in {kept}")


def _line(fault: Fault, number: int, times: int, found: Verdict) -> str:
    told = (
        "well" if not found.problems else f"{len(found.problems)} problems: " + "; ".join(found.problems[:8])
    )
    done = f"{found.new} complaints, handled {found.settled_s:.0f} s after the end"
    return f"{fault.name} {number}/{times}: {done}, {told}"
