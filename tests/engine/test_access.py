"""An engine that asks who is there: TLS, mutual TLS, OAuth, Basic, tenants. Against a scripted gateway and a scripted
token endpoint."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import grpc
import pytest
import trustme

import workers
from tests.engine.hosting import hosting, outcomes, task
from tests.engine.scripted_gateway import ScriptedGateway, until
from workers.engine.access import Access
from workers.engine.broker import connect
from workers.engine.deployment import deploy
from workers.engine.gateway import EngineHandle, Gateway
from workers.engine.messages import Messages
from workers.engine.user_tasks import UserTasks
from workers.errors import Refused, Unavailable
from workers.settings import EngineSettings

SECRET = "s3cret-of-this-client"


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A CA that no system knows."""
    return trustme.CA()


@pytest.fixture
def files(authority: trustme.CA, tmp_path: Path) -> dict[str, Path]:
    """The CA's certificate, and a client's with its key."""
    client = authority.issue_cert("worker@duban.example")
    found = {name: tmp_path / f"{name}.pem" for name in ("ca_file", "cert_file", "key_file")}
    authority.cert_pem.write_to_path(found["ca_file"])
    client.cert_chain_pems[0].write_to_path(found["cert_file"])
    client.private_key_pem.write_to_path(found["key_file"])
    return found


def server_credentials(authority: trustme.CA, *, asks_client: bool = False) -> grpc.ServerCredentials:
    server = authority.issue_cert("127.0.0.1")
    pair = (server.private_key_pem.bytes(), server.cert_chain_pems[0].bytes())
    return grpc.ssl_server_credentials([pair], authority.cert_pem.bytes(), asks_client)


class Endpoint:
    """An HTTP server that answers POST /token as it is told, and everything else with 204 to whoever has the newest
    token."""

    def __init__(self) -> None:
        self.asked: list[dict[str, str]] = []
        self.seen: list[str] = []
        self.lifetime = 3600.0
        self.status = 200
        self.hangs = threading.Event()
        self.hangs.set()
        self.url = ""

    @property
    def token(self) -> str:
        """The one that was given last."""
        return f"token-{len(self.asked)}"

    def answer(self, handler: BaseHTTPRequestHandler) -> tuple[int, dict[str, Any]]:
        length = int(handler.headers.get("content-length") or 0)
        body = handler.rfile.read(length).decode()
        if handler.path != "/token":
            header = handler.headers.get("authorization", "")
            self.seen.append(header)
            return (200, {}) if header == f"Bearer {self.token}" else (401, {})
        self.hangs.wait(30)
        self.asked.append({name: values[0] for name, values in parse_qs(body).items()})
        told = {"access_token": self.token, "expires_in": self.lifetime, "token_type": "Bearer"}
        return self.status, told if self.status == 200 else {"error": f"invalid_client {SECRET}"}


class Server(ThreadingHTTPServer):
    """Says nothing of clients that do not trust it."""

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass


