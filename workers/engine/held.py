"""A job that a worker holds, from the engine's answer until the engine was told what became of it."""

from __future__ import annotations

import json
import threading
import time

from pyzeebe.proto.gateway_pb2 import ActivatedJob

from workers.engine.jobs import Job


class Held:
    """One held job. Times are `time.monotonic`.

    Attributes:
        came_at: when the engine handed it out; None: now.
        until: when the engine would give it to somebody else.
        begun_at: when its task was begun; None while it waits for a thread.
        thread: the thread that runs its task.
        unreadable: why its variables cannot be read; None when they can.
        is_slow: said already that it takes long.
        is_stuck: said already that it takes longer than a job may.
    """

    def __init__(self, raw: ActivatedJob, until: float, came_at: float | None = None) -> None:
        self.until = until
        self.came_at = time.monotonic() if came_at is None else came_at
        self.begun_at: float | None = None
        self.thread: int | None = None
        self.unreadable: str | None = None
        self.is_slow = False
        self.is_stuck = False
        self.job = self._read(raw)
        self._is_taken_back = False
        self._lock = threading.Lock()

    @property
    def number(self) -> str | None:
        """Of the complaint or event; None where its process has none."""
        variables = self.job.variables
        number = variables.get("number") if isinstance(variables, dict) else None
        return number if isinstance(number, str) else None

    @property
    def facts(self) -> dict[str, str | int | None]:
        """What a line of the log says of it."""
        job = self.job
        return {
            "type": job.type,
            "job": job.key,
            "instance": job.process_instance_key,
            "number": self.number,
        }

    def begin(self) -> bool:
        """Called in the task's thread. False: it was taken back, or its time is up, and must not be run."""
        with self._lock:
            now = time.monotonic()
            if self._is_taken_back or now >= self.until:
                return False
            self.begun_at, self.thread = now, threading.get_ident()
            return True

    def take_back(self) -> bool:
        """True when its task was not begun, and now never will be."""
        with self._lock:
            self._is_taken_back = True
            return self.begun_at is None

    def running_seconds(self, now: float) -> float:
        """How long its task runs; 0 while it waits for a thread."""
        return 0.0 if self.begun_at is None else now - self.begun_at

    def _read(self, raw: ActivatedJob) -> Job:
        try:
            headers = json.loads(raw.customHeaders or "{}")
            variables = json.loads(raw.variables or "{}")
        except (ValueError, RecursionError) as error:
            self.unreadable = f"its variables cannot be read: {type(error).__name__}"
            headers = variables = {}
        return Job(
            key=raw.key,
            type=raw.type,
            process_instance_key=str(raw.processInstanceKey),
            process_id=raw.bpmnProcessId,
            element_id=raw.elementId,
            element_instance_key=str(raw.elementInstanceKey),
            headers=headers,
            retries=raw.retries,
            variables=variables,
        )
