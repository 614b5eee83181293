"""One call of every route that is answered unless the person may not make it; for the access matrix."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import httpx

from tests.desk_server import DEFINITION, RunningDesk, add_complaint, add_incident, add_task
from workers.store import complaints, incidents, stuck

OWN_ACCOUNT: Final = frozenset({"/me", "/login", "/logout", "/password", "/login/provider"})
"""About one's own session and password; tests/desk/test_signing_in.py."""

_KEYS = itertools.count(2251799814000001)
_LETTER: Final = "客户来信：多扣三十元，要求核查。".encode()


@dataclass
class Scene:
    """What there is to act on in one place; each thing is made when it is first asked for."""

    desk: RunningDesk
    client: httpx.Client
    place: Mapping[str, str]

    def address(self, path: str) -> str:
        """The path with what its parameters stand for."""
        for name in (
            "number",
            "complaint",
            "key",
            "sha256",
            "id_",
            "definition_key",
            "kind",
            "name",
            "cause",
        ):
            if f"{{{name}}}" in path:
                path = path.replace(f"{{{name}}}", str(self._value(name, path)))
        return path.replace("{anything:path}", "nothing")

    def _value(self, name: str, path: str) -> object:
        if name == "number":
            return self.event if "/events/" in path else self.run if "/retention/" in path else self.complaint
        if name == "key":
            return (
                self.incident
                if "/incidents/" in path
                else self.progress
                if path.startswith("/p/")
                else self.task
            )
        fixed = {"definition_key": DEFINITION, "kind": "network", "name": "refused"}
        made = {
            "sha256": lambda: self.evidence,
            "id_": lambda: self.suggestion,
            "cause": lambda: self.cause,
            "complaint": lambda: self.complaint,
        }
        return fixed.get(name) or made[name]()

    @cached_property
    def complaint(self) -> str:
        """A complaint that somebody else has."""
        number = add_complaint(self.desk, region=self.place)
        with self.desk.database.begin() as tx:
            found = complaints.get(tx, number)
            found.owner_group, found.owner_person = "network-operations", "somebody.else"
        return number

    @cached_property
    def progress(self) -> str:
        """What the customer's link has in it."""
        with self.desk.database.read() as tx:
            return complaints.get(tx, self.complaint).progress_key or ""

    @cached_property
    def task(self) -> str:
        """A task of the front desk."""
        return add_task(self.desk, self.complaint, key=str(next(_KEYS)))

    @cached_property
    def incident(self) -> str:
        """Stuck work."""
        return add_incident(self.desk, self.complaint, key=str(next(_KEYS)))

    @cached_property
    def cause(self) -> str:
        """Why it is stuck."""
        with self.desk.database.read() as tx:
            return stuck.one(tx, self.incident).cause

    @cached_property
    def evidence(self) -> str:
        """A file of the complaint."""
        asked = {"as": "somebody.else", "kind": "document", "name": "letter.txt"}
        return str(
            self._post(f"/complaints/{self.complaint}/evidence", params=asked, content=_LETTER)["sha256"]
        )

    @cached_property
    def event(self) -> str:
        """A major event that somebody of the city has."""
        number = str(self._post("/events", json=report(self) | {"as": "somebody.else"})["number"])
        with self.desk.database.begin() as tx:
            found = incidents.get(tx, number)
            found.status, found.tier = "declared", "city"
            found.owner_group, found.owner_person = "city-management", "somebody.else"
        return number

    @cached_property
    def run(self) -> str:
        """A run of record retention."""
        return str(self._post("/retention", json={"as": "operations.here"})["number"])

    @cached_property
    def suggestion(self) -> int:
        """A suggestion for the front desk, out of the complaint."""
        body = {"as": "somebody.else", "text": "改进", "number": self.complaint, "group": "front-desk"}
        return int(self._post("/suggestions", json=body)["id"])

    def _post(self, path: str, **sent: Any) -> Any:
        return self.client.post(f"/api/v1{path}", **sent).raise_for_status().json()


def line(scene: Scene) -> dict[str, Any]:
    """A complaint to hand in."""
    customer = {"name": "王小明", "phone": "13800138000"}
    return {
        "policy": "petition",
        "channel": "phone",
        "text": "断网",
        "customer": customer,
        "region": scene.place,
    }


