"""Draws every diagram of bpmn/ into docs/processes (tools/render.mjs), with the Node that lint.py finds.

Usage: python tools/render.py [models folder] [output folder]; needs a Chromium (CHROMIUM=path).
"""

from __future__ import annotations

import subprocess
import sys

from lint import TOOLS, install, node_programs


def main(arguments: list[str]) -> int:
    """The exit code of the drawing."""
    node, npm = node_programs()
    install(npm)
    return subprocess.run([*node, str(TOOLS / "render.mjs"), *arguments], check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
