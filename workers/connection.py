"""Where a running instance is, and one kept connection to its HTTP API. Imports nothing slow."""

from __future__ import annotations

import http.client
import json
import os
import re
import time
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import urlsplit

from workers.errors import Conflict, DubanError, NotFound, Refused, Unavailable

CONNECT_SECONDS: Final = 10
ANSWER_SECONDS: Final = 900
"""Moving the clock waits until everything that it sets off has settled."""
IDLE_SECONDS: Final = 2
"""A connection that was idle longer is opened anew: the server may be closing it just now."""

PAGE: Final = 500
"""How many entries of a list are asked for at once."""
_NEXT: Final = re.compile(r'/api/v1/([^>]+)>; rel="next"')


class NoInstance(Unavailable):
    """No instance of Duban answers where it should; the message says how to start one."""


class AnswerLost(Unavailable):
    """The request was sent and no answer came: it may or may not have been carried out."""


@dataclass(frozen=True)
class Instance:
    """Where an instance is, and the word that opens it."""

    url: str
    token: str
    hint: str
    """What to do when nobody answers there."""


def find_instance(data: Path, url: str | None = None, token: str | None = None) -> Instance:
    """The instance at a URL, or the one that runs on a data folder.

    Raises:
        NoInstance: no instance.json, or the process that wrote it is gone.
        Refused: the URL is no http(s) URL, has no token, or instance.json cannot be read.
    """
    if url:
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            raise Refused(f"--url {url} is not an address like http://127.0.0.1:8700")
        if not token:
            raise Refused(
                "--url needs --token (or DUBAN_TOKEN): it is in instance.json of the instance's data folder"
            )
        return Instance(url.rstrip("/"), token, f"Check that an instance runs at {url}.")
    path = data / "instance.json"
    hint = f"Start one with `duban up --data {data}`, or name another folder with --data."
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        instance = Instance(str(found["url"]).rstrip("/"), str(found["token"]), hint)
        pid = int(found["pid"])
    except FileNotFoundError:
        raise NoInstance(f"no instance runs on {data}. {hint}") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not what `duban up` writes"
        raise Refused(f"{path} cannot be read: {why}. {hint}") from error
    if not _is_alive(pid):
        raise NoInstance(f"the instance on {data} ended without tidying up (process {pid} is gone). {hint}")
    return instance


class Connection:
    """One kept connection to an instance; `with` closes it. What it reads is parsed JSON.

    Raises (all calls):
        NoInstance: nobody answers at the address. AnswerLost: it stopped answering in the middle.
        Refused, NotFound, Conflict, Unavailable: what the instance said.
    """

    def __init__(self, instance: Instance) -> None:
        self._instance = instance
        self._parts = urlsplit(instance.url)
        self._connection: http.client.HTTPConnection | None = None
        self._used_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _object(self, method: str, path: str, body: object = None) -> dict[str, Any]:
        answer = self._call(method, path, body)
        if not isinstance(answer, dict):
            raise Unavailable(
                f"{self._instance.url} gave an answer that is not Duban's. {self._instance.hint}"
            )
        return answer

    def _list(self, method: str, path: str) -> list[dict[str, Any]]:
        return self._rows(self._call(method, path, None))

    def _pages(self, path: str) -> list[dict[str, Any]]:
        """Every page of a list, one after the other."""
        found: list[dict[str, Any]] = []
        asked: str | None = f"{path}{'&' if '?' in path else '?'}limit={PAGE}"
        while asked is not None:
            status, content, link = self._answer("GET", asked, None)
            found += self._rows(_read(status, content, self._instance))
            more = _NEXT.search(link)
            asked = more[1] if more else None
        return found

    def _rows(self, answer: Any) -> list[dict[str, Any]]:
        if not isinstance(answer, list):
            raise Unavailable(
                f"{self._instance.url} gave an answer that is not Duban's. {self._instance.hint}"
            )
        return answer

    def _content(self, path: str) -> bytes:
        status, content, _ = self._answer("GET", path, None)
        if status >= 400:
            _read(status, content, self._instance)
        return content

    def _call(self, method: str, path: str, body: object) -> Any:
        status, content, _ = self._answer(method, path, body)
        return _read(status, content, self._instance)

    def _answer(self, method: str, path: str, body: object) -> tuple[int, bytes, str]:
        """Status, content, and the header Link."""
        headers = {"Authorization": f"Bearer {self._instance.token}", "Accept": "application/json"}
        payload: bytes | BufferedReader | None
        if isinstance(body, BufferedReader):
            payload, headers["Content-Type"] = body, "application/octet-stream"
            headers["Content-Length"] = str(os.fstat(body.fileno()).st_size)
        else:
            payload = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if isinstance(payload, bytes):
            headers["Content-Type"] = "application/json"
        connection = self._connected()
        try:
            with suppress(
                BrokenPipeError, ConnectionResetError
            ):  # refused before all was sent: the answer says why
                connection.request(method, f"{self._parts.path.rstrip('/')}/api/v1/{path}", payload, headers)
            response = connection.getresponse()
            status, content, link = response.status, response.read(), response.getheader("Link", "")
        except (OSError, http.client.HTTPException) as error:
            self.close()
            raise AnswerLost(
                f"{self._instance.url} stopped answering; look whether it was done before doing it again"
            ) from error
        if isinstance(payload, BufferedReader):
            self.close()  # where a refusal came early, the rest of the file is still on its way
        self._used_at = time.monotonic()
        return status, content, link

    def _connected(self) -> http.client.HTTPConnection:
        if self._connection is not None and time.monotonic() - self._used_at <= IDLE_SECONDS:
            return self._connection
        self.close()
        host, port = self._parts.hostname or "", self._parts.port
        kind = http.client.HTTPSConnection if self._parts.scheme == "https" else http.client.HTTPConnection
        connection = kind(host, port, timeout=CONNECT_SECONDS)
        try:
            connection.connect()
        except OSError as error:
            connection.close()
            raise NoInstance(f"nobody answers at {self._instance.url}. {self._instance.hint}") from error
        if connection.sock is not None:
            connection.sock.settimeout(ANSWER_SECONDS)
        self._connection = connection
        return connection


def _read(status: int, content: bytes, instance: Instance) -> Any:
    answer: Any = None
    with suppress(ValueError):
        answer = json.loads(content)
    if status < 400 and answer is not None:
        return answer
    said = answer.get("detail") if isinstance(answer, dict) else None
    if not isinstance(said, str):
        raise Unavailable(
            f"{instance.url} gave an answer that is not Duban's (HTTP {status}). {instance.hint}"
        )
    kinds: dict[int, type[DubanError]] = {404: NotFound, 409: Conflict, 412: Conflict}
    raise kinds.get(status, Refused if status < 500 else Unavailable)(said)


def _is_alive(pid: int) -> bool:
    if os.name == "nt":
        return True  # the connection tells
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (PermissionError, OverflowError):
        return True
    return pid > 0
