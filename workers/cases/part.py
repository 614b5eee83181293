"""The part of the country that somebody looks at: everything, a province, a city, a branch."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from workers.cases.region import Region, bare
from workers.errors import Refused

UNKNOWN: Final = "-"
"""In the place of a name: cases for which the place is not known."""

LEVELS: Final = ("province", "city", "branch")
_LONGEST: Final = 64


@dataclass(frozen=True)
class Part:
    """Where to look. A level that is empty is not narrowed; names are in their shortest spelling, or UNKNOWN."""

    province: str = ""
    city: str = ""
    branch: str = ""

    @classmethod
    def parse(cls, province: str, city: str, branch: str) -> Part:
        """Reads what stands in an address.

        Raises:
            Refused: a branch without its city, or a city without its province (two cities may have a branch of one
                name), or something that is no name.
        """
        names = [name.strip() for name in (province, city, branch)]
        if any(len(name) > _LONGEST or not name.isprintable() for name in names):
            raise Refused("这不是地名。 This is no name of a place.")
        depth = sum(bool(name) for name in names)
        if not all(names[:depth]):
            raise Refused("请先选择上一级地区。 A city needs its province, and a branch its city.")
        return cls(*(name if name == UNKNOWN else bare(name) for name in names))

    @classmethod
    def of(cls, region: Region) -> Part:
        """A region, as far as it is known level by level."""
        if not region.province:
            return cls()
        return cls.parse(region.province, region.city or "", (region.branch or "") if region.city else "")

    @property
    def names(self) -> dict[str, str]:
        """Level -> name of the levels that are narrowed, the largest first."""
        given = zip(LEVELS, (self.province, self.city, self.branch), strict=True)
        return {level: name for level, name in given if name}

    @property
    def next_level(self) -> str | None:
        """What this part is divided by; None for a branch, and where nothing more is known."""
        names = self.names
        return None if len(names) == len(LEVELS) or UNKNOWN in names.values() else LEVELS[len(names)]

    def within(self, name: str | None) -> Part:
        """The part of it that is called so; None: where the name is not known."""
        level = self.next_level
        return Part(**self.names | {level: bare(name) if name else UNKNOWN}) if level else self

    def path(self) -> Iterator[Part]:
        """The parts that it lies in, from everything to itself."""
        names = list(self.names.items())
        for depth in range(len(names) + 1):
            yield Part(**dict(names[:depth]))

    @property
    def name(self) -> str:
        """The last of its names; empty for everything."""
        return next(reversed(self.names.values()), "")
