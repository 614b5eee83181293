"""The access matrix: every role × every route × a case of the own and of another region, asked of a running desk.

`python -m tests.desk.access_matrix` writes docs/access-matrix.md anew; read what changed before you commit it.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import httpx
from fastapi.routing import APIRoute

from tests.databases import make_sqlite_template
from tests.desk.matrix_calls import CALLS, OWN_ACCOUNT, Scene
from tests.desk.signing_in import Browser, add_account, required
from tests.desk_server import ROOT, RunningDesk, add_person, running
from workers.store.database import Database

PAGE: Final = ROOT / "docs" / "access-matrix.md"
HERE: Final = {"province": "浙江", "city": "杭州", "branch": "西湖"}
THERE: Final = {"province": "江苏", "city": "南京", "branch": "鼓楼"}
ROLES: Final = sorted(
    {
        group
        for person in json.loads((ROOT / "deploy" / "sample-staff.json").read_bytes())
        for group in person["groups"]
    }
)
NOBODY: Final = "nobody"
ANYWHERE, HERE_ONLY, NOWHERE = "●", "◐", "·"

Route = tuple[str, str]
Matrix = dict[Route, dict[str, str]]


@dataclass
class Desk:
    """A desk with somebody of every role in two regions, and cases in both."""

    running: RunningDesk
    client: httpx.Client
    scenes: dict[str, Scene] = field(default_factory=dict)
    misfits: list[str] = field(default_factory=list)
    """Calls that were neither done nor refused."""

    def scene(self, where: str) -> Scene:
        """What is there to act on; new when the last one was used."""
        if where not in self.scenes:
            self.scenes[where] = Scene(self.running, self.client, HERE if where == "here" else THERE)
        return self.scenes[where]


def matrix(desk: RunningDesk) -> Matrix:
    """Asks for every cell.

    Raises:
        AssertionError: a route has no example call, or its example is answered with what is neither done nor refused.
    """
    for role in ROLES:
        add_account(desk, f"{role}.here", role, **HERE)
        add_person(desk, f"{role}.there", role, **THERE)
    found: Matrix = {route: {} for route in routes(desk)}
    missing = [route for route in found if route not in CALLS]
    assert not missing, f"tests/desk/matrix_calls.py has no example of {missing}"
    with desk.client() as client:
        stage = Desk(desk, client)
        for role in [*ROLES, NOBODY]:
            with Browser(desk) as browser:
                if role != NOBODY:
                    browser.sign_in(f"{role}.here")
                    browser.http.headers["X-CSRF-Token"] = browser.csrf
                for route, cells in found.items():
                    cells[role] = _cell(stage, browser, route, role)
    assert not stage.misfits, "\n".join(stage.misfits)
    return found


def routes(desk: RunningDesk) -> list[Route]:
    """Every route of the desk but those of one's own account, with its method; by path."""
    found = {
        (method, route.path)
        for route in _walk(desk.app.routes)
        for method in route.methods
        if route.path not in OWN_ACCOUNT
    }
    return sorted(found, key=lambda each: (each[1].startswith("/api"), each[1], each[0]))


def rendered(found: Mapping[Route, Mapping[str, str]]) -> str:
    """The page for people."""
    columns = [*ROLES, NOBODY]
    lines = [
        "# Who may do what, and where",
        "",
        "Written by `python -m tests.desk.access_matrix` from the answers of a running desk; a test asks for every",
        "cell again. Everybody works in one branch; each call is made for a case of that branch and for one of another",
        f"province. {ANYWHERE} may, {HERE_ONLY} only for a case of the own region, {NOWHERE} is refused. Tasks are",
        "of `front-desk`, the owner of a case is somebody else. The instance's own token may call all of the API.",
        "",
        "| | " + " | ".join(columns) + " |",
        "| --- |" + " :-: |" * len(columns),
    ]
    for (method, path), cells in found.items():
        lines.append(f"| {method} `{path}` | " + " | ".join(cells[each] for each in columns) + " |")
    return "\n".join(lines) + "\n"


def differences(found: str, written: str) -> list[str]:
    """The lines that are not the same, for people."""
    ours, theirs = set(found.splitlines()), set(written.splitlines())
    return [f"+ {line}" for line in sorted(ours - theirs)] + [f"- {line}" for line in sorted(theirs - ours)]


def _walk(routes: Any) -> Iterator[APIRoute]:
    for route in routes:
        inner = getattr(route, "original_router", None)
        if inner is not None:
            yield from _walk(inner.routes)
        elif isinstance(route, APIRoute):
            yield route


def _cell(stage: Desk, browser: Browser, route: Route, role: str) -> str:
    here = _may(stage, browser, route, role, "here")
    if "{" not in route[1] and not CALLS[route].is_of_a_case:
        return ANYWHERE if here else NOWHERE
    there = _may(stage, browser, route, role, "there")
    assert here or not there, f"{role} may {route} elsewhere, but not in the own region"
    return ANYWHERE if there else HERE_ONLY if here else NOWHERE


def _may(stage: Desk, browser: Browser, route: Route, role: str, where: str) -> bool:
    method, path = route
    call, scene = CALLS[route], stage.scene(where)
    sent = call.make(scene, f"{role}.here")
    address = scene.address(path)
    with browser.http.stream(method, address, **sent) as answer:
        status = answer.status_code
        is_refused = status in {401, 403} or (
            status == 303 and answer.headers["location"].startswith("/login")
        )
        if not is_refused:
            body = "" if call.is_endless else answer.read().decode("utf-8", "replace")
            if not (status < 400 or status in call.also):
                stage.misfits.append(f"{role} {method} {path} {where}: {status} {body[-300:]}")
    if not is_refused and method != "GET":
        stage.scenes.pop(where)
    return not is_refused


def main() -> None:
    """Writes the page."""
    with tempfile.TemporaryDirectory() as folder:
        make_sqlite_template(Path(folder))
        database = Database.in_folder(Path(folder))
        with running(database, signing_in=required()) as desk:
            text = rendered(matrix(desk))
        database.close()
    PAGE.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
