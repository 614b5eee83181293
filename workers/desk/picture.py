"""The overview as one picture, drawn without a browser: an SVG by template, made into PNG by resvg."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

import resvg_py
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from workers.desk.words import moment
from workers.errors import Unavailable

_TEMPLATES: Final = Path(__file__).parent / "templates"
_SCALE: Final = 2.0
"""Sharp on paper, too."""

_FONTS: Final = (
    *(
        "NotoSansCJK-Regular.ttc",
        "NotoSansCJKsc-Regular.otf",
        "NotoSansSC-Regular.otf",
        "NotoSansSC-Regular.ttf",
    ),
    *("SourceHanSansSC-Regular.otf", "SourceHanSansCN-Regular.otf", "wqy-microhei.ttc", "wqy-zenhei.ttc"),
    *(
        "DroidSansFallbackFull.ttf",
        "PingFang.ttc",
        "STHeiti Light.ttc",
        "msyh.ttc",
        "simhei.ttf",
        "simsun.ttc",
    ),
)
"""Files of fonts with Chinese, the one that is liked best first."""
_FAMILIES: Final = (
    "Noto Sans CJK SC, Noto Sans SC, Source Han Sans SC, Source Han Sans CN, WenQuanYi Micro Hei, WenQuanYi Zen Hei, "
    "Droid Sans Fallback, PingFang SC, STHeiti, Microsoft YaHei, SimHei, SimSun, sans-serif"
)


def draw(view: Mapping[str, Any]) -> bytes:
    """The picture as PNG.

    Args:
        view: what the page shows, and `now`.

    Raises:
        Unavailable: the machine has no font with Chinese.
    """
    font = _font()
    if font is None:
        raise Unavailable(
            "服务器上没有中文字体，无法生成图片；可安装 fonts-noto-cjk，或打印本页。 "
            "The server has no font with Chinese: install one (Debian: fonts-noto-cjk), or print the page."
        )
    drawn = _environment().get_template("overview.svg").render(families=_FAMILIES, **view)
    return bytes(
        resvg_py.svg_to_bytes(
            svg_string=drawn,
            background="#ffffff",
            zoom=_SCALE,
            skip_system_fonts=True,
            font_files=[str(font)],
        )
    )


@cache
def _font() -> Path | None:
    """A font with Chinese of this machine. Looked for once: walking through all of them takes a while."""
    there: dict[str, Path] = {}
    for folder in _folders():
        for found in folder.rglob("*"):
            there.setdefault(found.name, found)
    return next((there[name] for name in _FONTS if name in there), None)


def _folders() -> list[Path]:
    if sys.platform == "darwin":
        return [Path("/System/Library/Fonts"), Path("/Library/Fonts"), Path.home() / "Library/Fonts"]
    if sys.platform == "win32":
        return [Path(os.environ.get("WINDIR", "C:/Windows")) / "Fonts"]
    own = Path.home() / ".local/share/fonts"
    return [Path("/usr/share/fonts"), Path("/usr/local/share/fonts"), own]


@cache
def _environment() -> Environment:
    templates = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters["moment"] = moment
    return templates
