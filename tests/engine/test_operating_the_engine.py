"""What operations do to the real engine: change a variable of stuck work and try it again; look at its brokers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.engine.conftest import Probe
from workers.engine import topology
from workers.engine.incidents import Incidents
from workers.engine.jobs import Job
from workers.errors import Broken, Conflict

pytestmark = pytest.mark.engine


def test_stuck_work_goes_on_with_the_changed_variable(probe: Probe) -> None:
    """The cause was a wrong value: it is changed where the work sees it, and the retry ends the process."""

    def only_with_the_right_number(job: Job) -> Mapping[str, Any] | None:
        if job.variables["number"] != "right":
            raise Broken("the number is wrong")
        return None

    number = probe.start(only_with_the_right_number)
    probe._handlers["right"] = only_with_the_right_number
    incident = probe.incident(number)
    value, incidents = incident["value"], Incidents(probe.engine.gateway)
    probe.run(incidents.set_variables(str(value["elementInstanceKey"]), {"number": "right"}))
    probe.run(incidents.resolve(str(incident["key"]), str(value["jobKey"])))
    assert probe.wait_end(number) == ["Event_Done"]
    with pytest.raises(Conflict, match="已结束"):
        probe.run(incidents.set_variables(str(value["elementInstanceKey"]), {"number": "again"}))


def test_the_engine_names_its_brokers_and_who_leads(probe: Probe) -> None:
    found = probe.run(topology.look(probe.engine.gateway))
    assert found.version.startswith("8.") and found.partitions == 1
    assert [(each.role, each.health) for each in found.brokers[0].partitions] == [("leader", "healthy")]
    assert found.leaderless == ()
