"""Draws the diagrams of bpmn/ into docs/processes (tools/render.mjs), with the Node that node.py finds.

Usage: python tools/render.py [models folder] [output folder]  draws what has no current picture
       python tools/render.py --check                          lists what has none, or no line in the README; 1 if any
Needs a Chromium to draw (CHROMIUM=path).
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

from node import install, node_programs

TOOLS = Path(__file__).resolve().parent
ROOT = TOOLS.parent


def stale(root: Path) -> list[str]:
    """A sentence for each process whose picture is not of the model as it is, or that the README does not list."""
    folder = root / "docs" / "processes"
    listed = (folder / "README.md").read_text("utf-8")
    said = []
    for model in sorted(root.glob("bpmn/*/*.bpmn")):
        picture = folder / f"{model.stem}.svg"
        mark = f"<!-- model sha256:{hashlib.sha256(model.read_bytes()).hexdigest()} -->"
        if not picture.exists() or mark not in picture.read_text("utf-8"):
            said.append(f"{model.stem} has no current picture: run `python tools/render.py` and look at it")
        if f"({model.stem}.svg)" not in listed:
            said.append(f"{model.stem} is not in docs/processes/README.md")
    alone = [
        each.name for each in sorted(folder.glob("*.svg")) if not [*root.glob(f"bpmn/*/{each.stem}.bpmn")]
    ]
    return said + [f"{name} is the picture of no process: remove it" for name in alone]


def main(arguments: list[str]) -> int:
    """The exit code of the drawing."""
    if arguments == ["--check"]:
        print("\n".join(said := stale(ROOT)) or "every process has a current picture")
        return 1 if said else 0
    node, npm = node_programs("to draw diagrams")
    install(npm, TOOLS, "what draws diagrams")
    return subprocess.run([*node, str(TOOLS / "render.mjs"), *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
