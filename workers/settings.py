"""Settings, by environment variable with the prefix DUBAN_ (nested with __), each field documented."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import platformdirs
from pydantic import BaseModel, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class EngineSettings(BaseModel):
    """Where the engine is and how this process treats it."""

    address: str | None = Field(
        None, description="gRPC host:port of a running Zeebe gateway; empty: the embedded one"
    )
    rest_url: str | None = Field(None, description="Base URL of the same gateway's REST API, for user tasks")
    tls: bool = Field(False, description="Speak gRPC over TLS, certificate checked")
    ca_file: Path | None = Field(
        None,
        description="Certificates (PEM) to trust for gateway, REST and token endpoint; empty: the usual ones",
    )
    cert_file: Path | None = Field(None, description="Certificate (PEM) of this client, for mutual TLS")
    key_file: Path | None = Field(None, description="Key (PEM) of that certificate")
    oauth_url: str | None = Field(
        None, description="Token endpoint for OAuth client credentials; empty: no OAuth"
    )
    oauth_client_id: str | None = Field(None, description="Who asks for tokens")
    oauth_client_secret: SecretStr | None = Field(None, description="Secret of that client")
    oauth_audience: str | None = Field(None, description="For what tokens are asked, e.g. zeebe-api")
    oauth_scope: str | None = Field(None, description="Scope that is asked for, where the endpoint wants one")
    oauth_timeout_seconds: float = Field(10, gt=0, description="How long the token endpoint may take")
    basic_user: str | None = Field(None, description="User for Basic authentication; empty: none")
    basic_password: SecretStr | None = Field(None, description="Password of that user")
    tenant: str | None = Field(
        None, description="Tenant whose models, messages and jobs are meant; empty: an engine without tenants"
    )
    version: str = Field("8.5.8", description="Release of the embedded engine")
    archive_sha1: str | None = Field(
        None, description="Overrides the checksum that the release is expected to have"
    )
    cache_dir: Path = Field(
        default_factory=lambda: Path(platformdirs.user_cache_dir("duban")),
        description="Where the engine is kept",
    )
    repository_url: str | None = Field(
        None, description="Maven repository to fetch from, if not the configured one"
    )
    memory: str = Field("512m", description="Heap of the embedded engine, as -Xmx understands it")
    flush: bool = Field(
        True, description="Flush the engine's log to disk; off only where losing data is harmless"
    )
    job_timeout_seconds: int = Field(
        60, ge=1, description="How long a worker may keep a job before it is offered again"
    )
    job_limit_seconds: float = Field(
        600,
        gt=0,
        description="How long a task may run while the time-out of its job is extended; then it hangs, and the job is "
        "offered to other workers",
    )
    stream: bool = Field(
        True,
        description="Have the engine push jobs as they come up (8.4 and later), beside asking for them; off: only ask",
    )
    max_jobs: int = Field(32, ge=1, description="Jobs of one type that a worker holds at once")
    threads: int = Field(
        16, ge=1, description="Threads that run task handlers; one job type may have three quarters of them"
    )
    retry_seconds: float = Field(
        1, gt=0, description="Pause before a failed job is tried again; it doubles with every try"
    )
    retry_longest_seconds: float = Field(600, gt=0, description="Longest pause between two tries of a job")
    retry_seconds_by_type: dict[str, float] = Field(
        default_factory=dict, description="First pause of job types that need another one than the others"
    )
    grace_seconds: float = Field(
        15,
        ge=0,
        description="How long a worker that is told to stop finishes the tasks it has begun; the rest is handed back",
    )


class WebSettings(BaseModel):
    """The web page and API."""

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8700, description="Port to listen on; 0 takes a free one")
    public_url: str | None = Field(
        None,
        description="How customers reach this service, for links in messages; with https, cookies are Secure",
    )
    login: Literal["required", "off"] = Field(
        "required",
        description="Who sees the pages: people who are signed in, or (off) everybody who reaches the address, who can "
        "look but do nothing",
    )
    trusted_proxies: str = Field(
        "",
        description="Addresses of reverse proxies, comma-separated, whose X-Forwarded-For and X-Forwarded-Proto are "
        "believed; empty: nobody's",
    )
    allowed_hosts: str = Field(
        "",
        pattern=r"^$|^[A-Za-z0-9.-]+( *, *[A-Za-z0-9.-]+)*$",
        description="Further names by which this server is spoken to, comma-separated, such as the name of its service "
        "in a cluster. Others than these, the one of DUBAN_WEB__PUBLIC_URL and this machine's own are refused (421)",
    )


class RecordsSettings(BaseModel):
    """The endpoint of the engine's record stream, where it is a process of its own (`duban records`)."""

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int = Field(8710, ge=0, le=65535, description="Port to listen on; 0 takes a free one")
    password: SecretStr | None = Field(
        None, description="What the engine's exporter must show, as user `duban`; `duban records` needs it"
    )
    previous_password: SecretStr | None = Field(
        None, description="Taken as well, while the password is changed (docs/operations.md); empty: none"
    )


