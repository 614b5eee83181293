"""Where a complaint or a person belongs, and how near two of them are."""

from __future__ import annotations

from typing import Final

from pydantic import BaseModel, ConfigDict

from workers.cases.readable import Word

SUFFIXES: Final = ("自治区", "自治州", "分公司", "地区", "省", "市", "区", "县")
"""What a name of a place may end in without being another place; longer ones first."""


class Region(BaseModel):
    """Province, city and branch, as people write them; what is unknown is None."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    province: Word | None = None
    city: Word | None = None
    branch: Word | None = None


FARTHEST: Final = 6


def distance(here: Region, person: Region) -> int:
    """How far a person is from a case.

    0 the same branch · 1 the same city, no branch · 2 another branch of the city · 3 the same province,
    no city · 4 another city of the province · 5 the whole country · 6 another province.
    """
    if not _same(here.province, person.province):
        return 5 if person.province is None else FARTHEST
    if not _same(here.city, person.city):
        return 3 if person.city is None else 4
    if not _same(here.branch, person.branch):
        return 1 if person.branch is None else 2
    return 0


def _same(one: str | None, other: str | None) -> bool:
    return one is not None and other is not None and bare(one) == bare(other)


def bare(place: str) -> str:
    """杭州市 and 杭州 are the same city; a name is never cut to one character."""
    for suffix in SUFFIXES:
        if place.endswith(suffix) and len(place) >= len(suffix) + 2:
            return place.removesuffix(suffix)
    return place


def is_within(case: Region, person: Region) -> bool:
    """Whether the case lies where the person works: no level that both name differs."""
    levels = ((case.province, person.province), (case.city, person.city), (case.branch, person.branch))
    return all(one is None or other is None or _same(one, other) for one, other in levels)


def spellings(place: str) -> list[str]:
    """The ways in which people write a place, the shortest first: 杭州, 杭州市, …"""
    shortest = bare(place)
    return [shortest, *(shortest + suffix for suffix in SUFFIXES)]
