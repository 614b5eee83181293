"""The endpoint over real HTTP: what the exporter sends is kept before it is answered, or refused whole."""

from __future__ import annotations

import asyncio
import gzip
import os
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from sqlalchemy import text

from tests.records.streams import ACTION, body, instance, real_records, real_stream, signal, tables
from workers.errors import Unavailable
from workers.records.body import MAX_BYTES
from workers.records.endpoint import RecordsServer
from workers.store.database import Database


@asynccontextmanager
async def listening(database: Database) -> AsyncIterator[tuple[RecordsServer, httpx.AsyncClient]]:
    async with (
        RecordsServer(database) as server,
        httpx.AsyncClient(base_url=server.url, timeout=60, trust_env=False) as client,
    ):
        yield server, client


def test_the_real_stream_is_taken_in_one_request(database: Database) -> None:
    async def story() -> None:
        async with listening(database) as (server, client):
            answer = await client.post("/_bulk", content=real_stream())
            assert (answer.status_code, answer.json()["errors"]) == (200, False)
            assert server.trouble is None

    asyncio.run(story())
    assert tables(database)["record_positions"][0]["position"] == max(one.position for one in real_records())


def test_the_calls_before_the_first_bulk_are_acknowledged(sqlite_database: Database) -> None:
    async def story() -> None:
        async with listening(sqlite_database) as (_, client):
            for path in (
                "/_component_template/zeebe-record",
                "/_index_template/x",
                "/zeebe-record*/_settings",
            ):
                answer = await client.put(path, json={})
                assert answer.is_success
                assert answer.json() == {"acknowledged": True}

    asyncio.run(story())


def test_a_compressed_bulk(sqlite_database: Database) -> None:
    async def story() -> None:
        async with listening(sqlite_database) as (_, client):
            packed = gzip.compress(body([instance(1, 7)]))
            answer = await client.post("/_bulk", content=packed, headers={"content-encoding": "gzip"})
            assert not answer.json()["errors"]

    asyncio.run(story())
    assert len(tables(sqlite_database)["process_instances"]) == 1


@pytest.mark.parametrize("credentials", [None, ("duban", "wrong"), ("somebody", None)])
def test_whoever_does_not_know_the_password_is_sent_away(
    sqlite_database: Database, credentials: tuple[str, str | None] | None
) -> None:
    """Another user of the same machine can't forge records."""

    async def story() -> None:
        async with RecordsServer(sqlite_database) as server:
            address = f"http://{httpx.URL(server.url).netloc.decode().rpartition('@')[2]}"
            auth = credentials and (credentials[0], credentials[1] or server.password)
            async with httpx.AsyncClient(base_url=address, auth=auth, trust_env=False) as client:
                assert (await client.post("/_bulk", content=body([instance(1, 7)]))).status_code == 401
                assert (await client.put("/_index_template/x", json={})).status_code == 401

    asyncio.run(story())
    assert tables(sqlite_database)["process_instances"] == []


MALFORMED = {
    "not JSON": b"%s\nnot json\n" % ACTION,
    "cut off in the middle": body([instance(1, 7), instance(2, 8)])[:-40],
    "cut off after an action line": body([instance(1, 7)]) + ACTION,
    "no action lines": b'{"partitionId":1}\n{"partitionId":1}\n',
    "not an object": b"%s\n[1]\n" % ACTION,
    "not a record": b'%s\n{"partitionId":1}\n' % ACTION,
    "position is text": body([instance(1, 7)]).replace(b'"position":1', b'"position":"1"'),
    "position is true": body([instance(1, 7)]).replace(b'"position":1', b'"position":true'),
    "value is null": b'%s\n{"partitionId":1,"position":1,"timestamp":1,"valueType":"FORM","intent":"CREATED",'
    b'"key":1,"value":null,"recordType":"EVENT"}\n' % ACTION,
    "not text": b"%s\n\xff\xfe\n" % ACTION,
}


