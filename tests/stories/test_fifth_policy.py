"""A story of a policy that no code knows: rows and texts in folders of one's own (docs/new-policy.md)."""

from __future__ import annotations

import re
import shutil
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

from tests.contract.test_new_policy import ROOT, add_policy
from tests.stories.world import World, running_duban
from workers.store import outbox

WRONG_BILL = "这个月账单被多扣费三十八元，我没有订购过这项增值业务，请核查。"
GREETING = "校园用户您好！"


def campus(folder: Path) -> dict[str, str]:
    """Models and texts with a policy campus: rows like those of petition, but 36 hours for a bill; its own greeting."""
    models = Path(shutil.copytree(ROOT / "bpmn", folder / "bpmn"))
    templates = Path(shutil.copytree(ROOT / "templates", folder / "templates"))
    add_policy(models, "campus", like="petition")
    deadlines = models / "complaint-handling" / "complaint-deadlines.dmn"
    own = re.sub(r'(id="Campus_\w+"><text>)"PT72H"', r'\1"PT36H"', deadlines.read_text("utf-8"))
    deadlines.write_text(own, "utf-8")
    text = templates / "notifications" / "complaint-accepted" / "sms.txt"
    text.write_text(text.read_text("utf-8").replace("您好！", GREETING, 1), "utf-8")
    return {"DUBAN_MODELS_DIR": str(models), "DUBAN_TEMPLATES_DIR": str(templates)}


def test_A8_A9_a_fifth_policy_of_files_alone_runs_to_its_end(tmp_path: Path) -> None:
    """A complaint of policy campus has its own deadline and text, and comes to the archive as any other does."""
    data = tmp_path / "data"
    with (
        running_duban(data, campus(tmp_path), "--test-clock") as running,
        closing(World(running)) as world,
    ):
        case = world.complain(WRONG_BILL, policy="campus")
        case.be_handled()
        case.answer_survey()
        case.wait_status("closed")
        due_at = datetime.fromisoformat(case.deadline("result")["due_at"])
        assert due_at - datetime.fromisoformat(case["received_at"]) == timedelta(hours=36)
        assert case["policy"] == "campus"
        assert case["outcome"] == "solved"
        with world.database.read() as tx:
            said = {each.event: each.body for each in outbox.of_number(tx, case.number)}
        assert GREETING in said["complaint-accepted"]
        assert world.client.incidents() == []
