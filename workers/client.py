"""Speaks to a running instance over its HTTP API, for the commands. Imports nothing slow."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

from workers.connection import Connection
from workers.errors import Refused


class Client(Connection):
    """The calls of the API. Each returns parsed JSON, or raises DubanError with a sentence: see Connection."""

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

    def alerts(self) -> dict[str, Any]:
        """Whether alerts are on, what is not over, the last alerts."""
        return self._object("GET", "alerts")

    def test_alert(self, person: str | None) -> dict[str, Any]:
        """Has a test alert sent."""
        return self._object("POST", "alerts/test", {"as": person})

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