class ProbeSettings(BaseModel):
    """Where every part says how it is: /healthz for an orchestrator, /metrics for Prometheus."""

    host: str = Field("127.0.0.1", description="Address to listen on")
    port: int | None = Field(
        None, ge=0, le=65535, description="Port to listen on; empty: nobody is told, 0 takes a free one"
    )


class LogSettings(BaseModel):
    """Lines of the log. They carry no personal data."""

    format: Literal["auto", "text", "json"] = Field(
        "auto",
        description="How lines look on stderr: json (an object per line), text, or auto: text on a terminal, else json",
    )


class TracingSettings(BaseModel):
    """Traces (OpenTelemetry): what was done for a case, from intake through each job to each message."""

    endpoint: str | None = Field(
        None,
        description="Base URL of a collector that takes OTLP over HTTP, e.g. http://collector:4318; empty: no traces",
    )
    headers: dict[str, SecretStr] = Field(
        default_factory=dict, description="Headers that the collector wants, such as Authorization"
    )
    installation: str = Field(
        "duban",
        min_length=1,
        description="Name of this installation: the same in all its parts; two that share a collector need two names, "
        "because the trace of a case is known by name and number",
    )
    share: float = Field(
        1, ge=0, le=1, description="Share of the cases that are traced; a case wholly or not at all"
    )


class LoginSettings(BaseModel):
    """Signing in."""

    session_hours: float = Field(12, gt=0, description="How long a session lasts at most")
    idle_minutes: float = Field(60, gt=0, description="How long a session lasts while nobody does anything")
    free_failures: int = Field(
        5, ge=1, description="Failed tries of one account after which the next one has to wait"
    )
    free_failures_per_address: int = Field(
        30, ge=1, description="Failed tries from one address after which the next one has to wait"
    )
    first_wait_seconds: float = Field(5, gt=0, description="The first wait; it doubles with every failure")
    longest_wait_seconds: float = Field(900, gt=0, description="The longest wait")
    forget_minutes: float = Field(60, gt=0, description="How long failed tries count")
    password_length: int = Field(10, ge=8, le=64, description="Characters that a new password has at least")


class ApiSettings(BaseModel):
    """The API for other systems."""

    idempotency_hours: float = Field(
        24,
        gt=0,
        le=8784,
        description="How long the answer to a request with an Idempotency-Key is kept for when it is sent again",
    )


