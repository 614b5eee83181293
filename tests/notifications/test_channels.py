"""Each channel against a real other side: what is taken, what is tried again, what is given up."""

from __future__ import annotations

import email
import re
import socket
import ssl
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import policy
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import trustme

from tests.notifications.mail_servers import free_port, sms_server, smtp_server
from workers.clock import MovedClock
from workers.errors import Refused, RetryLater
from workers.notifications.channels.channel import Delivery, NotNow
from workers.notifications.channels.choice import open_channels
from workers.notifications.channels.sms_gateway import SmsGateway
from workers.notifications.channels.smtp import Smtp
from workers.notifications.channels.spool import Spool
from workers.settings import NotificationSettings

AT = datetime(2026, 11, 24, 7, 30, 5, 123456, tzinfo=UTC)
MAIL = Delivery(
    id=7,
    number="TS20261124-000123",
    event="complaint-accepted",
    recipient="customer",
    channel="email",
    address="wang@example.com",
    subject="【客户服务中心】您的投诉已受理 / Your complaint has been accepted",
    body="尊敬的王小明,您好!\n" + "很长的一行" * 300 + "\n",
    html="<p>您好</p>",
    created_at=AT,
)
SMS = replace(
    MAIL, id=8, channel="sms", address="+8613800138000", subject=None, body="【客户服务中心】您好!", html=None
)


def smtp(port: int, **settings: Any) -> Smtp:
    return Smtp(
        NotificationSettings(
            smtp_port=port, smtp_from="客服 <care@example.com>", smtp_timeout_seconds=5, **settings
        )
    )


def gateway(url: str, **settings: Any) -> SmsGateway:
    return SmsGateway(NotificationSettings(sms_gateway_url=url, **settings), MovedClock())


# --- the id by which the other side knows a message again


def test_the_key_of_a_message_is_stable_and_its_own() -> None:
    assert MAIL.key == replace(MAIL).key
    others = [
        replace(MAIL, id=8),
        replace(MAIL, created_at=AT + timedelta(seconds=1)),
        replace(MAIL, number="TS-2"),
    ]
    assert MAIL.key not in {other.key for other in others}


# --- SMTP


def test_smtp_delivers_text_and_html_with_readable_headers() -> None:
    with smtp_server() as mailbox:
        smtp(mailbox.port).deliver(MAIL)
        smtp(mailbox.port).deliver(MAIL)
    first, second = mailbox.mails
    assert first["Subject"] == MAIL.subject
    assert first["From"] == "客服 <care@example.com>"
    assert first["To"] == "wang@example.com"
    assert first["Date"].datetime == AT.replace(microsecond=0)
    assert first["Message-ID"] == second["Message-ID"] == f"<{MAIL.key}@example.com>"
    assert first["Auto-Submitted"] == "auto-generated"
    text, html = first.get_body(("plain",)), first.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().splitlines() == MAIL.body.splitlines()
    assert html.get_content().strip() == MAIL.html
    assert mailbox.envelopes[0].rcpt_tos == ["wang@example.com"]
    assert mailbox.envelopes[0].mail_from == "care@example.com"


@pytest.mark.parametrize(
    ("answers", "error", "said"),
    [
        ({"recipient_answers": ["451 4.3.0 try wang@example.com later"]}, RetryLater, "451 to the recipient"),
        ({"recipient_answers": ["550 5.1.1 no wang@example.com here"]}, Refused, "550 to the recipient"),
        ({"data_answers": ["452 disk full"]}, RetryLater, "452 to the message"),
        ({"data_answers": ["554 no"]}, Refused, "554 to the message"),
        ({"sender_answers": ["550 who are you"]}, RetryLater, "550 to the sender"),
        ({"sender_answers": ["552 too big"]}, Refused, "552 to the size"),
        ({"sender_answers": ["421 closing"]}, RetryLater, "421"),
    ],
)
def test_smtp_goes_by_the_code_and_says_nothing_personal(
    answers: dict[str, list[str]], error: type[Exception], said: str
) -> None:
    with smtp_server() as mailbox:
        for name, value in answers.items():
            setattr(mailbox, name, list(value))
        with pytest.raises(error, match=said) as caught:
            smtp(mailbox.port).deliver(MAIL)
        assert "wang" not in str(caught.value)
        smtp(mailbox.port).deliver(MAIL)
        assert len(mailbox.mails) == 1


def test_smtp_away_is_retry_later() -> None:
    with pytest.raises(RetryLater, match="cannot be reached: ConnectionRefusedError"):
        smtp(free_port()).deliver(MAIL)


def test_smtp_that_says_nothing_is_retry_later() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        settings = NotificationSettings(smtp_port=silent.getsockname()[1], smtp_timeout_seconds=0.3)
        with pytest.raises(RetryLater, match="cannot be reached"):
            Smtp(settings).deliver(MAIL)


