"""What operations do: try stuck work again, one or many, with changed variables; send dead letters again."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from typing import Any, Final

from starlette.concurrency import run_in_threadpool

from workers.desk.caller import current
from workers.desk.services import DeskServices
from workers.errors import Conflict, DubanError, NotFound, Refused, Unavailable
from workers.store import audit, outbox, outbox_view, stuck
from workers.store.stuck import Stuck

MANY: Final = 500
"""As much stuck work as one request tries again; asked once more, it goes on with the rest."""
_AT_ONCE: Final = 8
_RECORD_SECONDS: Final = 5.0
_RECORD_PAUSE: Final = 0.1
_REFUSED_SHOWN: Final = 20


class Operating:
    """In the name of somebody who may operate: callers have checked that."""

    def __init__(self, services: DeskServices) -> None:
        self._services = services

    async def retry(self, key: str, who: str | None, changed: Mapping[str, Any] | None = None) -> Stuck:
        """Gives stuck work another try, after changing variables where some are given.

        Raises:
            NotFound: it is not stuck (any more). Refused: a variable that there is not, or a value that it cannot
            have; or the cause is still there. Conflict: resolved meanwhile. Unavailable: the engine does not answer.
        """
        found = await run_in_threadpool(self._find, key)
        if changed:
            self._services.engine_room.dictionary.check(changed)
            await self._services.engine_room.set_variables(found.element_key, changed)
            names = {f"variable-{index}": name for index, name in enumerate(sorted(changed), 1)}
            await run_in_threadpool(self._note, "variables-changed", who, key, names)
        await self._services.incidents.resolve(key, found.job_key)
        await run_in_threadpool(self._note, "incident-retried", who, key, {"element": found.element_id})
        await self._settled({key})
        return found

    async def retry_many(self, cause: str, who: str | None) -> dict[str, Any]:
        """Gives all work that is stuck by a cause another try, `MANY` at a time.

        Returns:
            `retried`, `gone` (resolved meanwhile), `refused` with key, number and sentence, `left` for another time.

        Raises:
            NotFound: nothing is stuck by it. Unavailable: the engine does not answer; some may have been retried.
        """
        found = await run_in_threadpool(self._of_cause, cause)
        gate, done, gone = asyncio.Semaphore(_AT_ONCE), set[str](), list[str]()
        refused: list[dict[str, Any]] = []

        async def try_again(each: Stuck) -> None:
            async with gate:
                try:
                    await self._services.incidents.resolve(each.key, each.job_key)
                    done.add(each.key)
                except (Conflict, NotFound):
                    gone.append(each.key)
                except Unavailable:
                    raise
                except DubanError as error:
                    refused.append({"key": each.key, "number": each.number, "says": str(error)})

        answers = await asyncio.gather(*(try_again(each) for each in found[:MANY]), return_exceptions=True)
        lost = [error for error in answers if isinstance(error, BaseException)]
        if done:
            facts: dict[str, audit.Fact] = {"element": found[0].element_id, "count": len(done)}
            await run_in_threadpool(self._note, "incidents-retried", who, cause, facts)
        current().is_noted = True
        if lost:
            raise lost[0]
        await self._settled(done)
        return {
            "cause_id": cause,
            "retried": len(done),
            "gone": len(gone),
            "refused": refused[:_REFUSED_SHOWN],
            "left": max(0, len(found) - MANY) + len(refused),
        }

    def resend(self, id_: int, who: str | None) -> None:
        """Owes a dead letter again. Raises NotFound; Conflict: it is no dead letter."""
        with self._services.database.begin() as tx:
            now = self._services.clock.now()
            outbox.resend(tx, id_, now)
            audit.add(tx, now, who, "message-resent", str(id_), way=way())
        current().is_noted = True
        self._services.engine_room.wake_sender()

    def resend_many(self, who: str | None, channel: str | None, error: str | None) -> int:
        """Owes dead letters again: all, those of a channel, or of one reason. Returns how many."""
        with self._services.database.begin() as tx:
            now = self._services.clock.now()
            count = outbox_view.resend_many(tx, now, channel, error)
            if count:
                facts: dict[str, audit.Fact] = {"count": count, "channel": channel or "all"}
                audit.add(tx, now, who, "messages-resent", None, way=way(), facts=facts)
        current().is_noted = True
        self._services.engine_room.wake_sender()
        return count

    def _find(self, key: str) -> Stuck:
        with self._services.database.read() as tx:
            return stuck.one(tx, key)

    def _of_cause(self, cause: str) -> list[Stuck]:
        with self._services.database.read() as tx:
            return stuck.of_cause(tx, cause)

    def _note(self, action: str, who: str | None, subject: str, facts: Mapping[str, audit.Fact]) -> None:
        with self._services.database.begin() as tx:
            audit.add(tx, self._services.clock.now(), who, action, subject, way=way(), facts=facts)
        current().is_noted = True

    async def _settled(self, keys: set[str]) -> None:
        """Waits until the lists show it; the engine has done it, so a record that is late is no failure."""
        loop = asyncio.get_running_loop()
        until = loop.time() + _RECORD_SECONDS
        while loop.time() < until:
            if not await run_in_threadpool(self._are_open, keys):
                return
            await asyncio.sleep(_RECORD_PAUSE)

    def _are_open(self, keys: set[str]) -> bool:
        with self._services.database.read() as tx:
            return stuck.are_open(tx, keys)


def parsed_variables(text: str) -> dict[str, Any]:
    """The variables that somebody wrote as a JSON object. Raises Refused: it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        where = f"{error.lineno} 行 {error.colno} 列" if isinstance(error, json.JSONDecodeError) else ""
        raise Refused(
            f"变量不是有效的 JSON（{where}）。 The variables are no JSON object: {type(error).__name__}."
        ) from error
    if not isinstance(found, dict):
        raise Refused('请写成 JSON 对象。 Write a JSON object such as {"asked_fen": 9900}.')
    return found


def way() -> audit.Way:
    """How the request came, for the audit."""
    return "session" if current().way == "session" else "token"
