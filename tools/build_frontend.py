"""Builds what the pages load (frontend/) into workers/desk/static/built; does nothing when it is there already.

Usage: python tools/build_frontend.py           builds when something in frontend/ has changed (`make frontend`)
       python tools/build_frontend.py --check   says whether it is built and current; 1 if not
Needs Node (node.py) and, the first time, the npm registry. Only the standard library: the wheel's build hook uses it.
"""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from pathlib import Path
from typing import Final

from node import install, node_programs

ROOT: Final = Path(__file__).resolve().parent.parent
FRONTEND: Final = ROOT / "frontend"
BUILT: Final = ROOT / "workers" / "desk" / "static" / "built"
STAMP: Final = "stamp.txt"
MANIFEST: Final = "manifest.json"


def fingerprint(frontend: Path = FRONTEND) -> str:
    """What the build is made of, as one hash: sources, versions, the build script; no times, no paths of a machine."""
    whole = hashlib.sha256()
    files = [frontend / "package.json", frontend / "package-lock.json", frontend / "build.mjs"]
    for file in [*files, *sorted(each for each in (frontend / "src").rglob("*") if each.is_file())]:
        content = file.read_bytes()
        whole.update(f"{file.relative_to(frontend).as_posix()} {len(content)}\n".encode() + content)
    return whole.hexdigest()


def is_current(frontend: Path = FRONTEND, built: Path = BUILT) -> bool:
    """Is everything built, from the sources as they are?"""
    stamp, manifest = built / STAMP, built / MANIFEST
    if not (stamp.exists() and manifest.exists() and stamp.read_text("utf-8") == fingerprint(frontend)):
        return False
    return all((built / name).exists() for name in json.loads(manifest.read_text("utf-8")).values())


def build(frontend: Path = FRONTEND, built: Path = BUILT) -> bool:
    """Builds when something has changed; says whether it did.

    Raises:
        SystemExit: it could not; says what to do.
    """
    if is_current(frontend, built):
        return False
    node, npm = node_programs("to build what the pages load")
    install(npm, frontend, "what the pages are built from")
    print("building what the pages load …", flush=True)
    (built / STAMP).unlink(missing_ok=True)
    done = subprocess.run(
        [*node, str(frontend / "build.mjs"), str(built)], cwd=frontend, check=False, stdin=subprocess.DEVNULL
    )
    if done.returncode:
        raise SystemExit("the pages' scripts and styles could not be built: see the message of esbuild above")
    (built / STAMP).write_text(fingerprint(frontend), "utf-8")
    return True


def main(arguments: list[str]) -> int:
    """The exit code."""
    if arguments == ["--check"]:
        is_there = is_current()
        print("built and current" if is_there else "not built, or not current: run `make frontend`")
        return 0 if is_there else 1
    build()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