@pytest.mark.parametrize(
    "address",
    [
        "a@b.cn\r\nBcc: x@y.cn",
        "a@b.cn\nx",
        "a@b.cn, x@y.cn",
        "a b@c.cn",
        "nobody",
        "@b.cn",
        "a@",
        "a@b.cn>",
        "",
        "a@.cn",
    ],
)
def test_an_address_that_is_not_one_plain_address_is_refused(address: str) -> None:
    with smtp_server() as mailbox:
        with pytest.raises(Refused, match="malformed"):
            smtp(mailbox.port).deliver(replace(MAIL, address=address))
        assert mailbox.mails == []


def test_a_line_break_in_the_subject_is_no_header() -> None:
    with smtp_server() as mailbox:
        smtp(mailbox.port).deliver(replace(MAIL, subject="x\r\nBcc: boss@example.com\n\nbody"))
    assert mailbox.mails[0]["Bcc"] is None
    assert mailbox.mails[0]["Subject"] == "x Bcc: boss@example.com body"


def test_a_chinese_domain_is_written_to() -> None:
    with smtp_server() as mailbox:
        smtp(mailbox.port).deliver(replace(MAIL, address="wang@例子.cn"))
    assert mailbox.envelopes[0].rcpt_tos == ["wang@xn--fsqu00a.cn"]


