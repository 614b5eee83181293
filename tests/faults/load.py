"""Customers who complain at a steady rate, and staff who work: both over the API, as real clients that try again."""

from __future__ import annotations

import itertools
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

import httpx

from tests.faults.rig import Rig
from workers.bootstrap.parts import SAMPLE_STAFF
from workers.bootstrap.resources import deploy_file
from workers.store import billing, staff

WRONG_BILL: Final = "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。"
LATE_CHANGE: Final = "上周办理的套餐变更到现在还没有生效，去营业厅问了两次都让我等。"
CHARGED_FEN: Final = 3800
CLIENTS: Final = 4
STAFF: Final = 3
GIVE_UP_SECONDS: Final = 180.0
"""How long a client tries to hand in one complaint."""
_TRY_SECONDS: Final = 10.0
_PAUSES: Final = (0.2, 0.5, 1.0, 2.0)
_OK: Final = (200, 201)


@dataclass(frozen=True)
class Accepted:
    """A complaint that the API took: `number` it said; `is_refund` when money is asked back in it."""

    ref: str
    number: str
    is_refund: bool
    seconds: float


@dataclass
class Told:
    """What the clients saw. `unknown`: tried for long and never answered; they may be there, once."""

    accepted: dict[str, Accepted] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    tries_again: Counter[str] = field(default_factory=Counter)


class Load:
    """Complaints at `rate` per second while it flows, and staff who complete every task that is offered.

    Every second complaint asks for money back, which billing knows was charged.

    Args:
        works: whether staff complete tasks.
    """

    def __init__(self, rig: Rig, rate: float, *, works: bool = True) -> None:
        self.told = Told()
        self.completed: Counter[str] = Counter()
        self.odd: Counter[str] = Counter()
        """Answers to staff that nobody should see, by what they said."""
        self._rig = rig
        self._pause = 1 / rate
        self._works = works
        self._serial = itertools.count(1)
        self._flowing = threading.Event()
        self._end = threading.Event()
        self._lock = threading.Lock()
        self._under_way = 0
        self._desk = itertools.count()
        self._staff = _staff()
        self._sent: set[str] = set()
        self._client = httpx.Client(
            headers={"Authorization": f"Bearer {rig.token}"}, timeout=_TRY_SECONDS, trust_env=False
        )

    @contextmanager
    def running(self) -> Iterator[Load]:
        """Staff work for the length of the block; complaints come between `flow` and `rest`."""
        customers = threading.Thread(target=self._complain, name="customers", daemon=True)
        staff = threading.Thread(target=self._work, name="staff", daemon=True)
        customers.start()
        if self._works:
            staff.start()
        try:
            yield self
        finally:
            self._end.set()
            self._flowing.set()
            customers.join()
            if self._works:
                staff.join()
            self._client.close()

    def flow(self) -> None:
        """Complaints come."""
        self._flowing.set()

    def rest(self, seconds: float = GIVE_UP_SECONDS) -> None:
        """No new ones; returns when each has an answer or was given up."""
        self._flowing.clear()
        until = time.monotonic() + seconds
        while self._under_way and time.monotonic() < until:
            time.sleep(0.1)

    def _complain(self) -> None:
        with ThreadPoolExecutor(max(CLIENTS, int(20 / self._pause)), "customer") as pool:
            while not self._end.is_set():
                self._flowing.wait()
                if self._end.is_set():
                    break
                with self._lock:
                    self._under_way += 1
                pool.submit(self._hand_in, next(self._serial))
                self._end.wait(self._pause)

    def _hand_in(self, serial: int) -> None:
        ref = f"load-{serial}"
        try:
            self._submit(ref, serial)
        except Exception as error:
            with self._lock:
                self.told.refused.append(f"{ref}: {error!r}")
        finally:
            with self._lock:
                self._under_way -= 1

    def _submit(self, ref: str, serial: int) -> None:
        is_refund = serial % 2 == 0
        line = complaint(ref, serial, is_refund=is_refund)
        if is_refund:
            self._charge(serial)
        began = time.monotonic()
        for tries in itertools.count():
            answer = self._try(
                "POST", "complaints", line, {"Idempotency-Key": f"{ref}-{self._rig.token[-12:]}"}
            )
            if isinstance(answer, httpx.Response) and answer.status_code in _OK:
                number = str(answer.json()["number"])
                with self._lock:
                    self.told.accepted[ref] = Accepted(ref, number, is_refund, time.monotonic() - began)
                return
            why = answer if isinstance(answer, str) else str(answer.status_code)
            with self._lock:
                self.told.tries_again[why] += 1
            if (
                isinstance(answer, httpx.Response)
                and answer.status_code < 500
                and answer.status_code not in (409, 429)
            ):
                self.told.refused.append(f"{ref}: {answer.status_code} {answer.text[:300]}")
                return
            if time.monotonic() - began > GIVE_UP_SECONDS or self._end.is_set():
                self.told.unknown.append(ref)
                return
            time.sleep(_PAUSES[min(tries, len(_PAUSES) - 1)])

    def _charge(self, serial: int) -> None:
        """Billing has charged the customer; billing's own matter, so that it is tried until it is there."""
        charge = billing.ChargeLine(
            charge_id=f"CH-{serial}",
            customer_no=f"F-{serial:06}",
            kind="charge",
            period="2026-10",
            item="会员包",
            amount_fen=CHARGED_FEN,
        )
        while not self._end.is_set():
            try:
                with self._rig.database.begin() as tx:
                    billing.load(tx, [charge])
                return
            except Exception:
                time.sleep(1)

    def _work(self) -> None:
        with ThreadPoolExecutor(STAFF, "staff") as pool:
            while not self._end.is_set():
                found = self._try("GET", "tasks?limit=500", None, {})
                tasks = found.json() if isinstance(found, httpx.Response) and found.is_success else []
                list(pool.map(self._complete, tasks))
                self._end.wait(0.5)

    def _complete(self, task: Mapping[str, Any]) -> None:
        if self._end.is_set():
            return
        answers = ANSWERS.get(task["form"])
        if answers is None:
            self.odd[f"no answers to {task['form']}"] += 1
            return
        person = self._staff[task["groups"][0]]
        number = task["number"]
        refunds = {each.number for each in list(self.told.accepted.values()) if each.is_refund}
        if task["form"] == "propose-solution" and number in refunds:
            answers = answers | MONEY_BACK
        body = {"as": person, "variables": answers}
        is_again = task["task"] in self._sent
        self._sent.add(task["task"])
        answer = self._try("POST", f"tasks/{task['task']}/completion", body, {})
        if isinstance(answer, str):
            self.odd[answer] += 1
        elif answer.is_success:
            self.completed[task["form"]] += 1
        elif answer.status_code == 403 and is_again:
            pass  # the first answer counted, its record is on the way, and whoever approved may not approve again
        elif answer.status_code not in (404, 409, 503):
            self.odd[f"{answer.status_code} {answer.text[:300]}"] += 1

    def _try(self, method: str, path: str, body: Any, headers: Mapping[str, str]) -> httpx.Response | str:
        """An answer of the next desk, or the name of the error."""
        desks = self._rig.desks
        url = f"{desks[next(self._desk) % len(desks)]}/api/v1/{path}"
        try:
            return self._client.request(method, url, json=body, headers=dict(headers))
        except httpx.TransportError as error:
            return type(error).__name__


