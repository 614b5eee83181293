"""The cluster itself: Zeebe, PostgreSQL and all parts in containers, workers replaced while complaints come in."""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Final

import pytest

from tests.deploy import images
from tests.deploy.cluster import STOP_SECONDS, Cluster, groups, running_cluster
from tests.deploy.daemon import NoDockerError
from workers.client import Client
from workers.errors import NotFound

pytestmark = [pytest.mark.timeout(1800), pytest.mark.engine]

BEFORE: Final = 3
LEAST_DURING: Final = 6
SECONDS: Final = 180


@pytest.fixture(scope="module")
def cluster(image: str) -> Iterator[Cluster]:
    """All parts, healthy."""
    try:
        with running_cluster() as cluster:
            yield cluster
    except NoDockerError as error:
        pytest.skip(str(error))


def hand_in(client: Client, number: int) -> str:
    """A complaint by the API, of a customer of its own; its number."""
    complaint = {
        "policy": "petition",
        "channel": "web",
        "text": "这个月账单多扣了三十八元，请查清楚并退还。",
        "customer": {"email": f"customer-{number}@example.com", "customer_no": f"HZ-{number}"},
        "product": "mobile",
        "external_ref": f"cluster-{number}",
    }
    return str(client.submit(json.dumps(complaint).encode())["number"])


class Customers:
    """Hand in complaints one after the other until they are told to stop."""

    def __init__(self, cluster: Cluster) -> None:
        self.numbers: list[str] = []
        self._cluster = cluster
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Customers:
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        with self._cluster.client() as client:
            while not self._stop.wait(1.0) or len(self.numbers) < LEAST_DURING:
                self.numbers.append(hand_in(client, 100 + len(self.numbers)))


def settled(cluster: Cluster, numbers: list[str]) -> None:
    """Waits until each complaint has come to a person, and every message is out."""
    until = time.monotonic() + SECONDS
    owed = "select count(*) from outbox where status = 'pending'"
    requests = "select count(*) from engine_requests where state = 'pending'"
    with cluster.client() as client:
        while True:
            waiting = set(numbers) - {task["number"] for task in client.tasks()}
            left = cluster.ask(owed)[0][0] + cluster.ask(requests)[0][0]
            if not waiting and not left:
                return
            assert time.monotonic() < until, f"{waiting} wait, {left} messages are owed, {client.incidents()}"
            time.sleep(1)


def test_workers_are_replaced_while_complaints_come_in_and_nobody_notices(cluster: Cluster) -> None:
    """Each complaint is there once, acknowledged once, with one task; no message is lost or sent twice."""
    with cluster.client() as client:
        numbers = [hand_in(client, number) for number in range(BEFORE)]
    with Customers(cluster) as customers:
        for name, command in groups().items():
            cluster.begin(f"{name}-next", *command)
            cluster.healthy(f"{name}-next")
            log = cluster.parts[name]
            assert cluster.end(name) == 0, b"".join(log.get_logs()).decode(errors="replace")[-2000:]
    numbers += customers.numbers
    assert len(numbers) == len(set(numbers)) >= BEFORE + LEAST_DURING
    settled(cluster, numbers)

    assert {row[0] for row in cluster.ask("select number from complaints")} == set(numbers)
    with cluster.client() as client:
        assert client.incidents() == []
        offered = Counter(task["number"] for task in client.tasks())
        assert offered == dict.fromkeys(numbers, 1)
    acknowledged = "select number from outbox where event = 'complaint-registered' and status = 'sent'"
    assert sorted(row[0] for row in cluster.ask(acknowledged)) == sorted(numbers)
    assert cluster.ask("select distinct status from outbox") == [("sent",)]
    sent = cluster.ask("select count(*) from outbox where channel = 'email'")[0][0]
    letters = cluster.letters()
    assert len(letters) == len({letter["id"] for letter in letters}) == sent
    told = Counter(each for letter in letters for each in letter["to"] if each.startswith("customer-"))
    assert len(told) == len(numbers)


def test_the_models_that_run_are_those_of_the_image(cluster: Cluster) -> None:
    """A second deployment would change nothing, and says so beforehand."""
    done = cluster.parts["desk"].exec(["duban", "deploy", "--dry-run", "--json"])
    found = json.loads(done.output.splitlines()[-1])
    assert done.exit_code == 0 and found["would_change"] is False
    assert {each["change"] for each in found["files"]} == {"unchanged"}


def test_the_overview_is_drawn_with_chinese(cluster: Cluster) -> None:
    """The image has a font: the picture that managers export is there."""
    code = "from workers.desk import picture; font = picture._font(); print(font); raise SystemExit(font is None)"
    assert cluster.parts["desk"].exec(["python3", "-c", code]).exit_code == 0


def test_no_container_teaches_the_classifier_again(cluster: Cluster) -> None:
    """The model came with the image: nothing is in the cache of the workers that classified."""
    done = cluster.parts["workers-rest-next"].exec(["find", "/data", "-name", "classifier-*"])
    assert done.exit_code == 0 and done.output == b""
    assert images.docker("run", "--rm", "--entrypoint=ls", images.IMAGE, "/opt/duban/share/duban").stdout


def test_store_and_engine_are_put_back_to_one_point(cluster: Cluster) -> None:
    """Copied while the broker stands still and the desk goes on taking complaints; put back, everything goes on.

    As docs/operations.md says: what came after the copy is gone, what came before is there once and goes on.
    """
    zeebe = cluster.parts["zeebe"].get_wrapped_container()
    before = [row[0] for row in cluster.ask("select number from complaints order by number")]
    zeebe.stop(timeout=STOP_SECONDS)
    with cluster.client() as client:
        meanwhile = hand_in(client, 500)
    cluster.sql("pg_dump", "--format=custom", "--file=/data/duban.dump", "duban")
    cluster.keep("zeebe")
    zeebe.start()
    settled(cluster, [*before, meanwhile])
    with cluster.client() as client:
        late = hand_in(client, 501)
    settled(cluster, [late])

    for name in set(cluster.parts) - {"zeebe", "postgres", "mail", "upgrade", "deploy"}:
        assert cluster.end(name) == 0
    zeebe.stop(timeout=STOP_SECONDS)
    cluster.sql("dropdb", "duban")
    cluster.sql("createdb", "duban")
    cluster.sql("pg_restore", "--dbname=duban", "/data/duban.dump")
    cluster.keep("zeebe", back=True)
    zeebe.start()
    cluster.begin_parts()
    settled(cluster, [*before, meanwhile])

    with cluster.client() as client:
        with pytest.raises(NotFound):
            client.show(late)
        assert Counter(task["number"] for task in client.tasks()) == dict.fromkeys([*before, meanwhile], 1)
        assert client.incidents() == []
        client.withdraw(before[0], None)
        until = time.monotonic() + SECONDS
        while client.show(before[0])["status"] != "withdrawn":
            assert time.monotonic() < until
            time.sleep(0.5)
