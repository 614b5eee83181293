"""Who has a task: taken, given back, handed to a colleague. The engine decides; the timeline says who did it."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

from starlette.concurrency import run_in_threadpool

from workers.desk.caller import Actor
from workers.desk.people import colleague, refuse_stranger
from workers.desk.services import DeskServices
from workers.errors import Conflict
from workers.store import answers, record_queries, timeline
from workers.store.record_views import TaskView

_RECORD_SECONDS: Final = 5.0
"""How long to wait until the lists show what the engine has done."""
_RECORD_PAUSE: Final = 0.1


class Handing:
    """Claim, release, hand over: by people who may complete the task."""

    def __init__(self, services: DeskServices) -> None:
        self._services = services

    async def claim(self, key: str, who: Actor) -> None:
        """The person takes an open task that nobody has; one that is theirs already stays so.

        Raises:
            NotFound: it is not open. Forbidden: it is for others. Conflict: a colleague has it. Unavailable: the
                engine does not answer.
        """
        task = await run_in_threadpool(self._allowed, key, who)
        if task.assignee == who.name:
            return
        if task.assignee is not None:
            raise Conflict(
                f"此任务已由 {task.assignee} 领取。 {task.assignee} has taken this task; ask them to hand it over."
            )
        await self._services.user_tasks.assign(key, who.name)
        await self._settled(key, who.name)

    async def release(self, key: str, who: Actor) -> None:
        """The person gives their task back to its groups; one that nobody has stays so.

        Raises: as `claim`; Conflict: it is a colleague's.
        """
        task = await run_in_threadpool(self._allowed, key, who)
        if task.assignee is None:
            return
        if task.assignee != who.name:
            raise Conflict(f"此任务由 {task.assignee} 办理。 The task is with {task.assignee}, not with you.")
        await self._services.user_tasks.unassign(key)
        await self._settled(key, None)

    async def hand_over(self, key: str, who: Actor, to: str, note: str) -> None:
        """A colleague who may complete the task gets it; the note is kept in the case, the timeline says it.

        Raises: as `claim`; Forbidden: the colleague may not complete it. Refused: words that are never written.
        """
        task = await run_in_threadpool(self._allowed, key, who)
        if task.assignee not in {None, who.name}:
            raise Conflict(f"此任务由 {task.assignee} 办理。 The task is with {task.assignee}, not with you.")
        self._services.wording.check([("附言（note）", "note", note)])
        colleague = await run_in_threadpool(self._colleague, task, to)
        await self._services.user_tasks.assign(key, colleague.name, take_over=True)
        await run_in_threadpool(self._keep, task, who, colleague, note.strip())
        await self._settled(key, colleague.name)

    def _allowed(self, key: str, who: Actor) -> TaskView:
        with self._services.database.read() as tx:
            task = record_queries.task(tx, key)
            if task.state != "open":
                raise Conflict("此任务已办结或收回。 The task was completed or taken away meanwhile.")
            refuse_stranger(tx, who, task)
            return task

    def _colleague(self, task: TaskView, username: str) -> Actor:
        with self._services.database.read() as tx:
            found = colleague(tx, username)
            refuse_stranger(tx, found, task)
            return found

    def _keep(self, task: TaskView, who: Actor, to: Actor, note: str) -> None:
        """Once per giver, receiver and text: a repeated request writes nothing new."""
        number, now = task.number or "", self._services.clock.now()
        word = hashlib.sha256(f"{task.key}:{who.name}:{to.name}:{note}".encode()).hexdigest()[:24]
        key = f"{number}:handed-over:{task.key}:{word}"
        with self._services.database.begin() as tx:
            if timeline.find(tx, key) is not None:
                return
            if note:
                answers.keep(tx, number, f"note-{word}", "hand-over", {"handing_note": note}, who.name, now)
            timeline.add(tx, number, now, who.name, "task-handed-over", key, task=task.name, to=to.name)

    async def _settled(self, key: str, assignee: str | None) -> None:
        """Waits for the record; the engine has done it, so a record that is late is no failure."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _RECORD_SECONDS
        while loop.time() < until:
            task = await run_in_threadpool(self._look, key)
            if task.assignee == assignee or task.state != "open":
                return
            await asyncio.sleep(_RECORD_PAUSE)

    def _look(self, key: str) -> TaskView:
        with self._services.database.read() as tx:
            return record_queries.task(tx, key)
