"""Tokens of other systems: what each opens, in whose name, how far it reaches, and when it ends."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.desk.calling import add_token, system
from tests.desk.signing_in import add_account
from tests.desk_server import RunningDesk, add_complaint, add_incident, add_person, add_task
from workers.desk.api_access import EVERY, ROUTES
from workers.errors import Conflict, NotFound, Refused
from workers.store import accounts, api_tokens
from workers.store.account_tables import AuditEntry
from workers.store.api_tables import ApiToken

LINE = {"policy": "petition", "channel": "web", "text": "套餐多扣了费", "customer": {"phone": "13800138000"}}


def test_a_token_opens_what_it_was_given_and_nothing_else(desk: RunningDesk) -> None:
    """The system that registers complaints cannot look at them, and hears which scope it lacks."""
    number = add_complaint(desk)
    with system(desk, "complaints:write") as crm:
        assert crm.post("/api/v1/complaints", json=LINE).status_code == 201
        refused = crm.get(f"/api/v1/complaints/{number}")
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/insufficient-scope")
    assert refused.headers["www-authenticate"] == 'Bearer error="insufficient_scope", scope="complaints:read"'


@pytest.mark.parametrize(("call", "access"), ROUTES.items(), ids=lambda each: str(each)[:60])
def test_every_call_takes_a_scope(
    sqlite_desk_for_module: RunningDesk, call: tuple[str, str], access: object
) -> None:
    """A token without any scope gets nowhere, but where nobody's data is shown."""
    desk, (method, path) = sqlite_desk_for_module, call
    if path.endswith("wording") or "fault-guides" in path:
        assert ROUTES[call].scope == EVERY
        return
    assert ROUTES[call].scope not in {None, EVERY}
    with desk.database.begin() as tx:
        found = tx.get(ApiToken, "none")
        if found is not None:
            tx.delete(found)
    address = path.format(number="TS1", complaint="TS2", key="1", id_="1", sha256="0" * 64, kind="x")
    with system(desk, name="none") as client:
        refused = client.request(method, address, json={} if method != "GET" else None)
    assert refused.json()["type"] == "/problems/insufficient-scope", refused.text


def test_the_store_has_only_a_hash_of_the_token(desk: RunningDesk) -> None:
    token = add_token(desk, "figures:read")
    with desk.database.read() as tx:
        (kept,) = tx.scalars(select(ApiToken))
        assert token not in str(vars(kept))
    assert token.startswith("duban_")


def test_a_token_ends_when_it_is_over_or_taken_back(desk: RunningDesk) -> None:
    with system(desk, "figures:read", name="short", days=1) as short, system(desk, "figures:read") as long:
        assert short.get("/api/v1/figures").status_code == 200
        desk.clock.advance(timedelta(days=1))
        assert (short.get("/api/v1/figures").status_code, long.get("/api/v1/figures").status_code) == (
            401,
            200,
        )
        with desk.database.begin() as tx:
            assert api_tokens.revoke(tx, "crm", desk.clock.now())
            assert not api_tokens.revoke(tx, "crm", desk.clock.now()), "twice is once"
        assert long.get("/api/v1/figures").status_code == 401
        assert long.get("/").status_code in {200, 303}, "pages take no token"


def test_a_token_acts_for_its_person_only_and_with_their_rights(desk: RunningDesk) -> None:
    """It is offered what the person is offered; nobody else's name is taken; the audit names person and token."""
    number = add_complaint(desk)
    key = add_task(desk, number)
    add_person(desk, "lin.qiantai", "front-desk", province="浙江省")
    scopes = ("tasks:read", "tasks:write", "operate", "complaints:write")
    with system(desk, *scopes, username="lin.qiantai") as robot:
        assert [each["task"] for each in robot.get("/api/v1/tasks").json()] == [key]
        answers = {"is_settled": True, "customer_reply": "已处理完毕"}
        path = f"/api/v1/tasks/{key}/completion"
        other = robot.post(path, json={"as": "wang.jingli", "variables": answers})
        assert (other.status_code, other.json()["type"]) == (403, "/problems/forbidden")
        assert robot.get("/api/v1/incidents").status_code == 403, "the scope is not the person's right"
        assert robot.post(path, json={"as": "lin.qiantai", "variables": answers}).status_code == 200
    with desk.database.read() as tx:
        noted = [(e.who, e.action, e.way, e.facts) for e in tx.scalars(select(AuditEntry))]
    assert noted == [("lin.qiantai", "task-completed", "token", {"token": "crm"})]


