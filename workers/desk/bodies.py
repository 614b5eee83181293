"""What every body of the API has: no unknown keys, no control characters."""

from __future__ import annotations

import re
from typing import Annotated, Final

from pydantic import AfterValidator, BaseModel, ConfigDict, StringConstraints

_UNPRINTABLE: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def _readable(text: str) -> str:
    if _UNPRINTABLE.search(text):
        raise ValueError("holds a NUL or another control character")
    return text


Words = Annotated[
    str, StringConstraints(strict=True, strip_whitespace=True, max_length=4000), AfterValidator(_readable)
]
"""What people write."""


class Body(BaseModel):
    """A body with no keys but its own."""

    model_config = ConfigDict(extra="forbid")
