"""What becomes of a job: done, a BPMN error, tried again later, or an incident. Nothing here ever raises.

Source: the failure words of `workers.errors`. What a failure says to the engine holds no values: of an error
that is not ours only its class and place are told, because its text may hold personal data.
"""

from __future__ import annotations

import json
import math
import random
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from workers.engine.jobs import BoundTask, Job
from workers.errors import Broken, BusinessError, DubanError
from workers.settings import EngineSettings
from workers.store.outage import is_outage

LARGEST_RESULT: Final = 512 * 1024
"""Bytes of JSON that one job may add to a process: variables are ids, flags, dates and amounts, never
files."""

OUTAGE_PAUSE: Final = timedelta(seconds=5)
"""Longest pause before a job is offered again that failed because the store was away."""

_LONGEST_MESSAGE: Final = 500
_INT64: Final = 1 << 63


@dataclass(frozen=True)
class Done:
    """Complete the job with these variables, as JSON text."""

    variables: str


@dataclass(frozen=True)
class Thrown:
    """Throw a BPMN error that the diagram catches."""

    code: str
    message: str


@dataclass(frozen=True)
class Failed:
    """Fail the job. No retries left: the engine makes an incident."""

    retries: int
    message: str
    back_off: timedelta = timedelta()


Outcome = Done | Thrown | Failed


@dataclass
class BackOff:
    """Growing pauses between the tries of one job, with jitter so that many jobs don't come back together.

    The engine tells how many retries are left, not how many there were; the first number seen of a job is
    remembered. `first_of` has the first pause of the job types that need another one.
    """

    first: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=10)
    first_of: Mapping[str, timedelta] = field(default_factory=dict)
    chance: Callable[[], float] = random.random
    _seen: OrderedDict[int, int] = field(default_factory=OrderedDict)

    @classmethod
    def of(cls, settings: EngineSettings) -> BackOff:
        """The pauses of the settings."""
        return cls(
            timedelta(seconds=settings.retry_seconds),
            timedelta(seconds=settings.retry_longest_seconds),
            {kind: timedelta(seconds=seconds) for kind, seconds in settings.retry_seconds_by_type.items()},
        )

    def outage(self) -> timedelta:
        """The pause while the store is away: short, so that work goes on soon after it is back."""
        return min(OUTAGE_PAUSE, self.longest) * (0.5 + self.chance() / 2)

    def after(self, job: Job) -> timedelta:
        """The pause before this job is offered again: between half of and the whole of first x 2^tries."""
        initial = self._seen.setdefault(job.key, job.retries)
        self._seen.move_to_end(job.key)
        while len(self._seen) > 10_000:
            self._seen.popitem(last=False)
        tries = min(max(0, initial - job.retries), 30)
        whole: timedelta = min(self.first_of.get(job.type, self.first) * (1 << tries), self.longest)
        return whole * (0.5 + self.chance() / 2)


def run(task: BoundTask, job: Job, back_off: BackOff) -> Outcome:
    """Call the task and say what becomes of the job. Never raises, whatever the handler does."""
    try:
        return Done(encode(task.call(job)))
    except BaseException as error:
        try:
            return classify(error, job, back_off)
        except BaseException:
            return Failed(0, f"{job.type}: the failure itself could not be told")


def classify(error: BaseException, job: Job, back_off: BackOff) -> Outcome:
    """What an error means for the job: see `workers.errors`.

    While the store is away no try is used up, however long that is: it is no fault of the job, and an incident for
    every job of that time would need people.
    """
    if isinstance(error, BusinessError):
        return Thrown(_clean(error.code), describe(error))
    if isinstance(error, Broken):
        return Failed(0, describe(error))
    if is_outage(error):
        return Failed(job.retries, f"the store is away: {describe(error)}", back_off.outage())
    return Failed(max(job.retries - 1, 0), describe(error), back_off.after(job))


def describe(error: BaseException) -> str:
    """One line about an error that is safe to show: our own sentences, of others only class and place."""
    name = type(error).__name__
    if isinstance(error, DubanError):
        return _clean(f"{name}: {error}")
    place = ""
    trace = error.__traceback__
    while trace is not None:
        module = str(trace.tb_frame.f_globals.get("__name__", ""))
        if not place or not module.startswith("workers.engine."):
            file = Path(trace.tb_frame.f_code.co_filename).name
            place = f" in {trace.tb_frame.f_code.co_name} ({file}:{trace.tb_lineno})"
        trace = trace.tb_next
    return _clean(f"{name}{place}")


def encode(variables: Mapping[str, Any]) -> str:
    """Variables as JSON text. Raises Broken for what JSON or the engine cannot carry, and names where it
    is."""
    _check(variables, "")
    text = json.dumps(variables, ensure_ascii=False, allow_nan=False)
    if len(text.encode()) > LARGEST_RESULT:
        raise Broken(f"the result has more than {LARGEST_RESULT // 1024} KiB: facts belong in the store")
    return text


def _check(value: object, where: str, depth: int = 0) -> None:
    if depth > 50:
        raise Broken(f"the variable {where[:100]} is nested too deeply, or holds itself")
    if isinstance(value, Mapping):
        if not isinstance(value, dict):
            raise Broken(f"the variable {where or 'set'} is a {type(value).__name__}; give a dict")
        for key, inner in value.items():
            if not isinstance(key, str):
                raise Broken(
                    f"the variable {where or 'set'} has a key of type {type(key).__name__}; keys are text"
                )
            _check_text(key, where)
            _check(inner, f"{where}.{key}" if where else key, depth + 1)
    elif isinstance(value, (list, tuple)):
        _check_items(value, where, depth)
    elif isinstance(value, str):
        _check_text(value, where)
    elif isinstance(value, float):
        if not math.isfinite(value):
            raise Broken(f"the variable {where} is not a finite number")
    elif isinstance(value, int):  # bool too
        if not -_INT64 <= value < _INT64:
            raise Broken(f"the variable {where} is a larger integer than the engine can hold")
    elif value is not None:
        raise Broken(f"the variable {where} is a {type(value).__name__}, which JSON cannot carry")


def _check_items(value: Sequence[object], where: str, depth: int) -> None:
    for index, inner in enumerate(value):
        _check(inner, f"{where}[{index}]", depth + 1)


def _check_text(text: str, where: str) -> None:
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Broken(f"the variable {where} holds half a character (a lone surrogate)") from None


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", " ")[:_LONGEST_MESSAGE]
