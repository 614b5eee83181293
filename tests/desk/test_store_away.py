"""The store goes away under a running desk, and comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.databases import Postgres
from tests.desk_server import add_complaint, running
from workers.store.database import Database

LINE = {"policy": "petition", "channel": "web", "text": "套餐多扣了费", "customer": {"phone": "13800138000"}}


@pytest.fixture
def server() -> Iterator[Postgres]:
    """A PostgreSQL that only this test stops."""
    found = Postgres()
    found.start()
    yield found
    found.stop()


def test_while_the_store_is_away_people_and_systems_are_asked_to_try_again(server: Postgres) -> None:
    """503 with Retry-After, not "something went wrong inside": whoever comes back in a moment is served."""
    database = Database(server.new_database())
    with running(database) as desk, desk.client() as api:
        number = add_complaint(desk)
        server.pause()
        refused = api.get(f"/api/v1/complaints/{number}")
        assert (refused.status_code, refused.json()["type"]) == (503, "/problems/unavailable")
        assert refused.headers["retry-after"] == "5" and "数据库" in refused.json()["detail"]
        assert api.post("/api/v1/complaints", json=LINE).status_code == 503
        page = api.get(f"/progress/{number}?key=any")
        assert page.status_code == 503 and "请稍后重试" in page.text
        server.serve()
        server.wait_ready()
        assert api.get(f"/api/v1/complaints/{number}").status_code == 200
    database.close()
