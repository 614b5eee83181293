"""The outbox: one claim per message, one end per claim."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from workers.errors import Conflict, NotFound
from workers.store import outbox
from workers.store.database import Database
from workers.store.tables import Complaint, OutboxMessage

NOW = datetime(2026, 11, 24, 7, 30, tzinfo=UTC)
LEASE = timedelta(minutes=5)


def fill(database: Database, count: int, channel: str = "sms", start: int = 0) -> None:
    """Puts messages for one complaint each into the outbox, a second apart."""
    with database.begin() as tx:
        for index in range(start, start + count):
            number = f"TS-{index}"
            tx.merge(
                Complaint(
                    number=number,
                    policy="petition",
                    channel="web",
                    text="x",
                    customer_key="k",
                    received_at=NOW,
                )
            )
            tx.flush()
            message = outbox.NewMessage(
                number, "complaint-registered", "customer", channel, "+86138", None, "正文", None
            )
            assert outbox.add(tx, message, "1", NOW + timedelta(seconds=index))


def claim(database: Database, now: datetime, limit: int = 10) -> list[OutboxMessage]:
    with database.begin() as tx:
        return outbox.claim(tx, now, limit, LEASE, channel="sms")


def test_what_is_claimed_is_nobody_else_s_until_the_lease_is_over(database: Database) -> None:
    fill(database, 3)
    later = NOW + timedelta(seconds=10)
    assert [message.number for message in claim(database, later, 2)] == ["TS-0", "TS-1"]
    assert [message.number for message in claim(database, later)] == ["TS-2"]
    assert claim(database, later + LEASE - timedelta(seconds=1)) == []
    again = claim(database, later + LEASE)
    assert [(message.number, message.attempts) for message in again] == [
        ("TS-0", 2),
        ("TS-1", 2),
        ("TS-2", 2),
    ]


def test_nothing_is_claimed_before_its_time_of_another_channel_or_besides(database: Database) -> None:
    fill(database, 2)
    fill(database, 1, "email", start=2)
    with database.begin() as tx:
        (mail,) = outbox.claim(tx, NOW, 10, LEASE, channel="email")
        assert outbox.mark_failed(tx, mail, "busy", NOW + timedelta(minutes=1))
    with database.begin() as tx:
        assert outbox.has_due(tx, NOW, channel="sms")
        assert not outbox.has_due(tx, NOW + timedelta(seconds=59), channel="email")
        assert outbox.has_due(tx, NOW + timedelta(minutes=1), channel="email")
        (first,) = outbox.claim(tx, NOW, 1, LEASE, channel="sms")
    with database.begin() as tx:
        later = NOW + LEASE
        assert [m.number for m in outbox.claim(tx, later, 10, LEASE, channel="sms", besides=[first.id])] == [
            "TS-1"
        ]


def test_a_claim_that_was_lost_changes_nothing(database: Database) -> None:
    fill(database, 1)
    (slow,) = claim(database, NOW)
    (quick,) = claim(database, NOW + LEASE)
    with database.begin() as tx:
        assert not outbox.mark_failed(tx, slow, "late", None)
        assert outbox.mark_sent(tx, quick, NOW + LEASE)
        assert not outbox.mark_sent(tx, slow, NOW + LEASE)
    with database.read() as tx:
        (message,) = outbox.of_number(tx, "TS-0")
        assert (message.status, message.sent_at, message.last_error) == ("sent", NOW + LEASE, None)


def test_a_failed_message_waits_and_a_dead_one_stays(database: Database) -> None:
    fill(database, 1)
    (message,) = claim(database, NOW)
    with database.begin() as tx:
        assert outbox.mark_failed(tx, message, "e" * 900, NOW + timedelta(minutes=1))
    assert claim(database, NOW + timedelta(seconds=59)) == []
    (message,) = claim(database, NOW + timedelta(minutes=1))
    with database.begin() as tx:
        assert outbox.mark_failed(tx, message, "no", None)
    assert claim(database, NOW + timedelta(days=99)) == []
    with database.read() as tx:
        assert outbox.counts(tx) == {"pending": 0, "sent": 0, "dead": 1}
        assert [(dead.last_error, dead.attempts) for dead in outbox.dead_letters(tx)] == [("no", 2)]


def test_a_dead_letter_is_sent_again_and_nothing_else_is(database: Database) -> None:
    fill(database, 1)
    (message,) = claim(database, NOW)
    with database.begin() as tx, pytest.raises(Conflict, match="is pending"):
        outbox.resend(tx, message.id, NOW)
    with database.begin() as tx:
        outbox.mark_failed(tx, message, "no", None)
    with database.begin() as tx:
        outbox.resend(tx, message.id, NOW + timedelta(days=1))
    (again,) = claim(database, NOW + timedelta(days=1))
    assert (again.id, again.attempts) == (message.id, 1)
    with database.begin() as tx, pytest.raises(NotFound):
        outbox.resend(tx, 4711, NOW)


@pytest.mark.postgres
def test_two_claims_at_once_share_without_waiting(postgres_database: Database) -> None:
    fill(postgres_database, 4)
    later = NOW + timedelta(seconds=10)
    with postgres_database.begin() as one, postgres_database.begin() as two:
        first = outbox.claim(one, later, 2, LEASE, channel="sms")
        second = outbox.claim(two, later, 10, LEASE, channel="sms")
    assert [m.number for m in first] == ["TS-0", "TS-1"]
    assert [m.number for m in second] == ["TS-2", "TS-3"]


def test_a_claim_is_renewed_by_who_has_it(database: Database) -> None:
    """A delivery that takes long stays its sender's; a claim that was lost is not taken back."""
    fill(database, 1)
    (claimed,) = claim(database, NOW)
    with database.begin() as tx:
        until = outbox.renew(tx, claimed, NOW + LEASE / 2, LEASE)
    assert until == NOW + LEASE * 3 / 2
    assert claim(database, NOW + LEASE) == []
    with database.begin() as tx:
        assert outbox.renew(tx, claimed, NOW, LEASE) is None, (
            "it is known by its time, which is another one now"
        )
    claimed.claimed_until = until
    with database.begin() as tx:
        assert outbox.mark_sent(tx, claimed, NOW)


def test_a_clock_that_was_wrong_delays_nothing(database: Database) -> None:
    """Written, or claimed by a sender that died, while a clock was an hour ahead: sent at once, not in an hour."""
    wrong = NOW + timedelta(hours=1)
    fill(database, 1, start=3600)
    with database.read() as tx:
        assert outbox.has_due(tx, NOW, channel="sms")
    assert len(claim(database, wrong)) == 1
    assert len(claim(database, NOW)) == 1
