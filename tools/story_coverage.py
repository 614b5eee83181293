"""Which ends and deadlines of the diagrams no story came through, in the last `make stories` or `make test`.

    python tools/story_coverage.py

Exit code 1 when there are any.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from workers.engine.models import Models  # noqa: E402
from workers.engine.models.bpmn import Element  # noqa: E402

WALKED = ROOT / ".pytest_cache" / "v" / "stories"


def is_wanted(element: Element) -> bool:
    """An end event, or an event that waits for a time or a message."""
    return element.tag == "endEvent" or (
        element.tag in {"boundaryEvent", "intermediateCatchEvent"} and element.definition("error") is None
    )


def main() -> int:
    """Prints one line per element that was not reached."""
    files = sorted(WALKED.glob("walked-*"))
    if not files:
        print("No story has run here yet: make stories")
        return 1
    walked = {line for file in files for line in json.loads(file.read_text(encoding="utf-8"))}
    models = Models.load(ROOT / "bpmn")
    wanted = [
        (process.id, element)
        for process in models.processes.values()
        for element in process.elements.values()
        if is_wanted(element)
    ]
    missing = [(process, element) for process, element in wanted if f"{process} {element.id}" not in walked]
    for process, element in missing:
        print(f"{process}: {element.id} {element.name}")
    print(
        f"{len(wanted) - len(missing)} of {len(wanted)} ends, time-outs and messages were reached by stories."
    )
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