@contextmanager
def endpoint(context: ssl.SSLContext | None = None) -> Iterator[Endpoint]:
    """One that runs."""
    script = Endpoint()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, told = script.answer(self)
            body = json.dumps(told).encode()
            with suppress(BrokenPipeError):  # nobody waits any more
                self.send_response(status)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        def do_GET(self) -> None:
            self.do_POST()

        def log_message(self, *_args: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if (
        context is not None
    ):  # shaken hands with in the connection's own thread, which closes it when that fails
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    script.url = f"{'https' if context else 'http'}://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield script
    finally:
        script.hangs.set()
        server.shutdown()
        server.server_close()
        thread.join()


def oauth(server: Endpoint, **more: Any) -> dict[str, Any]:
    return {
        "oauth_url": f"{server.url}/token",
        "oauth_client_id": "duban",
        "oauth_client_secret": SECRET,
        "oauth_audience": "zeebe-api",
        **more,
    }


def handle(gateway: ScriptedGateway, **settings: Any) -> EngineHandle:
    return EngineHandle(
        f"127.0.0.1:{gateway.port}", "http://127.0.0.1:1", access=Access.of(EngineSettings(**settings))
    )


async def topology(gateway: ScriptedGateway, **settings: Any) -> None:
    async with Gateway(handle(gateway, **settings)) as client:
        await client.topology()


# TLS


def test_a_gateway_with_a_certificate_of_a_ca_of_ones_own(
    authority: trustme.CA, files: dict[str, Path]
) -> None:
    async def story() -> None:
        async with ScriptedGateway(credentials=server_credentials(authority)) as gateway:
            await topology(gateway, tls=True, ca_file=files["ca_file"])
            with pytest.raises(Unavailable):
                await topology(gateway, tls=True)  # the system does not know this CA
            with pytest.raises(Unavailable):
                await topology(gateway)  # no TLS at all

    asyncio.run(story())


def test_mutual_tls_shows_the_client_s_certificate(authority: trustme.CA, files: dict[str, Path]) -> None:
    async def story() -> None:
        async with ScriptedGateway(credentials=server_credentials(authority, asks_client=True)) as gateway:
            await topology(gateway, tls=True, **files)
            with pytest.raises(Unavailable):
                await topology(gateway, tls=True, ca_file=files["ca_file"])

    asyncio.run(story())


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"tls": True, "ca_file": Path("/nowhere/ca.pem")}, "ca.pem"),
        ({"tls": True, "cert_file": Path("/nowhere/c.pem")}, "KEY_FILE"),
        ({"ca_file": Path("/nowhere/ca.pem")}, "TLS=true"),
        ({"oauth_url": "http://127.0.0.1:1"}, "OAUTH_CLIENT_ID"),
        ({"oauth_url": "http://127.0.0.1:1", "oauth_client_id": "x", "basic_user": "y"}, "not both"),
    ],
    ids=["no such file", "half a pair", "no tls", "no client", "two ways"],
)
def test_settings_that_do_not_fit_are_told_at_the_start(settings: dict[str, Any], named: str) -> None:
    async def story() -> None:
        async with connect(EngineSettings(address="127.0.0.1:1", **settings)):
            pass

    with pytest.raises(Refused, match=named):
        asyncio.run(story())


# OAuth


def test_a_token_is_there_before_the_first_call_and_is_asked_for_once() -> None:
    async def story() -> None:
        with endpoint() as server:
            async with ScriptedGateway() as gateway:
                settings = oauth(server, oauth_scope="work")
                async with hosting(gateway, task("work"), handle=handle(gateway, **settings)) as host:
                    for _ in range(5):
                        await gateway.offer("work")
                    await until(lambda: outcomes(host).get("completed") == 5)
                assert {call.metadata.get("authorization") for call in gateway.calls} == {"Bearer token-1"}
            assert server.asked == [
                {
                    "grant_type": "client_credentials",
                    "client_id": "duban",
                    "client_secret": SECRET,
                    "audience": "zeebe-api",
                    "scope": "work",
                }
            ]

    asyncio.run(story())


def test_the_next_token_is_fetched_before_one_runs_out_and_by_one_of_many_gateways() -> None:
    async def story() -> None:
        with endpoint() as server:
            server.lifetime = 3
            async with ScriptedGateway() as gateway:
                there = handle(gateway, **oauth(server))
                async with Gateway(there) as one, Gateway(there) as other:
                    end = time.monotonic() + 7
                    while time.monotonic() < end:
                        await one.topology()
                        await other.topology()
                        await asyncio.sleep(0.1)
                said = [call.metadata.get("authorization") for call in gateway.calls]
            assert None not in said, "never without one"
            assert 3 <= len(server.asked) <= 5, "every two seconds one"
            assert said[-1] == f"Bearer {server.token}"

    asyncio.run(story())


def test_a_token_that_the_gateway_refuses_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """A key of the identity provider was changed: nobody waits until the old token runs out."""
    monkeypatch.setattr("workers.engine.tokens._REFUSED_PAUSE", 0.2)

    async def story() -> None:
        with endpoint() as server:
            async with ScriptedGateway() as gateway:
                there = handle(gateway, **oauth(server))
                async with hosting(gateway, task("work"), handle=there, poll_seconds=0.3) as host:
                    await until(lambda: any(call.name == "ActivateJobs" for call in gateway.calls))
                    await asyncio.sleep(0.3)
                    gateway.faults["ActivateJobs"].append(grpc.StatusCode.UNAUTHENTICATED)
                    await until(lambda: len(server.asked) == 2)
                    await gateway.offer("work")
                    await until(lambda: outcomes(host).get("completed") == 1)
                    assert gateway.calls[-1].metadata["authorization"] == "Bearer token-2"

    asyncio.run(story())


