"""A real OpenID Connect provider for tests, in a process of its own, with PKCE enforced before it.

Started as a program it prints its address; it ends when stdin does.
"""

from __future__ import annotations

import base64
import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit


@contextmanager
def provider(people: list[dict[str, Any]]) -> Iterator[str]:
    """The provider with these people (claims, `sub` among them), for the length of the block; its address."""
    process = subprocess.Popen(
        [sys.executable, __file__, json.dumps(people)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.communicate(timeout=60)


class Pkce:
    """WSGI: a code is only taken with the verifier whose challenge it was asked for with (RFC 7636, S256)."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self._challenges: dict[str, str] = {}

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Any:
        if environ["PATH_INFO"] == "/oauth2/token" and not self._is_proved(environ):
            start_response("400 Bad Request", [("Content-Type", "application/json")])
            return [b'{"error": "invalid_grant"}']
        asked = parse_qs(environ.get("QUERY_STRING", ""))

        def watched(status: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            for name, value in headers:
                code = parse_qs(urlsplit(value).query).get("code") if name == "Location" else None
                if code and asked.get("code_challenge_method") == ["S256"]:
                    self._challenges[code[0]] = asked["code_challenge"][0]
            return start_response(status, headers, *more)

        return self._app(environ, watched)

    def _is_proved(self, environ: dict[str, Any]) -> bool:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
        environ["wsgi.input"] = BytesIO(body)
        sent = parse_qs(body.decode())
        digest = hashlib.sha256(sent.get("code_verifier", [""])[0].encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).decode().rstrip("=")
        return self._challenges.get(sent.get("code", [""])[0]) == challenge


def main() -> None:
    """Serves until stdin ends."""
    import threading

    import werkzeug.serving
    from oidc_provider_mock import User, app

    people = [
        User(sub=each["sub"], claims={name: value for name, value in each.items() if name != "sub"})
        for each in json.loads(sys.argv[1])
    ]
    server = werkzeug.serving.make_server(
        "127.0.0.1", 0, Pkce(app(require_nonce=True, user_claims=people)), threaded=True
    )
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdin.read()


if __name__ == "__main__":
    main()