def ticket(scene: Scene) -> dict[str, Any]:
    """The same as a trouble ticket."""
    medium = [{"phoneNumber": "13800138000"}]
    party = {"role": "customer", "partyOrPartyRole": {"name": "王小明", "contactMedium": medium}}
    place = [{"name": name, "value": value} for name, value in scene.place.items()]
    return {"description": "断网", "relatedParty": [party], "troubleTicketCharacteristic": place}


def report(scene: Scene) -> dict[str, Any]:
    """An event to report."""
    return {"policy": "petition", "kind": "network-outage", "region": scene.place, "affected_users": 30}


@dataclass(frozen=True)
class Call:
    """How a route is called.

    Attributes:
        make: what httpx is given, of the scene and the username.
        also: answers that say as well that the person may: what is asked for is not there, or was done meanwhile.
        is_of_a_case: the case is not in the address; the route is asked for both regions.
        is_endless: the answer does not end.
    """

    make: Callable[[Scene, str], dict[str, Any]] = lambda _scene, _who: {}
    also: frozenset[int] = frozenset({409})
    is_of_a_case: bool = False
    is_endless: bool = False


def _json(**fixed: Any) -> Call:
    """A body that needs to know of the scene at most `as`."""
    return Call(lambda _scene, who: {"json": {"as": who, **fixed}})


def _form(**fixed: str) -> Call:
    return Call(lambda _scene, _who: {"data": fixed})


_PLAIN: Final = Call()
_MOVES: Final = Call(lambda _scene, _who: {"params": {"process": "x", "from": 1}}, frozenset({404}))
_AS: Final = Call(lambda _scene, who: {"params": {"as": who}}, frozenset({404, 409}))
_C: Final = "/api/v1/complaints"
_E: Final = "/api/v1/events"
_T: Final = "/api/v1/tmf621/troubleTicket"
_ANSWERS: Final = {"is_settled": True, "customer_reply": "已处理"}

