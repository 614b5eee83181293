"""JSON objects that people give on the command line: as they are, from a file, or from stdin."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from workers.errors import Refused


def json_object(given: str, option: str, example: str) -> dict[str, Any]:
    """The object of an option, of a file (@FILE) or of stdin (-). Raises Refused when it is no JSON object."""
    try:
        if given == "-":
            given = sys.stdin.buffer.read().decode()
        elif given.startswith("@"):
            given = Path(given[1:]).read_text(encoding="utf-8")
        found = json.loads(given)
    except OSError as error:
        raise Refused(f"{given[1:]} cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:
        raise Refused(f"{option} takes a JSON object like '{example}': {_reason(error)}") from error
    if not isinstance(found, dict):
        raise Refused(f"{option} takes a JSON object like '{example}'")
    return found


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at line {error.lineno} column {error.colno}"
    return "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else "it is nested too deeply"