class OidcSettings(BaseModel):
    """Signing in with an identity provider (OpenID Connect)."""

    issuer: str | None = Field(
        None, description="Address of the provider, as its ID tokens name it; empty: only local accounts"
    )
    client_id: str | None = Field(None, description="What the provider calls this service")
    client_secret: SecretStr | None = Field(
        None, description="Secret of this service; empty: a public client"
    )
    scopes: str = Field("openid profile", description="What is asked of the provider")
    label: str = Field("统一认证 Company account", description="What the link on the login page says")
    username_claim: str = Field(
        "preferred_username",
        description="Claim with the username of the staff directory; people must not be able to choose it themselves",
    )
    name_claim: str = Field("name", description="Claim with the name of the person")
    groups_claim: str | None = Field(
        None,
        description="Claim with a list of groups: people who are not in the staff file may sign in with these; empty: "
        "only people of the staff file",
    )
    groups: dict[str, str] = Field(
        default_factory=dict,
        description="The provider's group -> Duban's; empty: they have the same names. Others are left out",
    )
    province_claim: str | None = Field(None, description="Claim with the province; empty: everywhere")
    city_claim: str | None = Field(None, description="Claim with the city")
    branch_claim: str | None = Field(None, description="Claim with the branch")
    timeout_seconds: float = Field(10, gt=0, description="How long the provider may take to answer")


class NotificationSettings(BaseModel):
    """Where messages go."""

    channels: dict[str, str] = Field(
        default_factory=lambda: {"sms": "spool", "email": "spool"},
        description="Per kind of address (sms, email) the adapter that delivers: spool, smtp or sms-gateway",
    )
    smtp_host: str = Field("127.0.0.1", description="SMTP server")
    smtp_port: int = Field(25, description="SMTP port")
    smtp_user: str | None = Field(None, description="SMTP user; empty: no login")
    smtp_password: SecretStr | None = Field(None, description="SMTP password")
    smtp_starttls: bool = Field(False, description="Upgrade the SMTP connection to TLS, certificate checked")
    smtp_implicit_tls: bool = Field(False, description="TLS from the start (port 465), certificate checked")
    smtp_ca_file: Path | None = Field(None, description="Certificates to trust for SMTP; empty: the system's")
    smtp_timeout_seconds: float = Field(10, description="How long an SMTP server may take for one answer")
    smtp_from: str = Field("Duban 督办 <duban@localhost>", description="Sender of e-mail")
    sms_gateway_url: str | None = Field(None, description="URL that takes an SMS as JSON by POST")
    sms_gateway_token: SecretStr | None = Field(None, description="Bearer token of the SMS gateway")
    sms_gateway_timeout_seconds: float = Field(10, description="How long the SMS gateway may take to answer")
    max_attempts: int = Field(8, ge=1, description="Deliveries tried before a message becomes a dead letter")
    retry_seconds: float = Field(30, description="Wait after the first failed try; then four times as long")
    retry_longest_seconds: float = Field(21600, description="Longest wait between two deliveries")
    parallel: int = Field(4, ge=1, description="Deliveries at the same time, for each kind of address")
    organisation: str = Field("客户服务中心", description="SMS signature and e-mail heading")
    organisation_en: str = Field("Customer Service Centre", description="The same in English")
    authorities: dict[str, str] = Field(
        default_factory=lambda: {"regulator": "authority@localhost"},
        description="E-mail address per channel of an authority (12345, 12315, regulator); regulator serves the others",
    )
    progress_url: str | None = Field(
        None,
        description="Page where customers see their complaint, with {number} and {key} in it; empty: the desk's "
        "own, where DUBAN_WEB__PUBLIC_URL is set, else none is named",
    )
    hotline: str = Field("10000", description="Number that customers are told to call: yours")


class AlertSettings(BaseModel):
    """Who of operations is told of stuck work, dead letters, overdue cases and silent workers. Nobody by default."""

    recipients: str = Field(
        "", description="E-mail addresses that alerts go to, comma-separated; empty: none"
    )
    webhook_url: SecretStr | None = Field(
        None,
        description="URL that takes alerts as JSON by POST; empty: none. Kept secret: it may hold a token",
    )
    webhook_secret: SecretStr | None = Field(
        None,
        description="Key of the webhook's signature (HMAC-SHA256): `whsec_` and base64, or any text; empty: not signed",
    )
    webhook_ca_file: Path | None = Field(
        None, description="Certificates (PEM) to trust for the webhook; empty: the usual ones"
    )
    webhook_timeout_seconds: float = Field(10, gt=0, description="How long the webhook may take to answer")
    kinds: str = Field(
        "incident,dead-letter,complaint-overdue,report-overdue,workers",
        description="What is told, comma-separated; `place-overdue` tells of places instead of each complaint",
    )
    place_overdue: int = Field(
        20, ge=2, description="From how many overdue complaints on a place is told of (`place-overdue`)"
    )
    digest_seconds: float = Field(
        60, ge=0, description="How long the first trouble waits for others, to be told in one alert"
    )
    interval_seconds: float = Field(300, ge=0, description="Least time between two alerts")
    reminder_hours: float = Field(
        12, ge=0, description="How long after the last alert what is not over is told again; 0: never"
    )


