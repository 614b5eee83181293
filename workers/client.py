"""Speaks to a running instance over its HTTP API, for the commands. Imports nothing slow."""

from __future__ import annotations

import http.client
import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self
from urllib.parse import quote, urlencode, urlsplit

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


class Client:
    """One kept connection to an instance. A call returns parsed JSON, or raises DubanError with a sentence.

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

    def submit(self, line: bytes) -> dict[str, Any]:
        """Hands in one complaint, as raw JSON. Returns {"number": …}."""
        return self._object("POST", "complaints", line)

    def show(self, number: str) -> dict[str, Any]:
        """The whole case."""
        return self._object("GET", f"complaints/{quote(number, safe='')}")

    def tasks(self, person: str | None = None) -> list[dict[str, Any]]:
        """Open user tasks, of one person's groups if given."""
        query = "?" + urlencode({"as": person}) if person is not None else ""
        return self._pages(f"tasks{query}")

    def complete(self, task: str, person: str, variables: Any) -> dict[str, Any]:
        """Completes a user task with answers to its form."""
        body = {"as": person, "variables": variables}
        return self._object("POST", f"tasks/{quote(task, safe='')}/completion", body)

    def guide(self, kind: str, answers: Mapping[str, str]) -> dict[str, Any]:
        """A fault guide's next question after these answers, or what comes next."""
        query = "?" + urlencode(answers) if answers else ""
        return self._object("GET", f"fault-guides/{quote(kind, safe='')}{query}")

    def rectifications(self, status: str, number: str | None = None) -> list[dict[str, Any]]:
        """What is to be put right, by status and case."""
        query = {"status": status} | ({"number": number} if number else {})
        return self._list("GET", f"rectifications?{urlencode(query)}")

    def incidents(self) -> list[dict[str, Any]]:
        """Stuck work."""
        return self._pages("incidents")

    def incident(self, key: str) -> dict[str, Any]:
        """One piece of stuck work, with the variables that it sees."""
        return self._object("GET", f"incidents/{quote(key, safe='')}")

    def causes(self) -> list[dict[str, Any]]:
        """Stuck work by cause."""
        return self._list("GET", "causes")

    def retry(
        self, key: str, person: str | None = None, variables: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Gives stuck work another try, with these variables changed."""
        body = {"as": person, "variables": dict(variables or {})}
        return self._object("POST", f"incidents/{quote(key, safe='')}/retry", body)

    def retry_cause(self, cause: str, person: str | None) -> dict[str, Any]:
        """Gives everything that is stuck by a cause another try."""
        return self._object("POST", "incidents/retry", {"as": person, "cause_id": cause})

    def outbox(self, state: str, number: str | None = None) -> dict[str, Any]:
        """Messages that were given up (dead) or are owed (pending)."""
        query = {"state": state} | ({"number": number} if number else {})
        return self._object("GET", f"outbox?{urlencode(query)}")

    def resend(
        self, id_: int | None, channel: str | None, error: str | None, person: str | None
    ) -> dict[str, Any]:
        """Owes dead letters again: one, of a channel, of a reason, or all."""
        body = {"as": person, "id": id_, "channel": channel, "error": error}
        return self._object("POST", "outbox/resend", body)

    def timers(self, number: str | None = None) -> dict[str, Any]:
        """What fires next."""
        return self._object("GET", f"timers?{urlencode({'number': number})}" if number else "timers")

    def versions(self) -> dict[str, Any]:
        """What is deployed, and how much of it runs."""
        return self._object("GET", "versions")

    def heat(self, process: str, days: int) -> dict[str, Any]:
        """Where cases of a process spend their time."""
        return self._object("GET", f"heat?{urlencode({'process': process, 'days': days})}")

    def preview_migration(self, process: str, version: int) -> dict[str, Any]:
        """Which instances of a version would be moved to the newest, and which not, with the reasons."""
        return self._object("GET", f"migrations?{urlencode({'process': process, 'from': version})}")

    def migrate(self, process: str, version: int, person: str | None) -> dict[str, Any]:
        """Begins to move the instances of a version to the newest."""
        return self._object("POST", "migrations", {"as": person, "process": process, "from": version})

    def migration(self, id_: int) -> dict[str, Any]:
        """How far a migration is."""
        return self._object("GET", f"migrations/{id_}")

    def workers(self) -> dict[str, Any]:
        """Who works, the engine, the records."""
        return self._object("GET", "workers")

    def advance_clock(self, by: str) -> dict[str, Any]:
        """Moves the test clock by an ISO 8601 duration; returns when what that sets off has settled."""
        return self._object("POST", "clock/advance", {"by": by})

    def withdraw(self, number: str, reason: str | None) -> dict[str, Any]:
        """The customer takes the complaint back."""
        return self._object("POST", f"complaints/{quote(number, safe='')}/withdrawal", {"reason": reason})

    def extend(self, number: str, person: str, reason: str) -> dict[str, Any]:
        """Somebody who works on the complaint asks for more time."""
        body = {"as": person, "reason": reason}
        return self._object("POST", f"complaints/{quote(number, safe='')}/extension", body)

    def answer_survey(self, number: str, answer: Mapping[str, Any]) -> dict[str, Any]:
        """The customer answers the satisfaction survey: satisfaction, is_solved, comment."""
        return self._object("POST", f"complaints/{quote(number, safe='')}/survey", dict(answer))

    def figures(self, first: str | None, last: str | None, by: Sequence[str]) -> dict[str, Any]:
        """The figures of a period, grouped by words."""
        query = [("from", first), ("to", last), *(("by", word) for word in by)]
        return self._object("GET", f"figures?{urlencode([each for each in query if each[1] is not None])}")

    def suggest(self, suggestion: Mapping[str, Any]) -> dict[str, Any]:
        """Makes a suggestion for improvement: as, text, number, group."""
        return self._object("POST", "suggestions", dict(suggestion))

    def suggestions(self, **chosen: str | None) -> list[dict[str, Any]]:
        """Suggestions, narrowed by status, group or number."""
        query = {name: value for name, value in chosen.items() if value is not None}
        return self._list("GET", f"suggestions?{urlencode(query)}")

    def decide_suggestion(self, id_: int, decision: Mapping[str, Any]) -> dict[str, Any]:
        """What becomes of a suggestion: as, status, reason."""
        return self._object("POST", f"suggestions/{id_}/decision", dict(decision))

    def appeal(self, number: str, reason: str) -> dict[str, Any]:
        """The customer appeals against the result of a closed complaint."""
        return self._object("POST", f"complaints/{quote(number, safe='')}/appeal", {"reason": reason})

    def mark(self, number: str, kind: str, person: str, grounds: str, *, is_set: bool) -> dict[str, Any]:
        """Marks a complaint, or takes the mark back."""
        where = f"complaints/{quote(number, safe='')}/marks{'' if is_set else '/reversal'}"
        return self._object("POST", where, {"as": person, "mark": kind, "grounds": grounds})

    def evidence(self, number: str) -> list[dict[str, Any]]:
        """The files of a case."""
        return self._list("GET", f"complaints/{quote(number, safe='')}/evidence")

    def add_evidence(self, number: str, file: Path, person: str, kind: str, name: str) -> dict[str, Any]:
        """Adds a file to a case. Raises Refused when it cannot be read, too."""
        query = urlencode({"as": person, "kind": kind, "name": name})
        try:
            with file.open("rb") as stream:
                return self._object("POST", f"complaints/{quote(number, safe='')}/evidence?{query}", stream)
        except OSError as error:
            raise Refused(f"{file} cannot be read: {error.strerror}") from error

    def evidence_file(self, number: str, sha256: str, person: str) -> bytes:
        """The content of a file of a case."""
        where = f"complaints/{quote(number, safe='')}/evidence/{quote(sha256, safe='')}"
        return self._content(f"{where}?{urlencode({'as': person})}")

    def case_file(self, number: str, person: str, audience: str) -> bytes:
        """The compiled case file, a page."""
        query = urlencode({"as": person, "for": audience})
        return self._content(f"complaints/{quote(number, safe='')}/case-file?{query}")

    def find(self, wanted: str, person: str) -> list[dict[str, Any]]:
        """Complaints by number or customer, masked."""
        return self._rows(self._call("POST", "search", {"as": person, "wanted": wanted}))

    def expired(self) -> dict[str, Any]:
        """What a run of retention would anonymise now."""
        return self._object("GET", "retention")

    def run_retention(self, person: str) -> dict[str, Any]:
        """Opens a run of retention that this person has confirmed."""
        return self._object("POST", "retention", {"as": person})

    def retention_run(self, number: str) -> dict[str, Any]:
        """How far a run of retention is."""
        return self._object("GET", f"retention/{quote(number, safe='')}")

    def report_event(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Reports a major event: as, policy, kind, region and what is known. Returns {"number": …}."""
        return self._object("POST", "events", dict(event))

    def events(self, *, with_ended: bool = False) -> list[dict[str, Any]]:
        """Events that are open, or all."""
        return self._pages("events?all=true" if with_ended else "events")

    def event(self, number: str) -> dict[str, Any]:
        """The whole event."""
        return self._object("GET", f"events/{quote(number, safe='')}")

    def attach(self, number: str, person: str, complaints: Sequence[str]) -> dict[str, Any]:
        """Ties complaints to an event."""
        body = {"as": person, "complaints": list(complaints)}
        return self._object("POST", f"events/{quote(number, safe='')}/complaints", body)

    def detach(self, number: str, person: str, complaint: str, reason: str | None = None) -> dict[str, Any]:
        """Lets a complaint of an event go."""
        path = f"events/{quote(number, safe='')}/complaints/{quote(complaint, safe='')}/detachment"
        return self._object("POST", path, {"as": person, "reason": reason})

    def raise_event(self, number: str, person: str, reason: str | None = None) -> dict[str, Any]:
        """Calls the next tier of an event."""
        body = {"as": person, "reason": reason}
        return self._object("POST", f"events/{quote(number, safe='')}/raise", body)

    def hand_back_event(self, number: str, person: str, reason: str) -> dict[str, Any]:
        """Calls the lower tier of an event again."""
        body = {"as": person, "reason": reason}
        return self._object("POST", f"events/{quote(number, safe='')}/hand-back", body)

    def tell_event(self, number: str, person: str, news: str, *, preview: bool = False) -> dict[str, Any]:
        """Tells every customer of an event, or shows who would be told what."""
        path = f"events/{quote(number, safe='')}/news" + ("/preview" if preview else "")
        return self._object("POST", path, {"as": person, "news": news})

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
