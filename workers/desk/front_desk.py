"""What the front desk chooses from: templates/front-desk.json, and the places where staff work (rules A1, A2)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from workers.cases.intake_words import CHANNELS, FLAGS
from workers.errors import Broken

FILE: Final = "front-desk.json"


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    policy: str
    channels: tuple[str, ...] = Field(min_length=1)
    products: tuple[str, ...]
    flags: tuple[str, ...]


@dataclass(frozen=True)
class FrontDesk:
    """The choices of the page that registers, the likeliest first.

    Attributes:
        policies: every policy that the models know, the one to begin with first.
        flags, more_flags: those offered at once, and all others.
    """

    policies: tuple[str, ...]
    channels: tuple[str, ...]
    products: tuple[str, ...]
    flags: tuple[str, ...]
    more_flags: tuple[str, ...]

    @classmethod
    def load(cls, folder: Path, policies: Collection[str]) -> Self:
        """Reads the file of the templates folder.

        Args:
            policies: those of the models.

        Raises:
            Broken: it cannot be read, or names a policy, channel or flag that there is not.
        """
        try:
            found = _File.model_validate_json((folder / FILE).read_bytes())
        except OSError as error:
            raise Broken(f"{FILE} cannot be read: {error.strerror}") from error
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(str(part) for part in first["loc"])
            raise Broken(f"{FILE} is no list of what the front desk offers: {where} {first['msg']}") from None
        known = {"policy": policies, "channels": CHANNELS, "flags": FLAGS}
        named = {"policy": [found.policy], "channels": found.channels, "flags": found.flags}
        for part, words in named.items():
            if odd := sorted(set(words) - set(known[part])):
                raise Broken(f"{FILE} names {', '.join(odd)} as {part}, which there is not")
        others = tuple(sorted(set(policies) - {found.policy}))
        rest = tuple(flag for flag in FLAGS if flag not in found.flags)
        return cls((found.policy, *others), found.channels, found.products, found.flags, rest)