@pytest.mark.parametrize("trouble", ["refuses", "hangs", "is down"])
def test_an_endpoint_in_trouble_blocks_nothing_is_told_and_is_asked_again(
    trouble: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        with endpoint() as server:
            settings = oauth(server, oauth_timeout_seconds=0.5)
            if trouble == "refuses":
                server.status = 401
            elif trouble == "hangs":
                server.hangs.clear()
            else:
                settings["oauth_url"] = "http://127.0.0.1:9/token"
            async with ScriptedGateway() as gateway:
                there = handle(gateway, **settings)
                gateway.always["Topology"] = grpc.StatusCode.UNAUTHENTICATED
                at = time.monotonic()
                async with Gateway(there) as client:
                    assert time.monotonic() - at < 5
                    with pytest.raises(
                        Unavailable, match=r"does not let us in .*token endpoint gives no token"
                    ):
                        await client.topology()
                    if trouble == "is down":
                        return
                    del gateway.always["Topology"]
                    server.status = 200
                    server.hangs.set()
                    assert there.access.tokens is not None
                    await until(lambda: bool(there.access.header))
                    await client.topology()
                    assert gateway.calls[-1].metadata["authorization"].startswith("Bearer token-")

    asyncio.run(story())
    assert "token endpoint gives no token" in caplog.text
    assert SECRET not in caplog.text


def test_the_token_endpoint_is_checked_against_the_same_ca(
    authority: trustme.CA, files: dict[str, Path]
) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)

    async def story() -> None:
        with endpoint(context) as server:
            async with ScriptedGateway(credentials=server_credentials(authority)) as gateway:
                await topology(gateway, **oauth(server, tls=True, ca_file=files["ca_file"]))
                assert gateway.calls[-1].metadata["authorization"] == "Bearer token-1"

    asyncio.run(story())


def test_user_tasks_show_the_same_token_and_a_refused_one_is_replaced_at_once() -> None:
    async def story() -> None:
        with endpoint() as server:
            access = Access.of(EngineSettings(**oauth(server)))
            async with UserTasks(server.url, access) as tasks:
                await tasks.complete("2251799813685249", {})
                assert set(server.seen) == {"Bearer token-1"}
                server.asked.append({})  # the endpoint gave one to somebody else: ours is void
                await tasks.complete("2251799813685249", {})
                assert server.seen[-2:] == ["Bearer token-1", f"Bearer {server.token}"]

    asyncio.run(story())


# Basic, tenants


def test_basic_authentication() -> None:
    async def story() -> None:
        async with ScriptedGateway() as gateway:
            await topology(gateway, basic_user="duban", basic_password=SECRET)
            _, _, told = gateway.calls[-1].metadata["authorization"].partition("Basic ")
            assert base64.b64decode(told).decode() == f"duban:{SECRET}"

    asyncio.run(story())
    assert SECRET not in repr(Access.of(EngineSettings(basic_user="duban", basic_password=SECRET)))


def test_jobs_messages_and_models_are_those_of_the_tenant(tmp_path: Path) -> None:
    model = tmp_path / "model.form"
    model.write_text("{}", encoding="utf-8")

    async def story() -> None:
        async with ScriptedGateway() as gateway:
            there = handle(gateway, tenant="north")
            async with hosting(gateway, task("work"), handle=there):
                await until(lambda: bool(gateway.named("ActivateJobs")))
            async with Gateway(there) as client:
                await Messages(client).publish("started", "1", "1", timedelta(hours=1), {})
                await Messages(client).mark("seen")
            await deploy(there, [model])
            assert gateway.named("ActivateJobs")[0].request.tenantIds == ["north"]
            for name in ("PublishMessage", "BroadcastSignal", "DeployResource"):
                assert {call.request.tenantId for call in gateway.named(name)} == {"north"}, name

    asyncio.run(story())


# Deadlines


def test_no_call_of_the_engine_is_without_a_deadline() -> None:
    """A gateway that takes a call and never answers must not keep anybody for ever."""
    found = [call for file in Path(workers.__file__).parent.rglob("*.py") for call in _stub_calls(file)]
    assert len(found) > 9
    assert [call for call in found if "timeout=" not in call] == []


def _stub_calls(file: Path) -> Iterator[str]:
    """The text of each call of a generated stub, from its name to the closing parenthesis."""
    source = file.read_text(encoding="utf-8")
    for match in re.finditer(r"\bstub\.\w+\(", source):
        depth, end = 1, match.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(source[end], 0)
            end += 1
        yield f"{file.name}: {source[match.start() : end]}"
