"""The cookies of the desk. Where the connection is TLS they are Secure and bound to this very host (`__Host-`)."""

from __future__ import annotations

from typing import Final, Literal
from urllib.parse import urlsplit

from fastapi import Response
from starlette.requests import HTTPConnection

SESSION: Final = "duban"
LOGIN: Final = "duban-login"
"""Ties the form of the login page to the browser that asked for it."""
PROVIDER: Final = "duban-provider"
"""Ties the answer of the identity provider to the browser that was sent there."""
_LONGEST_VALUE: Final = 512


class Cookies:
    """Reads and sets them.

    Args:
        public_url: DUBAN_WEB__PUBLIC_URL. With https, requests to its host came over TLS, though a proxy ended it.
    """

    def __init__(self, public_url: str | None) -> None:
        url = urlsplit(public_url or "")
        self._tls_host = (url.hostname or "").lower() if url.scheme == "https" else None

    def is_secure(self, request: HTTPConnection) -> bool:
        """Whether the browser's connection is TLS."""
        return request.url.scheme == "https" or (
            self._tls_host is not None and (request.url.hostname or "").lower() == self._tls_host
        )

    def get(self, request: HTTPConnection, name: str) -> str | None:
        """The value of a cookie; over TLS only of the one that no other host can have set."""
        value = request.cookies.get(self._name(request, name))
        return value if value and len(value) <= _LONGEST_VALUE else None

    def put(
        self,
        request: HTTPConnection,
        response: Response,
        name: str,
        value: str,
        *,
        seconds: int,
        same_site: Literal["lax", "strict"],
    ) -> None:
        """Sets a cookie that no script can read.

        Args:
            same_site: `lax` where somebody comes by a link in a message, or back from the identity provider.
        """
        response.set_cookie(
            self._name(request, name),
            value,
            max_age=seconds,
            secure=self.is_secure(request),
            httponly=True,
            samesite=same_site,
        )

    def drop(self, request: HTTPConnection, response: Response, name: str) -> None:
        """Takes a cookie away."""
        response.delete_cookie(
            self._name(request, name), secure=self.is_secure(request), httponly=True, samesite="lax"
        )

    def _name(self, request: HTTPConnection, name: str) -> str:
        return f"__Host-{name}" if self.is_secure(request) else name
