"""Addresses of what the pages load: scripts and styles built from frontend/ into static/built (docs/frontend.md).

A file's name holds the hash of its content, so a browser never mixes two versions, and may keep what it has.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final

from workers.errors import Unavailable

STATIC: Final = Path(__file__).parent / "static"
BUILT: Final = STATIC / "built"
PREFIX: Final = "/static/built/"
"""Where the built files are on the server."""

_kept: dict[Path, tuple[int, dict[str, str]]] = {}
"""Manifest by folder, with the time of the file that it was read from."""


def asset(name: str, built: Path = BUILT) -> str:
    """The address of a script or style, for `src` and `href`.

    Args:
        name: as it is called in frontend/src, e.g. `form.js`.
        built: the folder that the build wrote.

    Raises:
        Unavailable: nothing is built, or it does not hold this file; says what to do.
    """
    found = _manifest(built).get(name)
    if found is None:
        raise Unavailable(
            f"页面资源 {name} 尚未构建,请运行 make frontend。 {name} of the pages is not built: run `make frontend` "
            "(or `python tools/build_frontend.py`) in the checkout; a wheel always has it."
        )
    return PREFIX + found


def _manifest(built: Path) -> dict[str, str]:
    file = built / "manifest.json"
    try:
        changed = file.stat().st_mtime_ns
    except FileNotFoundError:
        return {}
    known = _kept.get(built)
    if known is None or known[0] != changed:
        known = (changed, json.loads(file.read_text(encoding="utf-8")))
        _kept[built] = known
    return known[1]
