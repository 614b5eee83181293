"""The sender: once each, whatever goes wrong, in the time of the injected clock."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from tests.notifications.mail_servers import free_port, sms_server, smtp_server
from tests.notifications.sender_stage import PATIENCE, counts, fill, running, until
from workers.clock import MovedClock
from workers.errors import Refused, RetryLater
from workers.notifications import sender as sending
from workers.notifications.channels.channel import Channel, Delivery
from workers.notifications.channels.choice import open_channels
from workers.notifications.channels.sms_gateway import SmsGateway
from workers.notifications.channels.smtp import Smtp
from workers.notifications.sender import Sender
from workers.settings import NotificationSettings
from workers.store import outbox
from workers.store.database import Database
from workers.store.tables import OutboxMessage


class Recorder:
    """A channel that keeps what it is given, and does what it is told before."""

    def __init__(self, before: Callable[[Delivery], None] = lambda _: None) -> None:
        self.taken: list[Delivery] = []
        self._before = before

    def deliver(self, message: Delivery) -> None:
        self._before(message)
        self.taken.append(message)

    def close(self) -> None:
        pass


def rows(database: Database, number: str = "TS-sms-0") -> OutboxMessage:
    with database.read() as tx:
        (message,) = outbox.of_number(tx, number)
        return message


def sender_of(
    database: Database, clock: MovedClock, channels: dict[str, Channel], **settings: float | int
) -> Sender:
    return Sender(database, channels, clock, NotificationSettings.model_validate(settings))


def test_an_outage_delays_and_loses_nothing(sqlite_database: Database) -> None:
    clock, port = MovedClock(), free_port()
    fill(sqlite_database, clock, 3, "email")
    channel = Smtp(NotificationSettings(smtp_port=port, smtp_from="care@example.com"))
    sender = sender_of(sqlite_database, clock, {"email": channel})

    async def story() -> None:
        async with running(sender):
            await until(lambda: all(rows(sqlite_database, f"TS-email-{n}").last_error for n in range(3)))
            assert "cannot be reached" in (rows(sqlite_database, "TS-email-0").last_error or "")
            await until(sender.is_settled)  # nothing is due until the clock moves
            assert counts(sqlite_database)["pending"] == 3
            with smtp_server(port) as mailbox:
                clock.advance(timedelta(minutes=1))
                await until(lambda: counts(sqlite_database)["sent"] == 3, sender)
                assert len(mailbox.mails) == 3
                assert len({mail["Message-ID"] for mail in mailbox.mails}) == 3

    asyncio.run(story())


def test_a_server_that_says_451_and_then_250_has_the_mail_once(sqlite_database: Database) -> None:
    clock = MovedClock()
    fill(sqlite_database, clock, 1, "email")
    with smtp_server() as mailbox:
        mailbox.recipient_answers = ["451 4.3.0 later, wang@example.com"]
        sender = sender_of(
            sqlite_database, clock, {"email": Smtp(NotificationSettings(smtp_port=mailbox.port))}
        )

        async def story() -> None:
            async with running(sender):
                await until(lambda: rows(sqlite_database, "TS-email-0").last_error is not None)
                waiting = rows(sqlite_database, "TS-email-0")
                assert waiting.last_error == "the SMTP server answered 451 to the recipient"
                wait = (waiting.next_attempt_at - clock.now()).total_seconds()
                assert 0 < wait <= 36, "30 s, give or take a fifth"
                clock.advance(timedelta(seconds=40))
                await until(lambda: rows(sqlite_database, "TS-email-0").status == "sent", sender)

        asyncio.run(story())
        assert len(mailbox.mails) == 1
    sent = rows(sqlite_database, "TS-email-0")
    assert (sent.attempts, sent.last_error) == (2, None)


def test_a_refused_mail_is_a_dead_letter_at_once_and_can_be_sent_again(sqlite_database: Database) -> None:
    clock = MovedClock()
    fill(sqlite_database, clock, 1, "email")
    with smtp_server() as mailbox:
        mailbox.recipient_answers = ["550 5.1.1 wang@example.com unknown"]
        sender = sender_of(
            sqlite_database, clock, {"email": Smtp(NotificationSettings(smtp_port=mailbox.port))}
        )

        async def story() -> None:
            async with running(sender):
                await until(lambda: counts(sqlite_database)["dead"] == 1)
                dead = rows(sqlite_database, "TS-email-0")
                assert (dead.attempts, dead.last_error) == (
                    1,
                    "the SMTP server answered 550 to the recipient",
                )
                with sqlite_database.begin() as tx:
                    outbox.resend(tx, dead.id, clock.now())
                await until(lambda: counts(sqlite_database)["sent"] == 1, sender)

        asyncio.run(story())
        assert len(mailbox.mails) == 1


def test_waits_grow_and_end_as_a_dead_letter(sqlite_database: Database) -> None:
    def away(_: Delivery) -> None:
        raise RetryLater("nobody there")

    clock, waits = MovedClock(), list[float]()
    fill(sqlite_database, clock)
    sender = sender_of(
        sqlite_database, clock, {"sms": Recorder(away)}, max_attempts=5, retry_longest_seconds=1000
    )

    async def story() -> None:
        async with running(sender):
            for attempt in range(1, 5):
                await until(lambda n=attempt: rows(sqlite_database).attempts == n)  # type: ignore[misc]
                await until(lambda: rows(sqlite_database).claimed_until is None)
                wait = rows(sqlite_database).next_attempt_at - clock.now()
                waits.append(wait.total_seconds())
                clock.advance(wait + timedelta(seconds=1))
                sender.wake()
            await until(lambda: rows(sqlite_database).status == "dead")

    asyncio.run(story())
    for wait, middle in zip(waits, (30, 120, 480, 1000), strict=True):
        assert middle * 0.8 - 5 <= wait <= middle * 1.2
    assert rows(sqlite_database).last_error == "nobody there"


def test_a_wait_that_the_gateway_asks_for_is_kept(sqlite_database: Database) -> None:
    clock = MovedClock()
    fill(sqlite_database, clock)
    with sms_server() as server:
        server.answers = [(429, {"Retry-After": "7200"})]
        channel = SmsGateway(NotificationSettings(sms_gateway_url=server.url), clock)
        sender = sender_of(sqlite_database, clock, {"sms": channel})

        async def story() -> None:
            async with running(sender):
                await until(lambda: rows(sqlite_database).last_error is not None)
                assert rows(sqlite_database).next_attempt_at - clock.now() > timedelta(minutes=119)
                clock.advance(timedelta(hours=2, seconds=1))
                await until(lambda: rows(sqlite_database).status == "sent", sender)

        asyncio.run(story())
        channel.close()
    assert len({headers["Idempotency-Key"] for headers in server.headers}) == 1


def test_eight_senders_deliver_each_message_once(database: Database) -> None:
    clock, recorder = MovedClock(), Recorder()
    fill(database, clock, 60)
    senders = [sender_of(database, clock, {"sms": recorder}) for _ in range(8)]

    async def story() -> None:
        async with running(*senders):
            await until(lambda: counts(database)["sent"] == 60)

    asyncio.run(story())
    assert Counter(message.id for message in recorder.taken).most_common(1)[0][1] == 1
    assert len(recorder.taken) == 60


def test_a_channel_that_hangs_delays_no_other(sqlite_database: Database) -> None:
    clock, gate, mails = MovedClock(), threading.Event(), Recorder()
    fill(sqlite_database, clock, 8, "sms")
    fill(sqlite_database, clock, 8, "email")

    def hang(_: Delivery) -> None:
        assert gate.wait(PATIENCE)

    slow = Recorder(hang)
    sender = sender_of(sqlite_database, clock, {"sms": slow, "email": mails}, parallel=2)

    async def story() -> None:
        async with running(sender):
            await until(lambda: len(mails.taken) == 8)
            assert slow.taken == []
            assert not sender.is_settled()
            gate.set()
            await until(lambda: counts(sqlite_database)["sent"] == 16)
            await until(sender.is_settled)  # the last one is written down a moment before it is let go

    asyncio.run(story())


def test_a_jump_of_the_clock_past_the_lease_sends_nothing_twice(sqlite_database: Database) -> None:
    clock, gate, entered = MovedClock(), threading.Event(), threading.Event()
    fill(sqlite_database, clock)

    def hang_once(message: Delivery) -> None:
        if message.number == "TS-sms-0":
            entered.set()
            assert gate.wait(PATIENCE)

    recorder = Recorder(hang_once)
    sender = sender_of(sqlite_database, clock, {"sms": recorder})

    async def story() -> None:
        async with running(sender):
            await until(entered.is_set)
            clock.advance(timedelta(hours=25))
            fill(sqlite_database, clock, prefix="later")
            await until(lambda: rows(sqlite_database, "later-sms-0").status == "sent", sender)
            gate.set()
            await until(lambda: rows(sqlite_database).status == "sent")

    asyncio.run(story())
    assert [message.number for message in recorder.taken] == ["later-sms-0", "TS-sms-0"]


def test_a_delivery_that_lasts_longer_than_its_lease_is_no_other_sender_s(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A slow mail server: who delivers keeps the message, and a second sender does not deliver it, too."""
    monkeypatch.setattr(sending, "RENEW_SECONDS", 0.05)
    clock, gate, entered = MovedClock(), threading.Event(), threading.Event()
    fill(sqlite_database, clock)

    def hang(_message: Delivery) -> None:
        entered.set()
        assert gate.wait(PATIENCE)

    def is_renewed() -> bool:
        claimed_until = rows(sqlite_database).claimed_until
        return claimed_until is not None and claimed_until - clock.now() > sending.LEASE * 3 / 4

    slow, other = Recorder(hang), Recorder()
    first, second = (sender_of(sqlite_database, clock, {"sms": each}) for each in (slow, other))

    async def story() -> None:
        async with running(first):
            await until(entered.is_set)
            async with running(second):
                for _ in range(4):
                    clock.advance(sending.LEASE / 2)
                    await until(is_renewed, second)
                gate.set()
                await until(lambda: rows(sqlite_database).status == "sent")

    asyncio.run(story())
    assert len(slow.taken) == 1 and other.taken == []


