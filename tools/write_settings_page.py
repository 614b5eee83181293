"""Writes docs/settings.md from workers/settings.py; a test fails when the page is stale."""

from __future__ import annotations

import enum
import json
import types
import typing
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from workers.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
HEAD = """# Settings

Every setting is an environment variable; all are optional. `duban up` and `duban work` read them when they start.
This page is written by `python tools/write_settings_page.py` from `workers/settings.py`.

"""
_WORDS = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
    Path: "path",
    SecretStr: "secret",
}


def page() -> str:
    """The whole page."""
    parts = [HEAD]
    parts += _section("The instance", "DUBAN_", Settings)
    for name, field in Settings.model_fields.items():
        group = field.annotation
        if isinstance(group, type) and issubclass(group, BaseModel):
            title = (group.__doc__ or name).strip().splitlines()[0].rstrip(".")
            parts += _section(title, f"DUBAN_{name.upper()}__", group)
    return "".join(parts).rstrip() + "\n"


def _section(title: str, prefix: str, model: type[BaseModel]) -> Iterator[str]:
    yield f"## {title}\n\n| variable | what it is | kind | default |\n| --- | --- | --- | --- |\n"
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            continue
        told = (field.description or "").replace("|", "\\|")
        yield f"| `{prefix}{name.upper()}` | {told} | {_kind(field.annotation)} | {_default(field)} |\n"
    yield "\n"


def _kind(annotation: Any) -> str:
    origin = typing.get_origin(annotation)
    if origin in (typing.Union, types.UnionType):
        return _kind(next(each for each in typing.get_args(annotation) if each is not type(None)))
    if origin is typing.Literal:
        return " or ".join(f"`{each}`" for each in typing.get_args(annotation))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return " or ".join(f"`{each.value}`" for each in annotation)
    return _WORDS.get(annotation, "JSON")


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        value = field.get_default(call_default_factory=True, validated_data={})
        return "the user's own" if isinstance(value, Path) else f"`{json.dumps(value)}`"
    if field.default is None:
        return "–"
    return f"`{str(field.default).lower() if isinstance(field.default, bool) else field.default}`"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
