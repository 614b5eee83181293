"""Completing a user task: the store keeps what was written, the engine decides whether it still counts.

The order makes every crash harmless: texts are a draft before the engine is asked, final after it said yes.
The engine goes on at once; whoever needs the text by then finds the draft (answers.newest). What each person sent is
kept by itself: the engine's record says whose it took, and finishes what a desk that died did not.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final
from weakref import WeakValueDictionary

from starlette.concurrency import run_in_threadpool

from workers.cases.forms import Form, Validated
from workers.desk.people import Authority, actor
from workers.desk.services import DeskServices
from workers.desk.words import moment
from workers.errors import Conflict, Forbidden, NotFound, Refused, Unavailable
from workers.names import SHANGHAI
from workers.store import case_owners, completions, record_queries
from workers.store.outbox import Transaction
from workers.store.record_views import TaskView

_RECORD_SECONDS: Final = 3.0
"""How long to wait for the record of something that the engine has done already."""
_RECORD_PAUSE: Final = 0.1


@dataclass(frozen=True)
class _Prepared:
    """A completion that may be asked for.

    Attributes:
        done_at: when it had been carried out before.
        refusal: why the person may no longer ask for it, who has sent it before: that may have counted.
    """

    task: TaskView
    number: str
    person: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    done_at: datetime | None = None
    refusal: str = ""

    @property
    def action(self) -> str:
        """What the engine's record shows: a lost answer can be told from somebody else's completion."""
        return "by-" + hashlib.sha256(f"{self.task.key}:{self.person}".encode()).hexdigest()[:24]

    def is_told_by(self, ended: TaskView) -> bool:
        """Whether the record of the task's end shows this very completion."""
        return ended.state == "completed" and ended.action == self.action


