"""The load, the same in every round: customers who complain at the desk, staff who answer, satisfied customers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import httpx

from workers.bench.rig import Rig
from workers.engine.messages import Messages
from workers.errors import Conflict, DubanError, NotFound, Unavailable
from workers.names import COMPLAINT_PROCESS, Message
from workers.store import walks

ACKNOWLEDGEMENT: Final = "complaint-registered"
LOOK_SECONDS: Final = 0.1
STALL_SECONDS: Final = 180.0
_PARALLEL: Final = 8
_ANSWERED: Final = timedelta(hours=2)
STAFF: Final[Mapping[str, Mapping[str, Any]]] = {
    "Task_InvestigateComplaint": {"finding": "upheld", "cause_code": "network"},
    "Task_ProposeSolution": {"is_refund_asked": False, "needs_visit": False},
    "Task_CarryOutSolution": {},
}
"""What staff answer, by the element of the task: the way through the department, without refund and visit."""


class WrongWay(DubanError):  # noqa: N818 - a word of the house
    """The diagrams lead elsewhere than the measurement knows; the message says where."""


@dataclass
class Walked:
    """Complaints of one round.

    Attributes:
        began: before the first was handed in.
        ended: when each one's process ended, by the engine's time.
        lags: how far the tables were behind the engine, in seconds, looked at ten times a second while as many
            were under way as may be (an engine that does nothing sends no records, and seems to be behind).
    """

    began: datetime
    numbers: list[str] = field(default_factory=list)
    ended: dict[str, datetime] = field(default_factory=dict)
    lags: list[float] = field(default_factory=list)


class Load:
    """Customers and staff. Used inside `load`."""

    def __init__(self, rig: Rig, client: httpx.AsyncClient) -> None:
        self._rig = rig
        self._client = client
        self._messages = Messages(rig.gateway)
        self._answered: set[str] = set()
        self._count = 0
        self._gate = asyncio.Semaphore(_PARALLEL)

    async def walk(self, complaints: int, in_flight: int) -> Walked:
        """Hands in complaints so that `in_flight` are under way, until all have ended.

        Raises:
            WrongWay: one stands where nobody is expected. Unavailable: nothing goes on.
        """
        walked = Walked(self._rig.parts.clock.now())
        newest = asyncio.get_running_loop().time()
        while len(walked.ended) < complaints:
            room = min(
                in_flight - (len(walked.numbers) - len(walked.ended)), complaints - len(walked.numbers)
            )
            if room > 0:
                walked.numbers += await asyncio.gather(*(self.complain() for _ in range(room)))
            before = len(walked.ended)
            behind = await self._look(walked)
            if walked.ended and behind is not None and len(walked.numbers) < complaints:
                walked.lags.append(behind)
            if len(walked.ended) > before:
                newest = asyncio.get_running_loop().time()
            elif asyncio.get_running_loop().time() - newest > STALL_SECONDS:
                raise Unavailable(
                    f"{len(walked.ended)} of {complaints} complaints have ended, and nothing goes on"
                )
            await asyncio.sleep(LOOK_SECONDS)
        return walked

    async def at_rate(self, per_second: float, seconds: float) -> list[float]:
        """Complaints at a fixed rate, whatever becomes of them; seconds from when each was due to be handed in until
        its acknowledgement was delivered."""
        loop = asyncio.get_running_loop()
        walked, start = Walked(self._rig.parts.clock.now()), loop.time()
        due: dict[str, datetime] = {}
        count = max(1, round(per_second * seconds))

        async def one(index: int) -> None:
            await asyncio.sleep(max(0.0, start + index / per_second - loop.time()))
            number = await self.complain()
            due[number] = walked.began + timedelta(seconds=index / per_second)
            walked.numbers.append(number)

        complaining = asyncio.gather(*(one(index) for index in range(count)))
        while len(walked.ended) < count:
            await self._look(walked)
            if loop.time() - start > seconds + STALL_SECONDS:
                raise Unavailable(f"{len(walked.ended)} of {count} complaints have ended in time")
            await asyncio.sleep(LOOK_SECONDS)
        await complaining
        return await asyncio.to_thread(self._acknowledged, due)

    async def complain(self) -> str:
        """One complaint at the desk, and the answer to its survey, which waits in the engine; returns its number."""
        self._count += 1
        line = _line(self._count)
        async with self._gate:
            answer = await self._client.post("/api/v1/complaints", json=line)
            if answer.status_code != httpx.codes.CREATED:
                raise Unavailable(f"the desk answered {answer.status_code}: {answer.text[:300]}")
            number = str(answer.json()["number"])
            answers = {"satisfaction": "satisfied", "is_solved": True}
            name = Message.SURVEY_ANSWERED
            await self._surely(number, name, answers)
        return number

    async def _surely(self, number: str, name: str, variables: dict[str, Any]) -> None:
        while True:
            try:
                await self._messages.publish(name, number, f"{number}:{name}", _ANSWERED, variables)
                return
            except Unavailable:  # back pressure
                await asyncio.sleep(LOOK_SECONDS)

    async def _look(self, walked: Walked) -> float | None:
        """See who has ended, and answer the tasks that are open. Returns by how many seconds the tables are behind."""
        ended, tasks, stuck, newest = await asyncio.to_thread(self._read, walked.began)
        walked.ended = {number: ended[number] for number in walked.numbers if number in ended}
        behind = (self._rig.parts.clock.now() - newest).total_seconds() if newest is not None else None
        if stuck:
            raise WrongWay(f"{stuck[0][0]} is stuck: {stuck[0][1][:300]}")
        fresh = {key: element for key, element in tasks.items() if key not in self._answered}
        if odd := sorted(set(fresh.values()) - set(STAFF)):
            raise WrongWay(f"nobody is there for the task {odd[0]}")
        self._answered.update(fresh)
        await asyncio.gather(*(self._answer(key, STAFF[element]) for key, element in fresh.items()))
        return behind

    def _read(
        self, began: datetime
    ) -> tuple[dict[str, datetime], dict[str, str], Sequence[tuple[str, str]], datetime | None]:
        with self._rig.parts.database.read() as tx:
            return (
                walks.ended(tx, COMPLAINT_PROCESS, began),
                walks.open_tasks(tx),
                walks.stuck(tx),
                walks.newest_record(tx),
            )

    async def _answer(self, key: str, variables: Mapping[str, Any]) -> None:
        async with self._gate:
            try:
                await self._rig.user_tasks.complete(key, variables)
            except Unavailable:
                self._answered.discard(key)
            except (NotFound, Conflict):
                pass  # the tables are behind: it was answered already

    def _acknowledged(self, due: Mapping[str, datetime]) -> list[float]:
        with self._rig.parts.database.read() as tx:
            told = walks.messages(tx, ACKNOWLEDGEMENT, due)
        return sorted((each.sent_at - due[each.number]).total_seconds() for each in told if each.sent_at)


@asynccontextmanager
async def load(rig: Rig) -> AsyncIterator[Load]:
    """Customers and staff for the length of the block."""
    headers = {"Authorization": f"Bearer {rig.token}"}
    async with httpx.AsyncClient(
        base_url=rig.desk_url, headers=headers, timeout=60, trust_env=False
    ) as client:
        yield Load(rig, client)


def _line(index: int) -> dict[str, Any]:
    """A complaint about a bill. Every customer complains once, and few from one city: no hot spot comes of it."""
    return {
        "policy": "petition",
        "channel": "web",
        "text": "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。",
        "customer": {
            "name": "测试",
            "phone": f"139{index % 100_000_000:08d}",
            "customer_no": f"BENCH-{index:08d}",
        },
        "region": {"province": "测试省", "city": f"测试{index // 10}市", "branch": "一部"},
        "product": "mobile",
        "occurred_at": "2026-01-05T20:00:00+08:00",
        "external_ref": f"bench-{index}",
    }
