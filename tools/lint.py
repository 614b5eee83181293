"""Lints the diagrams of bpmn/ with the rules of Camunda Modeler, and fails on the first day a rule is broken.

Finds Node (node.py), installs what tools/package-lock.json names when it is not there yet, and runs
tools/lint.mjs. Usage: python tools/lint.py [models folder]
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from node import install, node_programs

TOOLS = Path(__file__).resolve().parent


def main(arguments: list[str]) -> int:
    """The exit code of the linter: 0 when there is nothing to tell."""
    node, npm = node_programs()
    install(npm, TOOLS, "the lint rules")
    return subprocess.run([*node, str(TOOLS / "lint.mjs"), *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