def test_an_error_of_a_channel_never_ends_the_sender_nor_tells_what_it_saw(
    sqlite_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    clock = MovedClock()
    fill(sqlite_database, clock, 2)

    def fail_first(message: Delivery) -> None:
        if message.number == "TS-sms-0":
            raise ValueError(f"cannot write to {message.address}")

    sender = sender_of(sqlite_database, clock, {"sms": Recorder(fail_first)}, parallel=1)

    async def story() -> None:
        async with running(sender):
            await until(lambda: rows(sqlite_database, "TS-sms-1").status == "sent")
            await until(lambda: rows(sqlite_database).last_error is not None)

    with caplog.at_level(logging.DEBUG, "workers"):
        asyncio.run(story())
    assert rows(sqlite_database).last_error == "delivery failed: ValueError"
    assert {record.__dict__["action"] for record in caplog.records} == {"message-sent", "message-delayed"}
    assert "13800138000" not in caplog.text


def test_the_sender_outlives_a_store_that_fails(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, recorder = MovedClock(), Recorder()
    monkeypatch.setattr(sending, "LOOK_SECONDS", 0.01)
    fill(sqlite_database, clock)
    broken = threading.Event()
    failures = list[str]()
    begin = sqlite_database.begin

    def failing() -> object:
        if broken.is_set():
            failures.append("begin")
            raise OSError("disk gone")
        return begin()

    monkeypatch.setattr(sqlite_database, "begin", failing)
    sender = sender_of(sqlite_database, clock, {"sms": recorder})

    async def story() -> None:
        broken.set()
        async with running(sender):
            await until(lambda: len(failures) >= 2)
            broken.clear()
            await until(lambda: rows(sqlite_database).status == "sent", sender)

    asyncio.run(story())
    assert len(recorder.taken) == 1


def test_a_store_that_fails_after_the_delivery_is_told_later_and_nothing_is_sent_twice(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock, failures = MovedClock(), list[str]()
    monkeypatch.setattr(sending, "LOOK_SECONDS", 0.01)
    fill(sqlite_database, clock)
    mark_sent = outbox.mark_sent

    def failing(*arguments: object) -> bool:
        if len(failures) < 3:
            failures.append("mark")
            raise OSError("disk gone")
        return mark_sent(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(outbox, "mark_sent", failing)
    recorder = Recorder()
    sender = sender_of(sqlite_database, clock, {"sms": recorder})

    async def story() -> None:
        async with running(sender):
            await until(lambda: rows(sqlite_database).status == "sent")

    asyncio.run(story())
    assert (len(recorder.taken), len(failures)) == (1, 3)


def test_stopping_finishes_what_is_on_its_way(sqlite_database: Database) -> None:
    clock, gate, entered = MovedClock(), threading.Event(), threading.Event()
    fill(sqlite_database, clock)

    def hang(_: Delivery) -> None:
        entered.set()
        assert gate.wait(PATIENCE)

    sender = sender_of(sqlite_database, clock, {"sms": Recorder(hang)})

    async def story() -> None:
        stop = asyncio.Event()
        task = asyncio.create_task(sender.run(stop))
        await until(entered.is_set)
        stop.set()
        await asyncio.sleep(0.05)
        assert not task.done()
        gate.set()
        await asyncio.wait_for(task, PATIENCE)

    asyncio.run(story())
    assert rows(sqlite_database).status == "sent"


def test_stopping_does_not_wait_for_a_delivery_that_never_ends(
    sqlite_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "STOP_SECONDS", 0.05)
    clock, gate, entered = MovedClock(), threading.Event(), threading.Event()
    fill(sqlite_database, clock)

    def hang(_: Delivery) -> None:
        entered.set()
        assert gate.wait(PATIENCE)

    sender = sender_of(sqlite_database, clock, {"sms": Recorder(hang)})

    async def story() -> None:
        try:
            async with running(sender):
                await until(entered.is_set)
            assert not gate.is_set()
        finally:
            gate.set()

    asyncio.run(story())
    assert rows(sqlite_database).status == "pending", "comes again when the lease is over"


def test_a_kind_without_a_channel_waits_for_a_sender_that_has_it(sqlite_database: Database) -> None:
    clock = MovedClock()
    fill(sqlite_database, clock, 1, "sms")
    fill(sqlite_database, clock, 1, "email")
    sender = sender_of(sqlite_database, clock, {"email": Recorder()})

    async def story() -> None:
        async with running(sender):
            await until(lambda: counts(sqlite_database)["sent"] == 1)

    asyncio.run(story())
    assert rows(sqlite_database).attempts == 0


def test_waking_a_sender_that_is_not_running_is_nothing(sqlite_database: Database) -> None:
    sender_of(sqlite_database, MovedClock(), {"sms": Recorder()}).wake()


def test_refused_and_broken_letters_do_not_hold_up_the_others(sqlite_database: Database) -> None:
    clock = MovedClock()
    fill(sqlite_database, clock, 20)

    def refuse_even(message: Delivery) -> None:
        if int(message.number.rpartition("-")[2]) % 2 == 0:
            raise Refused("no such number")

    sender = sender_of(sqlite_database, clock, {"sms": Recorder(refuse_even)})

    async def story() -> None:
        async with running(sender):
            await until(lambda: counts(sqlite_database) == {"pending": 0, "sent": 10, "dead": 10})

    asyncio.run(story())


KILLED = """
import asyncio, os, sys
from workers.clock import MovedClock
from workers.notifications.channels.spool import Spool
from workers.notifications.sender import Sender
from workers.settings import NotificationSettings
from workers.store.database import Database
from pathlib import Path

class Killing(Spool):
    def deliver(self, message):
        super().deliver(message)
        os._exit(9)

database = Database(sys.argv[1])
channel = Killing(Path(sys.argv[2]), "care@example.com")
asyncio.run(Sender(database, {"sms": channel}, MovedClock(), NotificationSettings()).run(asyncio.Event()))
"""


def test_killed_between_delivery_and_note_it_is_delivered_once_more_with_the_same_key(
    sqlite_database: Database, tmp_path: Path
) -> None:
    clock = MovedClock()
    fill(sqlite_database, clock)
    arguments = [sys.executable, "-c", KILLED, sqlite_database.url, str(tmp_path / "spool")]
    root = str(Path(__file__).parents[2])
    killed = subprocess.run(
        arguments, cwd=root, env={**os.environ, "PYTHONPATH": root}, timeout=120, check=False
    )
    assert killed.returncode == 9
    assert rows(sqlite_database).status == "pending"
    (first,) = (tmp_path / "spool").iterdir()

    recorder = Recorder()
    sender = sender_of(sqlite_database, clock, {"sms": recorder})

    async def story() -> None:
        async with running(sender):
            await until(sender.is_settled)
            assert recorder.taken == [], "the lease of the dead sender still holds"
            clock.advance(sending.LEASE + timedelta(seconds=5))
            await until(lambda: rows(sqlite_database).status == "sent", sender)

    asyncio.run(story())
    (again,) = recorder.taken
    assert again.key in first.read_text()
    assert rows(sqlite_database).attempts == 2


def test_the_default_channels_leave_a_file_for_each_message(
    sqlite_database: Database, tmp_path: Path
) -> None:
    clock = MovedClock()
    fill(sqlite_database, clock, 1, "sms")
    fill(sqlite_database, clock, 1, "email")
    sender = sender_of(sqlite_database, clock, open_channels(NotificationSettings(), tmp_path, clock))

    async def story() -> None:
        async with running(sender):
            await until(lambda: counts(sqlite_database)["sent"] == 2)

    asyncio.run(story())
    assert sorted(path.suffix for path in tmp_path.glob("*-complaint-registered-*")) == [".eml", ".txt"]
