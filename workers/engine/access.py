"""How this process shows the engine who it is: TLS with a CA of one's own, a client certificate, OAuth or Basic."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncGenerator, Generator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import grpc
import httpx

from workers.engine.tokens import Tokens
from workers.errors import Refused
from workers.settings import EngineSettings


@dataclass(frozen=True)
class Access:
    """What calls to one engine need beside its address.

    Attributes:
        is_tls: whether gRPC is spoken over TLS; of REST its URL says so.
        tenant: whose jobs, models and messages are meant; empty where the engine knows no tenants.
    """

    is_tls: bool = False
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    basic: str = field(default="", repr=False)
    tokens: Tokens | None = None
    tenant: str = ""

    @classmethod
    def of(cls, settings: EngineSettings) -> Access:
        """The access of the settings. Raises Refused naming the setting that is missing or the file that cannot be
        read."""
        _check(settings)
        access = cls(
            is_tls=settings.tls,
            ca_file=settings.ca_file,
            cert_file=settings.cert_file,
            key_file=settings.key_file,
            basic=_basic(settings),
            tenant=settings.tenant or "",
        )
        access.channel_credentials()
        context = access.ssl_context()
        if settings.oauth_url is None:
            return access
        return replace(access, tokens=Tokens(settings, context))

    @property
    def signs(self) -> bool:
        """Whether calls carry an `authorization`."""
        return bool(self.basic) or self.tokens is not None

    @property
    def header(self) -> str:
        """What `authorization` says with every call; empty where nothing is to be said."""
        return self.basic or (self.tokens.header if self.tokens else "")

    @property
    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The same for gRPC."""
        header = self.header
        return (("authorization", header),) if header else ()

    def channel_credentials(self) -> grpc.ChannelCredentials | None:
        """For gRPC, from the files as they are now; None without TLS. Raises Refused when one cannot be read."""
        if not self.is_tls:
            return None
        return grpc.ssl_channel_credentials(_read(self.ca_file), _read(self.key_file), _read(self.cert_file))

    def ssl_context(self) -> ssl.SSLContext | None:
        """For REST and the token endpoint; None where the system's certificates and nothing else are wanted."""
        if self.ca_file is None and self.cert_file is None:
            return None
        try:
            context = ssl.create_default_context(cafile=self.ca_file)
            if self.cert_file is not None:
                context.load_cert_chain(self.cert_file, self.key_file)
            return context
        except (OSError, ssl.SSLError) as error:
            raise Refused(
                "a certificate or key of DUBAN_ENGINE__CA_FILE, CERT_FILE, KEY_FILE cannot be used: "
                f"{type(error).__name__}"
            ) from error


class RestAuth(httpx.Auth):
    """The same `authorization` on the engine's REST API; a token that is refused is fetched anew, once."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def sync_auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        raise RuntimeError("the engine is spoken to asynchronously")

    async def async_auth_flow(self, request: httpx.Request) -> AsyncGenerator[httpx.Request, httpx.Response]:
        tokens = self._access.tokens
        if tokens is not None and not tokens.header:
            await tokens.fetch()
        self._sign(request)
        answer = yield request
        if answer.status_code == httpx.codes.UNAUTHORIZED and tokens is not None and await tokens.fetch():
            self._sign(request)
            yield request

    def _sign(self, request: httpx.Request) -> None:
        if header := self._access.header:
            request.headers["authorization"] = header


class Signed:
    """A generated stub whose every call carries the `authorization` of the moment."""

    def __init__(self, stub: Any, access: Access) -> None:
        self._stub = stub
        self._access = access

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._stub, name)

        def signed(request: Any, *, timeout: float) -> Any:
            return call(request, timeout=timeout, metadata=self._access.metadata)

        return signed


OPEN = Access()
"""An engine that asks nobody who he is: the embedded one."""


def _check(settings: EngineSettings) -> None:
    if settings.oauth_url is not None and not settings.oauth_client_id:
        raise Refused("DUBAN_ENGINE__OAUTH_URL needs DUBAN_ENGINE__OAUTH_CLIENT_ID (and its secret)")
    if settings.oauth_url is not None and settings.basic_user is not None:
        raise Refused("set DUBAN_ENGINE__OAUTH_URL or DUBAN_ENGINE__BASIC_USER, not both")
    if (settings.cert_file is None) != (settings.key_file is None):
        raise Refused("DUBAN_ENGINE__CERT_FILE and DUBAN_ENGINE__KEY_FILE belong together")
    if not settings.tls and (settings.ca_file is not None or settings.cert_file is not None):
        raise Refused("DUBAN_ENGINE__CA_FILE and CERT_FILE need DUBAN_ENGINE__TLS=true")


def _basic(settings: EngineSettings) -> str:
    if settings.basic_user is None:
        return ""
    password = settings.basic_password.get_secret_value() if settings.basic_password else ""
    return "Basic " + base64.b64encode(f"{settings.basic_user}:{password}".encode()).decode()


def _read(file: Path | None) -> bytes | None:
    try:
        return None if file is None else file.read_bytes()
    except OSError as error:
        raise Refused(f"{file} cannot be read: {error.strerror}") from error