CALLS: Final[dict[tuple[str, str], Call]] = {
    ("GET", "/healthz"): _PLAIN,
    ("GET", "/readyz"): _PLAIN,
    ("GET", "/"): _PLAIN,
    ("GET", "/{anything:path}"): Call(also=frozenset({404})),
    ("GET", "/problems/{name}"): _PLAIN,
    ("GET", "/inbox"): _PLAIN,
    ("GET", "/live"): Call(is_endless=True),
    ("GET", "/overview/period"): _PLAIN,
    ("GET", "/overview.xlsx"): _PLAIN,
    ("GET", "/overview.csv"): Call(lambda _scene, _who: {"params": {"table": "now-groups"}}),
    ("GET", "/overview.png"): _PLAIN,
    ("GET", "/complaints"): _PLAIN,
    ("GET", "/complaints/{number}"): _PLAIN,
    ("GET", "/front-desk"): _PLAIN,
    ("POST", "/front-desk"): _form(wanted="王小明"),
    ("GET", "/front-desk/register"): _PLAIN,
    ("POST", "/front-desk/register"): Call(
        lambda scene, _who: {
            "json": {"submission": secrets.token_hex(16), "complaint": line(scene), "place": "杭州"}
        }
    ),
    ("GET", "/events"): _PLAIN,
    ("GET", "/events/{number}"): _PLAIN,
    ("GET", "/events/report"): _PLAIN,
    ("POST", "/events/report"): _form(
        policy="petition", kind="network-outage", province="浙江", affected_users="30"
    ),
    ("POST", "/events/{number}/raise"): _form(round="0", reason="超出权限"),
    ("POST", "/events/{number}/hand-back"): _form(round="0", reason="本级可处置"),
    ("POST", "/events/{number}/attach"): Call(lambda scene, _who: {"data": {"numbers": scene.complaint}}),
    ("POST", "/events/{number}/complaints/{complaint}/detach"): _form(reason="不属于此事件"),
    ("POST", "/events/{number}/tell"): _form(news="抢修中"),
    ("POST", "/events/{number}/tell/send"): _form(news="抢修中", id="0123456789", seen="0"),
    ("GET", "/tasks/{key}"): _PLAIN,
    ("POST", "/tasks/{key}/completion"): Call(lambda _scene, _who: {"json": {"variables": _ANSWERS}}),
    ("POST", "/tasks/{key}/colleague"): Call(
        lambda _scene, who: {"data": {"to": "front-desk.here", "note": "请接手"}}
    ),
    ("POST", "/tasks/claim"): Call(lambda scene, _who: {"data": {"only": scene.task}}, is_of_a_case=True),
    ("POST", "/tasks/release"): Call(lambda scene, _who: {"data": {"only": scene.task}}, is_of_a_case=True),
    ("GET", "/processes/{definition_key}/diagram.bpmn"): Call(also=frozenset({404})),
    ("GET", "/p/{key}"): _PLAIN,
    ("GET", "/progress/{number}"): Call(lambda scene, _who: {"params": {"key": scene.progress}}),
    ("POST", "/progress/{number}/survey"): Call(
        lambda scene, _who: {"data": {"key": scene.progress, "satisfaction": "satisfied", "is_solved": "yes"}}
    ),
    ("POST", "/progress/{number}/appeal"): Call(
        lambda scene, _who: {"data": {"key": scene.progress, "reason": "不认可"}}
    ),
    ("POST", "/progress/{number}/note"): Call(
        lambda scene, _who: {"data": {"key": scene.progress, "text": "请尽快", "submission": "a1"}}
    ),
    ("POST", _C): Call(lambda scene, _who: {"json": line(scene)}),
    ("POST", f"{_C}/similar"): Call(
        lambda _scene, _who: {"json": {"phone": "13900001001", "place": "浙江 杭州 西湖"}}
    ),
    ("GET", _C): _PLAIN,
    ("GET", f"{_C}/{{number}}"): _PLAIN,
    ("POST", f"{_C}/{{number}}/withdrawal"): Call(lambda _scene, _who: {"json": {"reason": "已解决"}}),
    ("POST", f"{_C}/{{number}}/extension"): _json(reason="需上门"),
    ("POST", f"{_C}/{{number}}/survey"): Call(
        lambda _scene, _who: {"json": {"satisfaction": "satisfied", "is_solved": True}}
    ),
    ("POST", f"{_C}/{{number}}/appeal"): Call(lambda _scene, _who: {"json": {"reason": "不认可"}}),
    ("POST", f"{_C}/{{number}}/evidence"): Call(
        lambda _scene, who: {"params": {"as": who, "kind": "document", "name": "a.txt"}, "content": _LETTER}
    ),
    ("GET", f"{_C}/{{number}}/evidence"): _PLAIN,
    ("GET", f"{_C}/{{number}}/evidence/{{sha256}}"): _AS,
    ("GET", f"{_C}/{{number}}/notes"): _AS,
    ("POST", f"{_C}/{{number}}/notes"): _json(text="客户来电催办"),
    ("GET", f"{_C}/{{number}}/marks"): _AS,
    ("POST", f"{_C}/{{number}}/marks"): _json(mark="malicious", grounds="同一问题一日内投诉三十次"),
    ("POST", f"{_C}/{{number}}/marks/reversal"): _json(mark="malicious", grounds="核实后撤销"),
    ("GET", f"{_C}/{{number}}/case-file"): Call(
        lambda _scene, who: {"params": {"as": who, "for": "authority"}}, frozenset({404})
    ),
    ("GET", "/api/v1/tasks"): _AS,
    ("GET", "/api/v1/tasks/{key}"): _PLAIN,
    ("POST", "/api/v1/tasks/{key}/completion"): _json(variables=_ANSWERS),
    ("POST", "/api/v1/wording"): Call(lambda _scene, _who: {"json": {"text": "您好"}}),
    ("GET", "/api/v1/fault-guides"): _PLAIN,
    ("GET", "/api/v1/fault-guides/{kind}"): _PLAIN,
    ("GET", "/api/v1/rectifications"): _PLAIN,
    ("POST", _E): Call(lambda scene, who: {"json": report(scene) | {"as": who}}),
    ("GET", _E): _PLAIN,
    ("GET", f"{_E}/{{number}}"): _PLAIN,
    ("POST", f"{_E}/{{number}}/complaints"): Call(
        lambda scene, who: {"json": {"as": who, "complaints": [scene.complaint]}}
    ),
    ("POST", f"{_E}/{{number}}/complaints/{{complaint}}/detachment"): _json(),
    ("POST", f"{_E}/{{number}}/raise"): _json(),
    ("POST", f"{_E}/{{number}}/hand-back"): _json(reason="本级可处置"),
    ("POST", f"{_E}/{{number}}/news/preview"): _json(news="抢修中"),
    ("POST", f"{_E}/{{number}}/news"): _json(news="抢修中"),
    ("GET", _T): _PLAIN,
    ("POST", _T): Call(lambda scene, _who: {"json": ticket(scene)}),
    ("GET", f"{_T}/{{number}}"): _PLAIN,
    ("PATCH", f"{_T}/{{number}}"): Call(lambda _scene, _who: {"json": {"status": "cancelled"}}),
    ("POST", "/api/v1/search"): _json(wanted="王小明"),
    ("GET", "/api/v1/retention"): _PLAIN,
    ("POST", "/api/v1/retention"): _json(),
    ("GET", "/api/v1/retention/{number}"): _PLAIN,
    ("GET", "/api/v1/incidents"): _PLAIN,
    ("POST", "/api/v1/incidents/{key}/retry"): _PLAIN,
    ("GET", "/api/v1/incidents/{key}"): _PLAIN,
    ("POST", "/api/v1/incidents/retry"): Call(
        lambda scene, who: {"json": {"as": who, "cause_id": scene.cause}}, is_of_a_case=True
    ),
    ("GET", "/api/v1/migrations"): _MOVES,
    ("POST", "/api/v1/migrations"): Call(
        lambda _scene, who: {"json": {"as": who, "process": "x", "from": 1}}, frozenset({404})
    ),
    ("GET", "/api/v1/migrations/{id_}"): Call(also=frozenset({404})),
    ("GET", "/operations/migration"): _MOVES,
    ("POST", "/operations/migration"): Call(
        lambda _scene, _who: {"data": {"process": "x", "from": "1"}}, frozenset({404})
    ),
    ("GET", "/operations/migrations/{id_}"): Call(also=frozenset({404})),
    ("GET", "/api/v1/causes"): _PLAIN,
    ("GET", "/api/v1/outbox"): _PLAIN,
    ("POST", "/api/v1/outbox/resend"): _json(),
    ("GET", "/api/v1/alerts"): _PLAIN,
    ("POST", "/api/v1/alerts/test"): Call(lambda _scene, who: {"json": {"as": who}}, frozenset({409})),
    ("GET", "/operations/alerts"): _PLAIN,
    ("POST", "/operations/alerts/test"): Call(also=frozenset({409})),
    ("POST", "/operations/alerts/resend"): Call(
        lambda _scene, _who: {"data": {"id": "999999"}}, frozenset({404})
    ),
    ("GET", "/api/v1/timers"): _PLAIN,
    ("GET", "/api/v1/versions"): _PLAIN,
    ("GET", "/api/v1/heat"): Call(lambda _scene, _who: {"params": {"process": "x"}}, frozenset({404})),
    ("GET", "/api/v1/workers"): _PLAIN,
    ("GET", "/operations"): _PLAIN,
    ("GET", "/operations/causes/{cause}"): _PLAIN,
    ("POST", "/operations/causes/{cause}/retry"): _PLAIN,
    ("GET", "/operations/incidents/{key}"): _PLAIN,
    ("POST", "/operations/incidents/{key}/retry"): _PLAIN,
    ("GET", "/operations/outbox"): _PLAIN,
    ("POST", "/operations/outbox/resend"): _PLAIN,
    ("GET", "/operations/timers"): _PLAIN,
    ("GET", "/operations/versions"): _PLAIN,
    ("GET", "/operations/heat"): _PLAIN,
    ("GET", "/operations/workers"): _PLAIN,
    ("GET", "/api/v1/figures"): _PLAIN,
    ("POST", "/api/v1/suggestions"): _json(text="改进"),
    ("GET", "/api/v1/suggestions"): _PLAIN,
    ("POST", "/api/v1/suggestions/{id_}/decision"): _json(status="accepted"),
    ("POST", "/api/v1/clock/advance"): Call(lambda _scene, _who: {"json": {"by": "PT1M"}}),
}
