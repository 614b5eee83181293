"""The webhook: signed, once by its id, never redirected, over checked TLS, with an end to waiting; e-mail beside it."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import ssl
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from tests.notifications.alert_stage import MINUTE, OPS, Stage
from tests.notifications.mail_servers import free_port, smtp_server, webhook_receiver
from tests.notifications.sender_stage import running, until
from workers.clock import MovedClock
from workers.errors import Refused, RetryLater
from workers.notifications.channels.channel import Channel, Delivery, NotNow
from workers.notifications.channels.smtp import Smtp
from workers.notifications.channels.webhook import Webhook, signature
from workers.notifications.sender import Sender
from workers.settings import AlertSettings, NotificationSettings
from workers.store.database import Database

SECRET = "whsec_" + base64.b64encode(b"thirty-two bytes of secret words").decode()


def alert(body: str = '{"type": "alert.raised"}') -> Delivery:
    at = datetime.now(UTC)
    return Delivery(
        7, "GJ20261124-000001", "alert-raised", "operations", "webhook", "webhook", None, body, None, at
    )


def hook(url: str, **settings: object) -> Webhook:
    told = AlertSettings.model_validate({"webhook_url": url, "webhook_secret": SECRET, **settings})
    return Webhook(told, MovedClock())


def test_what_is_sent_can_be_checked_by_the_receiver() -> None:
    """The receiver computes the HMAC over id, time and body with the shared key, as Standard Webhooks says."""
    with webhook_receiver() as receiver:
        channel, message = hook(receiver.url), alert('{"type": "告警"}')
        channel.deliver(message)
        channel.close()
    (body,), (headers,) = receiver.bodies, receiver.headers
    assert json.loads(body) == {"type": "告警"} and headers["content-type"] == "application/json"
    assert headers["webhook-id"] == message.key and abs(int(headers["webhook-timestamp"]) - time.time()) < 300
    signed = b".".join((headers["webhook-id"].encode(), headers["webhook-timestamp"].encode(), body))
    expected = base64.b64encode(
        hmac.new(b"thirty-two bytes of secret words", signed, hashlib.sha256).digest()
    )
    assert headers["webhook-signature"] == f"v1,{expected.decode()}"


def test_the_signature_is_that_of_the_standard() -> None:
    """The example that the specification's own libraries test with."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_any_text_can_be_the_key_and_without_one_nothing_is_signed() -> None:
    with webhook_receiver() as receiver:
        hook(receiver.url, webhook_secret="just words").deliver(alert())
        hook(receiver.url, webhook_secret=None).deliver(alert())
    assert receiver.headers[0]["webhook-signature"].startswith("v1,")
    assert "webhook-signature" not in receiver.headers[1]


def test_a_redirect_is_not_followed() -> None:
    """Whoever answers with another address does not get the alert sent there."""
    with webhook_receiver() as receiver:
        receiver.answers = [(302, {"Location": "/moved"}), (308, {"Location": "/moved"})]
        for _ in range(2):
            with pytest.raises(NotNow, match="answered 30"):
                hook(receiver.url).deliver(alert())
        assert b"followed a redirect" not in receiver.bodies and len(receiver.bodies) == 2


@pytest.mark.parametrize(
    ("code", "kind"),
    [(500, NotNow), (429, NotNow), (401, NotNow), (404, NotNow), (400, Refused), (410, Refused)],
)
def test_what_can_pass_is_tried_again_and_what_cannot_is_final(code: int, kind: type[Exception]) -> None:
    with webhook_receiver() as receiver:
        receiver.answers = [(code, {"Retry-After": "86400"})]
        with pytest.raises(kind, match=f"the webhook answered {code}$") as found:
            hook(receiver.url).deliver(alert())
    if isinstance(found.value, NotNow):
        assert found.value.after == timedelta(hours=1), "an alert waits for an hour at most"


def test_a_receiver_that_is_silent_or_away_is_tried_again_and_never_named() -> None:
    """The URL holds a token: no sentence repeats it."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(8)
        for url in (
            f"http://127.0.0.1:{silent.getsockname()[1]}/geheim",
            f"http://127.0.0.1:{free_port()}/geheim",
        ):
            began = time.monotonic()
            with pytest.raises(RetryLater, match="cannot be reached") as found:
                hook(url, webhook_timeout_seconds=0.3).deliver(alert())
            assert "geheim" not in str(found.value) and time.monotonic() - began < 30


def test_a_certificate_is_checked(tmp_path: Path) -> None:
    """With the operator's own authority it arrives; one that nobody knows is not spoken to."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    ca = tmp_path / "ca.pem"
    authority.cert_pem.write_to_path(ca)
    with webhook_receiver(context) as receiver:
        hook(receiver.url, webhook_ca_file=ca).deliver(alert())
        with pytest.raises(RetryLater, match="ConnectError"):
            hook(receiver.url).deliver(alert())
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"webhook_url": "file:///etc/passwd"},
        {"webhook_url": "https://"},
        {"webhook_secret": "whsec_###"},
        {"webhook_ca_file": "/nowhere"},
    ],
)
def test_a_setting_that_cannot_work_is_refused_at_the_start(settings: dict[str, object]) -> None:
    with pytest.raises(Refused, match="DUBAN_ALERTS__WEBHOOK_") as found:
        hook(**{"url": "https://x.example"} | {"webhook_url": "https://x.example", **settings})  # type: ignore[arg-type]
    assert "passwd" not in str(found.value)


def test_an_alert_reaches_mailbox_and_receiver_through_an_outage(sqlite_database: Database) -> None:
    """Both are away when work gets stuck. They come back: one e-mail, one call taken; tried again with the same id."""
    stage, port = Stage(sqlite_database), free_port()
    with webhook_receiver() as receiver:
        receiver.answers = [(503, {}), (503, {})]
        smtp = Smtp(NotificationSettings(smtp_port=port, smtp_from="duban@example.com"))
        channels: dict[str, Channel] = {"email": smtp, "webhook": hook(receiver.url)}
        sender = Sender(sqlite_database, channels, stage.clock, NotificationSettings())
        alerter = stage.alerter(webhook_url=receiver.url, digest_seconds=0)
        stage.stuck(3)
        assert alerter.look() == 2

        def are(status: str) -> bool:
            return all(each.status == status for each in stage.told() + stage.told("webhook"))

        async def story() -> None:
            async with running(sender):
                await until(lambda: all(each.last_error for each in stage.told() + stage.told("webhook")))
                stage.clock.advance(MINUTE)
                await until(lambda: len(receiver.bodies) == 2, sender)
                with smtp_server(port) as mailbox:
                    stage.clock.advance(timedelta(hours=1))
                    await until(lambda: are("sent"), sender)
                    (mail,) = mailbox.mails
                    assert mail["To"] == OPS and "流程卡住 3 件" in mail["Subject"]

        asyncio.run(story())
    assert len(receiver.bodies) == 3 and len({each["webhook-id"] for each in receiver.headers}) == 1
    assert len(set(receiver.bodies)) == 1
