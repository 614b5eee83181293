"""How the desk says times and places, Chinese first."""

from __future__ import annotations

from datetime import datetime, timedelta

from workers.names import SHANGHAI


def iso(at: datetime | None) -> str | None:
    """ISO 8601 with the offset of Shanghai; None for None."""
    return at.astimezone(SHANGHAI).isoformat(timespec="seconds") if at is not None else None


def moment(at: datetime) -> str:
    """A point in time as people in Shanghai read it, e.g. `2026-03-01 09:30`."""
    return f"{at.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"


def duration(span: timedelta) -> str:
    """A length of time in its two largest units, e.g. `1 天 4 小时`."""
    minutes = max(0, int(abs(span).total_seconds() // 60))
    days, hours, rest = minutes // 1440, minutes // 60 % 24, minutes % 60
    if days:
        return f"{days} 天 {hours} 小时" if hours else f"{days} 天"
    if hours:
        return f"{hours} 小时 {rest} 分" if rest else f"{hours} 小时"
    return f"{rest} 分钟"


def span(seconds: float) -> str:
    """A length of time that may be short, e.g. `12 秒`, `3 小时 5 分`."""
    return f"{seconds:.0f} 秒" if seconds < 60 else duration(timedelta(seconds=seconds))


def countdown(due_at: datetime, now: datetime) -> str:
    """How long there is, or how long it has been over, e.g. `剩 3 小时 12 分`, `超 20 分钟`."""
    return f"剩 {duration(due_at - now)}" if due_at > now else f"超 {duration(now - due_at)}"