@pytest.fixture
def certificates(tmp_path: Path) -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context and the file of the authority that vouches for it."""
    authority = trustme.CA()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    return context, tmp_path / "ca.pem"


def test_smtp_upgrades_to_tls_and_logs_in(certificates: tuple[ssl.SSLContext, Path]) -> None:
    context, ca = certificates
    with smtp_server(tls_context=context, require_starttls=True, login=True) as mailbox:
        smtp(
            mailbox.port,
            smtp_starttls=True,
            smtp_ca_file=ca,
            smtp_user="duban",
            smtp_password="correct horse",
        ).deliver(MAIL)
        assert (mailbox.logins, mailbox.was_encrypted) == (["duban"], [True])


def test_smtp_with_tls_from_the_start(certificates: tuple[ssl.SSLContext, Path]) -> None:
    context, ca = certificates
    with smtp_server(ssl_context=context) as mailbox:
        smtp(mailbox.port, smtp_implicit_tls=True, smtp_ca_file=ca).deliver(MAIL)
        assert len(mailbox.mails) == 1


def test_a_wrong_password_is_retry_later_not_the_end_of_every_message(
    certificates: tuple[ssl.SSLContext, Path],
) -> None:
    context, ca = certificates
    with smtp_server(tls_context=context, require_starttls=True, login=True) as mailbox:
        channel = smtp(
            mailbox.port, smtp_starttls=True, smtp_ca_file=ca, smtp_user="duban", smtp_password="no"
        )
        with pytest.raises(RetryLater, match="535 to TLS or login"):
            channel.deliver(MAIL)


def test_an_unknown_certificate_is_not_trusted(certificates: tuple[ssl.SSLContext, Path]) -> None:
    with smtp_server(tls_context=certificates[0]) as mailbox:
        with pytest.raises(RetryLater, match="SSLCertVerificationError"):
            smtp(mailbox.port, smtp_starttls=True).deliver(MAIL)
        assert mailbox.mails == []


def test_a_server_without_tls_gets_no_password() -> None:
    with smtp_server() as mailbox:
        with pytest.raises(RetryLater, match="SMTPNotSupportedError"):
            smtp(mailbox.port, smtp_starttls=True, smtp_user="duban", smtp_password="x").deliver(MAIL)
        assert mailbox.logins == []


# --- SMS gateway


def test_the_gateway_gets_json_a_token_and_a_stable_key() -> None:
    with sms_server() as server:
        channel = gateway(server.url, sms_gateway_token="geheim")
        channel.deliver(SMS)
        channel.deliver(SMS)
        channel.close()
    assert server.requests == [{"id": SMS.key, "to": "+8613800138000", "text": SMS.body}] * 2
    assert [sent["Idempotency-Key"] for sent in server.headers] == [SMS.key] * 2
    assert server.headers[0]["Authorization"] == "Bearer geheim"


@pytest.mark.parametrize("code", [200, 201, 202, 204])
def test_a_2xx_is_sent(code: int) -> None:
    with sms_server() as server:
        server.answers = [(code, {})]
        channel = gateway(server.url)
        channel.deliver(SMS)
        channel.close()


@pytest.mark.parametrize("code", [408, 409, 425, 429, 500, 502, 503, 504, 302, 401, 403, 404])
def test_busy_or_our_own_fault_is_retry_later(code: int) -> None:
    with sms_server() as server:
        server.answers = [(code, {"Location": "http://127.0.0.1:9/"} if code == 302 else {})]
        channel = gateway(server.url)
        with pytest.raises(RetryLater, match=f"answered {code}"):
            channel.deliver(SMS)
        channel.close()


@pytest.mark.parametrize("code", [400, 406, 410, 413, 422])
def test_any_other_refusal_is_final(code: int) -> None:
    with sms_server() as server:
        server.answers = [(code, {})]
        channel = gateway(server.url)
        with pytest.raises(Refused, match=f"answered {code}"):
            channel.deliver(SMS)
        channel.close()


@pytest.mark.parametrize(
    ("header", "least", "most"),
    [
        ("120", 120, 120),
        (None, 3000, 3600),
        ("99999999999", 86400, 86400),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 0, 0),
    ],
)
def test_retry_after_is_honoured(header: str | None, least: int, most: int) -> None:
    """A number of seconds or a date; none given: the date an hour from now."""
    hour = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
    with sms_server() as server:
        server.answers = [(503, {"Retry-After": header or hour})]
        channel = gateway(server.url)
        with pytest.raises(NotNow) as caught:
            channel.deliver(SMS)
        channel.close()
    assert caught.value.after is not None
    assert least <= caught.value.after.total_seconds() <= most


def test_nonsense_in_retry_after_is_no_wait() -> None:
    with sms_server() as server:
        server.answers = [(503, {"Retry-After": "soon"})]
        channel = gateway(server.url)
        with pytest.raises(NotNow) as caught:
            channel.deliver(SMS)
        channel.close()
    assert caught.value.after is None


def test_a_gateway_that_is_away_or_silent_is_retry_later() -> None:
    channel = gateway(f"http://127.0.0.1:{free_port()}/")
    with pytest.raises(RetryLater, match="ConnectError"):
        channel.deliver(SMS)
    channel.close()
    with socket.create_server(("127.0.0.1", 0)) as silent:
        channel = gateway(f"http://127.0.0.1:{silent.getsockname()[1]}/", sms_gateway_timeout_seconds=0.3)
        with pytest.raises(RetryLater, match="ReadTimeout"):
            channel.deliver(SMS)
        channel.close()


# --- spool


def test_a_spooled_mail_is_a_readable_mail(tmp_path: Path) -> None:
    Spool(tmp_path / "spool", "客服 <care@example.com>").deliver(MAIL)
    (path,) = (tmp_path / "spool").iterdir()
    assert path.name == "20261124T073005.123Z-TS20261124-000123-complaint-accepted-email-7.eml"
    text = path.read_text(encoding="utf-8")
    assert "尊敬的王小明" in text
    assert "您的投诉已受理" in text
    mail = email.message_from_bytes(path.read_bytes(), policy=policy.default)
    assert mail["Subject"] == MAIL.subject
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_spooled_sms_is_a_readable_text(tmp_path: Path) -> None:
    Spool(tmp_path, "care@example.com").deliver(SMS)
    (path,) = tmp_path.iterdir()
    assert path.suffix == ".txt"
    assert path.read_text() == f"To: +8613800138000\nMessage-ID: {SMS.key}\n\n【客户服务中心】您好!\n"


def test_spooling_twice_is_one_file_even_at_the_same_time(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "care@example.com")
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(spool.deliver, [MAIL, SMS] * 16))
    assert len(list(tmp_path.iterdir())) == 2


def test_a_spool_file_stays_in_the_spool(tmp_path: Path) -> None:
    Spool(tmp_path / "spool", "care@example.com").deliver(
        replace(SMS, number="../../etc/passwd", event="a/b")
    )
    (path,) = tmp_path.rglob("*.txt")
    assert path.parent == tmp_path / "spool"
    assert re.fullmatch(r"[A-Za-z0-9_.-]+", path.name)


def test_a_spool_that_cannot_be_written_is_retry_later(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way")
    with pytest.raises(RetryLater, match="takes no file"):
        Spool(tmp_path / "spool", "care@example.com").deliver(SMS)


# --- which one


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"channels": {"fax": "spool"}}, "knows no 'fax'"),
        ({"channels": {"sms": "smtp"}}, "'smtp' cannot deliver sms; there are spool, sms-gateway"),
        ({"channels": {"sms": "sms-gateway"}}, "DUBAN_NOTIFICATIONS__SMS_GATEWAY_URL"),
        ({"smtp_from": "nobody"}, "smtp_from"),
    ],
)
def test_a_wrong_choice_is_told_at_once(settings: dict[str, Any], said: str, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=said):
        open_channels(NotificationSettings(**settings), tmp_path, MovedClock())


def test_the_choice_is_the_settings(tmp_path: Path) -> None:
    settings = NotificationSettings(
        channels={"sms": "sms-gateway", "email": "smtp"}, sms_gateway_url="http://127.0.0.1:9/"
    )
    channels = open_channels(settings, tmp_path, MovedClock())
    assert {kind: type(channel) for kind, channel in channels.items()} == {"sms": SmsGateway, "email": Smtp}
    for channel in channels.values():
        channel.close()
    assert {type(c) for c in open_channels(NotificationSettings(), tmp_path, MovedClock()).values()} == {
        Spool
    }