class Completion:
    """Completes user tasks, one attempt per task at a time."""

    def __init__(self, services: DeskServices) -> None:
        self._services = services
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def complete(self, key: str, person: str, variables: object) -> dict[str, Any]:
        """Completes a task with answers to its form.

        Returns:
            task, number, name, form, as, completed_at.

        Raises:
            NotFound: no such task. Conflict: completed or taken away meanwhile; nothing was changed.
            Forbidden: this person may not. Refused: the answers do not fit, or a text has words that are never written
                to a customer or in a work order (rule D6); nothing was changed.
            Unavailable: the engine does not answer; what was written is kept as a draft.
        """
        lock = self._locks.setdefault(key, asyncio.Lock())
        async with lock:
            prepared = await run_in_threadpool(self._prepare, key, person, variables)
            if prepared.refusal:
                await self._await_earlier(prepared)
            elif prepared.done_at is None:
                await self._ask_engine(prepared)
            return await run_in_threadpool(self._finish, prepared)

    def _prepare(self, key: str, person: str, variables: object) -> _Prepared:
        services = self._services
        with services.database.begin() as tx:
            task = record_queries.task(tx, key)
            who = actor(tx, person, is_sample_staff=services.is_sample_staff)
            if task.number is None:
                raise Refused(f"task {key} belongs to no complaint and cannot be completed here")
            done = _look(tx, task, who.name)
            if done is not None:
                return done
            case = case_owners.of(tx, [task.number]).get(task.number)
            refusal = Authority(tx).refuses(who, task, case) if case else None
            if refusal and completions.has_begun(tx, key, who.name):
                return _Prepared(task, task.number, who.name, refusal=refusal)
            if refusal:
                raise Forbidden(refusal)
            valid, fixed = self._validated(task, variables, who.name)
            prepared = _Prepared(task, task.number, who.name, {**valid.variables, **fixed})
            action, form = prepared.action, task.form_id or ""
            attempt = completions.Attempt(key, who.name, task.number, action, task.name, form, valid.texts)
            completions.begin(tx, attempt, services.clock.now())
            return prepared

    def _validated(self, task: TaskView, variables: object, person: str) -> tuple[Validated, dict[str, str]]:
        """The answers, and what the form wants to know of who gives them."""
        form = Form(task.form_schema if task.form_schema is not None else {"id": task.element_id})
        valid = form.validate(variables, now=self._services.clock.now().astimezone(SHANGHAI))
        self._services.wording.check(form.worded(valid.texts))
        return valid, dict.fromkeys(form.person_keys, person)

    async def _ask_engine(self, prepared: _Prepared) -> None:
        key = prepared.task.key
        try:
            await self._services.user_tasks.complete(key, prepared.variables, prepared.action)
        except (NotFound, Conflict) as error:
            await self._why_it_has_ended(prepared, error)
        except Refused:
            await run_in_threadpool(self._abandon, prepared)
            raise
        except Unavailable as error:
            ended = await self._record(prepared)
            if ended is None or not prepared.is_told_by(ended):
                raise Unavailable(
                    f"{error} 所填内容已存为草稿,稍后请重新提交。 What was written is kept as a draft."
                ) from error

    async def _why_it_has_ended(self, prepared: _Prepared, error: Exception) -> None:
        """Returns where it is this person who completed it, with this call or one before whose answer was lost.

        Raises:
            Conflict: it is not, and what was written is discarded; or nobody knows yet, and it is kept.
        """
        ended, label = await self._record(prepared), f"“{prepared.task.name}”"
        if ended is None:
            raise Conflict(
                f"{label}已不在办理中,结果正在确认;所填内容已保留。 {label} has ended in the engine, and the "
                "record of how is on its way: look again in a moment. What you wrote is kept."
            ) from error
        if prepared.is_told_by(ended):
            return
        await run_in_threadpool(self._abandon, prepared)
        raise Conflict(await run_in_threadpool(self._explained, prepared)) from error

    async def _await_earlier(self, prepared: _Prepared) -> None:
        """Four eyes shut out whoever has decided, and the record of that decision may still be on the way.

        Raises:
            Conflict: it did not come in time, or it is somebody else's.
        """
        ended, label = await self._record(prepared), f"“{prepared.task.name}”"
        if ended is None:
            raise Conflict(
                f"您已提交过{label},正在等引擎确认,请稍后刷新;无须再次提交。 You have sent {label} before, and the "
                f"engine's confirmation is on the way: look again in a moment. ({prepared.refusal})"
            )
        if not prepared.is_told_by(ended):
            raise Conflict(await run_in_threadpool(self._explained, prepared))

    async def _record(self, prepared: _Prepared) -> TaskView | None:
        """The task as it ended, as soon as the engine's record tells; None where that takes too long."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _RECORD_SECONDS
        while True:
            task = await run_in_threadpool(self._task, prepared.task.key)
            if task.state != "open":
                return task
            if loop.time() > until:
                return None
            await asyncio.sleep(_RECORD_PAUSE)

    def _task(self, key: str) -> TaskView:
        with self._services.database.read() as tx:
            return record_queries.task(tx, key)

    def _explained(self, prepared: _Prepared) -> str:
        """What became of a task that has ended, by whoever."""
        with self._services.database.read() as tx:
            try:
                _look(tx, record_queries.task(tx, prepared.task.key), prepared.person)
            except Conflict as error:
                return str(error)
        return f"“{prepared.task.name}”已不在办理中。 “{prepared.task.name}” has ended; nothing was changed."

    def _abandon(self, prepared: _Prepared) -> None:
        with self._services.database.begin() as tx:
            completions.abandon(tx, prepared.task.key, prepared.person)

    def _finish(self, prepared: _Prepared) -> dict[str, Any]:
        task = prepared.task
        at = prepared.done_at or self._services.clock.now()
        with self._services.database.begin() as tx:
            at = completions.complete(
                tx, prepared.number, task.key, prepared.person, at, name=task.name, form=task.form_id
            )
        return {
            "task": task.key,
            "number": prepared.number,
            "name": task.name,
            "form": task.form_id,
            "as": prepared.person,
            "completed_at": at.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        }


def _look(tx: Transaction, task: TaskView, person: str) -> _Prepared | None:
    """None for a task that can be completed; the completion whose answer was lost, to be finished.

    Raises:
        Conflict: it was completed or taken away; says by whom and when.
    """
    entry = completions.completion_of(tx, task.key)
    label = f"“{task.name}”"
    if entry is not None and entry.who == person:
        raise Conflict(
            f"您已于 {moment(entry.at)} 完成{label}。 {person} completed {label} already; nothing more to do."
        )
    if entry is not None:
        raise Conflict(
            f"{label}已由 {entry.who} 于 {moment(entry.at)} 完成。 {entry.who} completed {label} meanwhile; "
            "nothing was changed."
        )
    if task.state == "open":
        return None
    when = f" {moment(task.ended_at)}" if task.ended_at else ""
    if task.state == "cancelled":
        raise Conflict(
            f"{label}已于{when} 收回。 {label} was taken away (its time was up, or the case ended); "
            "nothing was changed."
        )
    prepared = _Prepared(task, task.number or "", person, done_at=task.ended_at)
    if task.action == prepared.action and task.ended_at is not None:
        return prepared
    raise Conflict(f"{label}已于{when} 完成。 {label} was completed meanwhile; nothing was changed.")
