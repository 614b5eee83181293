"""Figures as one page that a browser opens without a network: the report, Plotly, and what draws with it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from workers.cli.figure_tables import HEADS, SHARES
from workers.errors import Refused


def write(report: Mapping[str, Any], file: Path) -> None:
    """Writes the page.

    Raises:
        Refused: Plotly (the extra `pictures`) is not installed, or the file cannot be written.
    """
    if find_spec("plotly") is None:
        raise Refused("pictures need Plotly: pip install 'duban[pictures]'")
    script = (files("plotly") / "package_data" / "plotly.min.js").read_text("utf-8")
    given = {"report": report, "heads": HEADS, "shares": sorted(SHARES)}
    content = (files("workers.cli") / "picture.html").read_text("utf-8")
    # What comes last may hold anything: nothing is replaced inside it.
    content = content.replace("{{title}}", f"{report['from']} – {report['to']}")
    before, after = content.split("{{data}}")
    start, middle = before.split("{{plotly}}")
    page = f"{start}{script}{middle}{_in_script(given)}{after}"
    try:
        file.write_text(page, "utf-8")
    except OSError as error:
        raise Refused(f"{file} cannot be written: {error.strerror}") from error


def _in_script(value: Any) -> str:
    """JSON that can stand in a script element: no text of the report can end it."""
    return json.dumps(value, ensure_ascii=False).replace("<", "\\u003c").replace("\u2028", "\\u2028")