@pytest.mark.parametrize("damage", MALFORMED)
def test_a_damaged_bulk_is_refused_whole_and_the_next_one_taken(
    sqlite_database: Database, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with listening(sqlite_database) as (server, client):
            answer = await client.post("/_bulk", content=body([instance(1, 6)]) + MALFORMED[damage])
            assert answer.json()["errors"] is True
            sentence = answer.json()["items"][0]["index"]["error"]["reason"]
            assert server.trouble == sentence
            assert sentence in caplog.text
            assert tables(sqlite_database)["process_instances"] == []

            answer = await client.post("/_bulk", content=body([instance(1, 7)]))
            assert answer.json()["errors"] is False
            assert server.trouble is None

    asyncio.run(story())
    assert [row["key"] for row in tables(sqlite_database)["process_instances"]] == ["7"]


@pytest.mark.parametrize(
    ("content", "encoding", "status"),
    [
        (b"\n" * (MAX_BYTES + 1), "identity", 413),
        (gzip.compress(b"\n" * (MAX_BYTES + 1)), "gzip", 413),
        (b"plain", "gzip", 200),
        (gzip.compress(body([instance(1, 7)]))[:-9], "gzip", 200),
        (b"", "br", 200),
    ],
    ids=["too large", "a bomb", "not gzip", "gzip cut off", "another encoding"],
)
def test_a_body_that_cannot_be_taken_in(
    sqlite_database: Database, content: bytes, encoding: str, status: int
) -> None:
    async def story() -> None:
        async with listening(sqlite_database) as (_, client):
            answer = await client.post("/_bulk", content=content, headers={"content-encoding": encoding})
            assert answer.status_code == status
            assert answer.json()["errors"] is True

    asyncio.run(story())


def test_an_empty_bulk_is_no_trouble(sqlite_database: Database) -> None:
    async def story() -> None:
        async with listening(sqlite_database) as (_, client):
            assert (await client.post("/_bulk", content=b"")).json()["errors"] is False

    asyncio.run(story())


def test_a_store_that_does_not_take_it_is_said_and_tried_again(sqlite_database: Database) -> None:
    async def story() -> None:
        async with listening(sqlite_database) as (server, client):
            with sqlite_database.begin() as tx:
                tx.execute(text("alter table process_instances rename to gone"))
            answer = await client.post("/_bulk", content=body([instance(1, 7)]))
            assert answer.status_code == 503
            assert server.trouble == "The store did not take the batch: OperationalError."
            with sqlite_database.begin() as tx:
                tx.execute(text("alter table gone rename to process_instances"))
            assert (await client.post("/_bulk", content=body([instance(1, 7)]))).json()["errors"] is False

    asyncio.run(story())
    assert len(tables(sqlite_database)["process_instances"]) == 1


def test_the_same_bulk_from_two_sides_at_once_counts_once(database: Database) -> None:
    """Two partitions send at the same time, and a bulk whose answer was late is sent again beside itself."""

    async def story() -> None:
        async with listening(database) as (_, client), RecordsServer(database) as other:
            whole = real_stream()
            async with httpx.AsyncClient(base_url=other.url, timeout=60, trust_env=False) as second:
                sent = [side.post("/_bulk", content=whole) for side in (client, second, client, second)]
                answers = [answer.json() for answer in await asyncio.gather(*sent)]
            assert all(not answer["errors"] for answer in answers)
            assert sorted(answer["applied"] for answer in answers) == [0, 0, 0, len(real_records())]

    asyncio.run(story())


def test_whoever_waits_is_woken_by_a_batch(sqlite_database: Database) -> None:
    async def story() -> None:
        async with listening(sqlite_database) as (server, client):
            assert await server.progress.wait_for_change(0, 0.01) == 0
            waiter = asyncio.create_task(server.progress.wait_for_change(0, 30))
            await client.post("/_bulk", content=body([instance(1, 7)]))
            assert await waiter == 1
            await client.post("/_bulk", content=body([instance(1, 7)]))
            assert server.progress.batches == 1, "a repetition changes nothing, so it wakes nobody"

    asyncio.run(story())


def test_a_mark_is_seen_only_by_who_looks_out_for_it(sqlite_database: Database) -> None:
    async def story() -> None:
        async with listening(sqlite_database) as (server, client):
            server.progress.expect("duban-mark-a")
            marks = [
                signal(1, "duban-mark-a"),
                signal(2, "duban-mark-b"),
                signal(1, "duban-mark-a", partition=2),
            ]
            await client.post("/_bulk", content=body(marks))
            assert server.progress.seen("duban-mark-a") == {1, 2}
            assert server.progress.seen("duban-mark-b") == frozenset()
            assert server.progress.activity == 0
            server.progress.forget("duban-mark-a")
            assert server.progress.seen("duban-mark-a") == frozenset()

    asyncio.run(story())


def test_a_request_that_is_cut_off_leaves_nothing_behind(sqlite_database: Database) -> None:
    async def story() -> None:
        async with listening(sqlite_database) as (server, client):
            address = httpx.URL(server.url)
            _, writer = await asyncio.open_connection(address.host, address.port)
            head = client.build_request("POST", "/_bulk", headers={"content-length": "100000"})
            auth = httpx.BasicAuth("duban", server.password)
            head = next(auth.auth_flow(head))
            lines = [f"{name}: {value}" for name, value in head.headers.items()]
            writer.write(
                "\r\n".join(["POST /_bulk HTTP/1.1", *lines, "", ""]).encode() + body([instance(1, 6)])
            )
            await writer.drain()
            writer.close()
            await writer.wait_closed()
            assert (await client.post("/_bulk", content=body([instance(1, 7)]))).json()["errors"] is False

    asyncio.run(story())
    assert [row["key"] for row in tables(sqlite_database)["process_instances"]] == ["7"]


def test_a_taken_port_is_said(sqlite_database: Database) -> None:
    async def story() -> None:
        with socket.socket() as holder:
            holder.bind(("127.0.0.1", 0))
            holder.listen()
            with pytest.raises(Unavailable, match=r"Port \d+ for the record stream"):
                async with RecordsServer(sqlite_database, port=holder.getsockname()[1]):
                    pytest.fail("it listens on a port of somebody else's")

    asyncio.run(story())


def test_it_is_gone_after_its_block(sqlite_database: Database) -> None:
    async def story() -> None:
        async with RecordsServer(sqlite_database) as server:
            address = httpx.URL(server.url)
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection(address.host, address.port)

    asyncio.run(story())


def test_tens_of_thousands_of_repetitions_pass_in_seconds(sqlite_database: Database) -> None:
    """Not a measurement: a guard against a quadratic mistake."""
    many = [instance(position, 1_000_000 + position) for position in range(1, 30_001)]

    async def story() -> None:
        async with listening(sqlite_database) as (_, client):
            for start in range(0, len(many), 10_000):
                await client.post("/_bulk", content=body(many[start : start + 10_000]))
            began = time.monotonic()
            for start in range(0, len(many), 1_000):
                answer = await client.post("/_bulk", content=body(many[start : start + 1_000]))
                assert answer.json() == {"took": 0, "errors": False, "items": [], "applied": 0}
            assert time.monotonic() - began < 30 * (1 + os.getloadavg()[0])

    asyncio.run(story())
