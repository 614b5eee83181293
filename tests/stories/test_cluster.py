"""Two hundred complaints by eight clients at once are one event, and all of them belong to it (rules E6, E7, F2)."""

from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.stories.test_complaint_handling import NO_SIGNAL
from tests.stories.world import World
from workers.client import Client
from workers.connection import find_instance

pytestmark = pytest.mark.parametrize("world", ["sqlite"], indirect=True)

COMPLAINTS = 200
CLIENTS = 8
WAIT_SECONDS = 900
PLACE = {"province": "江苏", "city": "南京", "branch": "鼓楼"}


def hand_in(world: World, mine: range) -> None:
    """One client, with a connection of its own."""
    client = Client(find_instance(world.running.data))
    try:
        for each in mine:
            line = {
                "policy": "petition",
                "channel": "web",
                "text": NO_SIGNAL,
                "customer": {"name": "钱一一", "phone": f"1380000{each:04d}", "customer_no": f"K-{each:06d}"},
                "region": PLACE,
                "product": "mobile",
                "occurred_at": "2026-01-05T20:00:00+08:00",
                "external_ref": f"cluster-{each}",
            }
            client.submit(json.dumps(line, ensure_ascii=False).encode())
    finally:
        client.close()


def here(world: World) -> list[dict[str, Any]]:
    """The events of this place."""
    return [each for each in world.client.events(with_ended=True) if each["region"]["city"] == PLACE["city"]]


def test_E7_two_hundred_complaints_by_eight_clients_are_one_event(world: World) -> None:
    """One event, two hundred complaints tied to it; it has grown to the level that so many have."""
    with ThreadPoolExecutor(CLIENTS) as clients:
        parts = [range(start, COMPLAINTS, CLIENTS) for start in range(CLIENTS)]
        list(clients.map(lambda part: hand_in(world, part), parts))

    pause = threading.Event()
    for _ in range(WAIT_SECONDS):
        found = here(world)
        if found and found[0]["complaint_count"] == COMPLAINTS:
            break
        pause.wait(1)
    world.settle()
    (event,) = here(world)
    assert (event["kind"], event["source"], event["complaint_count"]) == (
        "cluster-complaints",
        "duban",
        COMPLAINTS,
    )
    assert event["tier"] == "province", "two hundred of them are a matter for the province"
    numbers = world.client.event(event["number"])["complaints"]
    assert len(set(numbers)) == COMPLAINTS
    told = [message["event"] for message in world.client.show(numbers[0])["messages"]]
    assert "incident-joined" in told
