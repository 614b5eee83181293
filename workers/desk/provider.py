"""An identity provider that people sign in with: OpenID Connect, authorization code with PKCE, state and nonce."""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from workers.clock import Clock
from workers.errors import Refused, Unavailable
from workers.settings import OidcSettings

log = logging.getLogger(__name__)

_ALGORITHMS: Final = (
    "RS256",
    "RS384",
    "RS512",
    "PS256",
    "PS384",
    "PS512",
    "ES256",
    "ES384",
    "ES512",
    "EdDSA",
)
"""Signatures of a key that only the provider has; never `none`, never one with the client's secret."""
_LEEWAY_SECONDS: Final = 60
_NEEDED: Final = ("issuer", "authorization_endpoint", "token_endpoint", "jwks_uri")
_LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_NOT_ACCEPTED: Final = (
    "统一认证未通过，请重新登录。 The identity provider's answer was not accepted: sign in again."
)


@dataclass(frozen=True)
class Started:
    """A login that has begun: what this browser has to remember until the provider sends it back."""

    state: str
    nonce: str
    verifier: str
    next: str

    @classmethod
    def new(cls, next_: str) -> Started:
        """One of its own for every try."""
        return cls(secrets.token_urlsafe(24), secrets.token_urlsafe(24), secrets.token_urlsafe(48), next_)

    def kept(self) -> str:
        """As the value of a cookie."""
        wanted = base64.urlsafe_b64encode(self.next.encode()).decode().rstrip("=")
        return ".".join((self.state, self.nonce, self.verifier, wanted))

    @classmethod
    def read(cls, kept: str | None) -> Started | None:
        """From the cookie; None when there is none, or it is no such thing."""
        parts = (kept or "").split(".")
        if len(parts) != 4:
            return None
        try:
            next_ = base64.urlsafe_b64decode(parts[3] + "=" * (-len(parts[3]) % 4)).decode()
        except ValueError:
            return None
        return cls(parts[0], parts[1], parts[2], next_)


class Provider:
    """Speaks to the provider. Blocking: call it in a thread.

    Raises:
        Refused: the settings cannot be used.
    """

    def __init__(self, settings: OidcSettings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._issuer = (settings.issuer or "").rstrip("/")
        self._lock = threading.Lock()
        self._known: Mapping[str, Any] | None = None
        self._keys: KeySet | None = None
        if not _is_safe(self._issuer):
            raise Refused("DUBAN_OIDC__ISSUER must be an https address")
        if not settings.client_id:
            raise Refused("DUBAN_OIDC__CLIENT_ID must be set: what the provider calls this service")

    def address(self, started: Started, redirect_url: str) -> str:
        """Where the browser goes to sign in. Raises Unavailable."""
        challenge = hashlib.sha256(started.verifier.encode()).digest()
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": redirect_url,
            "scope": self.settings.scopes,
            "state": started.state,
            "nonce": started.nonce,
            "code_challenge": base64.urlsafe_b64encode(challenge).decode().rstrip("="),
            "code_challenge_method": "S256",
        }
        endpoint = str(self._metadata()["authorization_endpoint"])
        return f"{endpoint}{'&' if urlsplit(endpoint).query else '?'}{urlencode(query)}"

    def claims(self, answer: Mapping[str, str], started: Started, redirect_url: str) -> Mapping[str, Any]:
        """What the provider says of the person whom it sent back.

        Args:
            answer: the query that the browser came back with.

        Raises:
            Refused: it is not the answer to this login, or the person was not let in.
            Unavailable: the provider does not answer.
        """
        if not hmac.compare_digest(answer.get("state", "").encode(), started.state.encode()):
            raise self._refused("state")
        if answer.get("iss", self._issuer).rstrip("/") != self._issuer:
            raise self._refused("issuer")
        if "error" in answer or not answer.get("code"):
            raise self._refused("denied")
        token = self._token(answer["code"], started.verifier, redirect_url)
        claims = self._verified(token)
        if not hmac.compare_digest(str(claims.get("nonce", "")).encode(), started.nonce.encode()):
            raise self._refused("nonce")
        return claims

    def _token(self, code: str, verifier: str, redirect_url: str) -> str:
        secret = self.settings.client_secret
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_url,
            "client_id": self.settings.client_id or "",
            "code_verifier": verifier,
        }
        if secret is not None:
            form["client_secret"] = secret.get_secret_value()
        answer = self._ask("POST", str(self._metadata()["token_endpoint"]), form)
        if not answer.is_success:
            raise self._refused("code")
        token = _object(answer).get("id_token")
        if not isinstance(token, str):
            raise self._refused("id-token")
        return token

    def _verified(self, token: str) -> Mapping[str, Any]:
        """The claims of an ID token that the provider signed for us, and that holds now."""
        try:
            claims = self._decoded(token)
            registry = jwt.JWTClaimsRegistry(
                now=int(self._clock.now().timestamp()),
                leeway=_LEEWAY_SECONDS,
                iss={"essential": True, "value": str(self._metadata()["issuer"])},
                aud={"essential": True, "value": self.settings.client_id or ""},
                exp={"essential": True},
                iat={"essential": True},
                sub={"essential": True},
            )
            registry.validate(claims)
        except (JoseError, ValueError) as error:
            raise self._refused(type(error).__name__) from None
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != self.settings.client_id:
            raise self._refused("azp")
        return claims

    def _decoded(self, token: str) -> dict[str, Any]:
        try:
            return jwt.decode(token, self._key_set(), algorithms=_ALGORITHMS).claims
        except (JoseError, ValueError):
            # The provider may have new keys since we looked.
            return jwt.decode(token, self._key_set(anew=True), algorithms=_ALGORITHMS).claims

    def _metadata(self) -> Mapping[str, Any]:
        with self._lock:
            if self._known is None:
                answer = self._ask("GET", f"{self._issuer}/.well-known/openid-configuration")
                found = _object(answer) if answer.is_success else {}
                if any(not isinstance(found.get(name), str) for name in _NEEDED):
                    raise Unavailable(_says("it does not describe itself"))
                if str(found["issuer"]).rstrip("/") != self._issuer:
                    raise Unavailable(_says("it calls itself by another name than DUBAN_OIDC__ISSUER"))
                if not all(_is_safe(str(found[name])) for name in _NEEDED[1:]):
                    raise Unavailable(_says("it names an address that is not https"))
                self._known = found
            return self._known

    def _key_set(self, *, anew: bool = False) -> KeySet:
        address = str(self._metadata()["jwks_uri"])
        with self._lock:
            if self._keys is None or anew:
                answer = self._ask("GET", address)
                if not answer.is_success:
                    raise Unavailable(_says("it does not show its keys"))
                self._keys = KeySet.import_key_set(_object(answer))  # type: ignore[arg-type]
            return self._keys

    def _ask(self, method: str, address: str, form: Mapping[str, str] | None = None) -> httpx.Response:
        try:
            with httpx.Client(timeout=self.settings.timeout_seconds) as http:
                return http.request(method, address, data=form, headers={"Accept": "application/json"})
        except httpx.HTTPError as error:
            raise Unavailable(_says(type(error).__name__)) from error

    def _refused(self, why: str) -> Refused:
        log.warning("identity provider's answer refused", extra={"action": "oidc-refused", "why": why})
        return Refused(_NOT_ACCEPTED)


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        found = answer.json()
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {}


def _is_safe(address: str) -> bool:
    """https, or plain http on this machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)


def _says(why: str) -> str:
    return f"统一认证暂不可用。 The identity provider cannot be used now ({why}): try again, or use a local account."