class EvidenceSettings(BaseModel):
    """Files that belong to cases."""

    folder: Path | None = Field(
        None,
        description="Where files of evidence and case files are kept; empty: `evidence` in the data folder. "
        "Workers on several machines need one folder that all of them see",
    )
    largest_file_bytes: int = Field(
        104_857_600, ge=1, description="Longest file of evidence that is taken, in bytes"
    )
    files_per_case: int = Field(200, ge=1, description="Files of evidence that one case may have")


class PortSettings(BaseModel):
    """A service of the operator that is spoken to over HTTP."""

    url: str | None = Field(None, description="Base URL of the service; empty: the table in the store")
    token: SecretStr | None = Field(None, description="Bearer token of the service")
    timeout_seconds: float = Field(10, gt=0, description="How long the service may take to answer")


class BillingSettings(PortSettings):
    """Billing: what customers were charged and promised."""

    charges_file: Path | None = Field(
        None, description="JSON list of charges for the table in the store; empty: sample charges"
    )
    holders_file: Path | None = Field(
        None, description="JSON list of account holders for the table in the store; empty: sample holders"
    )


class LedgerSettings(PortSettings):
    """The ledger that refunds are posted to."""


class Settings(BaseSettings):
    """All settings. `duban --help` and docs/settings.md show them."""

    model_config = SettingsConfigDict(env_prefix="DUBAN_", env_nested_delimiter="__")

    data: Path = Field(
        default_factory=lambda: Path(platformdirs.user_data_dir("duban")),
        description="Folder of this instance's data",
    )
    database_url: str | None = Field(None, description="SQLAlchemy URL; empty: SQLite in the data folder")
    models_dir: Path | None = Field(
        None, description="Folder of BPMN, DMN and forms; empty: the ones shipped"
    )
    templates_dir: Path | None = Field(
        None, description="Folder of notification templates; empty: the ones shipped"
    )
    staff_file: Path | None = Field(
        None, description="JSON list of staff; empty: the sample staff, any name may act"
    )
    subscribers_file: Path | None = Field(
        None,
        description="CSV of users by month and region, for complaints per million; empty: no such figure",
    )
    engine: EngineSettings = Field(default_factory=lambda: EngineSettings())
    web: WebSettings = Field(default_factory=lambda: WebSettings())
    records: RecordsSettings = Field(default_factory=lambda: RecordsSettings())
    probe: ProbeSettings = Field(default_factory=lambda: ProbeSettings())
    log: LogSettings = Field(default_factory=lambda: LogSettings())
    tracing: TracingSettings = Field(default_factory=lambda: TracingSettings())
    login: LoginSettings = Field(default_factory=lambda: LoginSettings())
    api: ApiSettings = Field(default_factory=lambda: ApiSettings())
    oidc: OidcSettings = Field(default_factory=lambda: OidcSettings())
    evidence: EvidenceSettings = Field(default_factory=lambda: EvidenceSettings())
    notifications: NotificationSettings = Field(default_factory=lambda: NotificationSettings())
    alerts: AlertSettings = Field(default_factory=lambda: AlertSettings())
    billing: BillingSettings = Field(default_factory=lambda: BillingSettings())
    ledger: LedgerSettings = Field(default_factory=lambda: LedgerSettings())