def _staff() -> dict[str, str]:
    """Somebody of every group who works everywhere."""
    people = staff.read_file(deploy_file(SAMPLE_STAFF))
    return {group: each.username for each in people if each.province is None for group in each.groups}


def complaint(ref: str, serial: int, *, is_refund: bool) -> dict[str, Any]:
    """One complaint of a customer and a place of its own: many of one place would be an event."""
    return {
        "policy": "petition",
        "channel": "web",
        "text": WRONG_BILL if is_refund else LATE_CHANGE,
        "customer": {
            "name": "钱一一",
            "email": f"customer-{serial}@example.com",
            "phone": f"1390{serial:07}",
            "customer_no": f"F-{serial:06}",
        },
        "region": {"province": f"省{serial}", "city": f"市{serial}", "branch": f"县{serial}"},
        "occurred_at": "2026-10-20T20:00:00+08:00",
        "external_ref": ref,
        "calls_on_holidays": True,
    }


ANSWERS: Final[dict[str, dict[str, Any]]] = {
    "investigate-complaint": {
        "finding": "not-upheld",
        "cause_code": "customer-side",
        "findings": "核查了相关记录。",
    },
    "propose-solution": {
        "solution": "现场处理。",
        "customer_reply": "您反映的问题已处理完毕，谢谢您的监督。",
    },
    "carry-out-solution": {"result": "已处理并验证。"},
    "approve-refund": {"approval": "approve"},
    "classify-complaint": {"category": "tariff-billing"},
}
"""What staff answer, by form."""
MONEY_BACK: Final[dict[str, Any]] = {
    "is_refund_asked": True,
    "refund_kind": "wrong-charge",
    "asked_yuan": CHARGED_FEN / 100,
    "charge_period": "2026-10",
}
