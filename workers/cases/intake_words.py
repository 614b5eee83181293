"""The words that a complaint line may use. What people read for them is in templates/labels.json."""

from __future__ import annotations

from typing import Final

CHANNELS: Final = (
    "phone",
    "web",
    "app",
    "chat",
    "email",
    "social-media",
    "hall",
    "letter",
    "visit",
    "12345",
    "12315",
    "regulator",
    "internal",
)
"""Ways a complaint comes in (rules A1, B13)."""

FLAGS: Final = (
    "media",
    "regulator",
    "legal",
    "privacy",
    "safety",
    "vip",
    "vulnerable",
    "group",
    "repeat",
    "urgent",
    "escalated",
    "skips-levels",
    "threat-media",
    "threat-regulator",
)
"""What may make a complaint more than ordinary; decisions weigh them (rules C5, D8, D9, E1)."""