@pytest.mark.parametrize("leaves", ["the staff file", "by a disabled account", "for another province"])
def test_a_token_is_out_with_its_person(desk: RunningDesk, leaves: str) -> None:
    add_account(desk, "lin.qiantai", "front-desk", province="浙江省")
    with system(desk, "tasks:read", username="lin.qiantai", province="浙江", city="杭州") as robot:
        assert robot.get("/api/v1/tasks").status_code == 200
        if leaves == "the staff file":
            add_person(desk, "lin.qiantai", "front-desk", is_active=False, province="浙江省")
        elif leaves == "for another province":
            add_person(desk, "lin.qiantai", "front-desk", province="江苏省")
        else:
            with desk.database.begin() as tx:
                accounts.disable(tx, "lin.qiantai", desk.clock.now())
        assert robot.get("/api/v1/tasks").status_code == 401


def test_a_token_of_a_region_reaches_no_further(desk: RunningDesk) -> None:
    """It neither sees nor registers nor acts for anybody beyond it."""
    here = add_complaint(desk)
    there = add_complaint(desk, region={"province": "江苏省", "city": "南京市"})
    add_task(desk, here)
    far = add_task(desk, there, key="2251799813685302")
    add_person(desk, "lin.qiantai", "front-desk", province="浙江省", city="杭州市")
    add_person(desk, "sheng.jingli", "front-desk")
    scopes = ("complaints:read", "complaints:write", "tasks:read", "events:write")
    with system(desk, *scopes, province="浙江", city="杭州") as branch:
        assert [each["number"] for each in branch.get("/api/v1/complaints").json()] == [here]
        assert branch.get(f"/api/v1/complaints/{there}").status_code == 403
        assert branch.post(f"/api/v1/complaints/{there}/withdrawal", json={}).status_code == 403
        assert [each["number"] for each in branch.get("/api/v1/tasks").json()] == [here]
        assert branch.get(f"/api/v1/tasks/{far}").status_code == 403
        beyond = {**LINE, "region": {"province": "江苏省"}}
        assert branch.post("/api/v1/complaints", json=beyond).status_code == 403
        assert branch.post("/api/v1/complaints", json=LINE).status_code == 403, "nowhere is not here"
        within = {**LINE, "region": {"province": "浙江省", "city": "杭州市", "branch": "西湖"}}
        assert branch.post("/api/v1/complaints", json=within).status_code == 201
        ask = {"reason": "等待客户提供材料"}
        wide = branch.post(f"/api/v1/complaints/{here}/extension", json={"as": "sheng.jingli", **ask})
        assert (wide.status_code, wide.json()["type"]) == (403, "/problems/forbidden"), "who works everywhere"


def test_a_token_that_names_somebody_names_one_of_the_staff(desk: RunningDesk) -> None:
    """The instance's own token may, where the sample staff are in use, act for any name; no other token may."""
    number = add_complaint(desk)
    with system(desk, "complaints:write") as crm, desk.client() as own:
        ask = {"as": "nobody", "reason": "等待客户提供材料"}
        assert crm.post(f"/api/v1/complaints/{number}/extension", json=ask).status_code == 422
        assert own.post(f"/api/v1/complaints/{number}/extension", json=ask).status_code == 409, (
            "no deadline yet"
        )


def test_it_is_known_when_a_token_was_last_used(desk: RunningDesk) -> None:
    with system(desk, "figures:read") as client:
        client.get("/api/v1/figures")
    with desk.database.read() as tx:
        used_at = tx.scalars(select(ApiToken.used_at)).one()
    assert used_at is not None
    assert timedelta() <= desk.clock.now() - used_at < timedelta(minutes=1)


def test_what_makes_no_token(desk: RunningDesk) -> None:
    add_person(desk, "lin.qiantai", "front-desk", province="浙江省")
    add_token(desk, "figures:read")
    with pytest.raises(Conflict, match="crm"):
        add_token(desk, "figures:read")
    for name in ("CRM", "a b", "", "x" * 65, "phone-13800138000"):
        with pytest.raises(Refused):
            add_token(desk, "figures:read", name=name)
    with pytest.raises(NotFound):
        add_token(desk, "figures:read", name="other", username="nobody")
    with pytest.raises(Refused, match=r"lin\.qiantai"):
        add_token(desk, "figures:read", name="other", username="lin.qiantai", province="江苏省")
    with pytest.raises(Refused):
        add_token(desk, "figures:read", name="other", days=0)


def test_a_closed_route_is_closed_to_tokens(desk: RunningDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(ROUTES, ("GET", "/api/v1/incidents"))
    add_incident(desk, add_complaint(desk))
    with system(desk, "operate") as client:
        assert client.get("/api/v1/incidents").status_code == 403
