"""Where a complaint or a person belongs, and how near two of them are."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Final, Generic, TypeVar

from pydantic import BaseModel, ConfigDict

from workers.cases.readable import Word

SUFFIXES: Final = ("自治区", "自治州", "分公司", "地区", "省", "市", "区", "县")
"""What a name of a place may end in without being another place; longer ones first."""

_LEVELS: Final = ("province", "city", "branch")

T = TypeVar("T")


class Region(BaseModel):
    """Province, city and branch, as people write them; what is unknown is None."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    province: Word | None = None
    city: Word | None = None
    branch: Word | None = None


class Nearest(Generic[T]):
    """Who of many is nearest to a region; one look per class of distance, not one per person.

    From near to far: the same branch · the same city, no branch · another branch of the city · the same province, no
    city · another city of the province · the whole country · another province.

    Args:
        people: (where they work, what stands for them), in the order in which they are answered.
    """

    def __init__(self, people: Iterable[tuple[Region, T]]) -> None:
        self._classes: dict[tuple[str | None, ...], list[T]] = {}
        for region, person in people:
            for key in _classes(region):
                self._classes.setdefault(key, []).append(person)

    def of(self, region: Region) -> list[T]:
        """Everybody at the least distance that anybody has; empty if there is nobody."""
        province, city, branch = (bare(name) if name else None for name in _levels(region))
        keys: list[tuple[str | None, ...]] = []
        if province and city and branch:
            keys.append(("branch", province, city, branch))
        if province and city:
            keys += [("city only", province, city), ("city", province, city)]
        if province:
            keys += [("province only", province), ("province", province)]
        keys += [("country",), ("anywhere",)]
        return next((self._classes[key] for key in keys if key in self._classes), [])


def _classes(region: Region) -> Iterator[tuple[str | None, ...]]:
    """The classes of distance that somebody who works in a region is in, for the cases that are so far."""
    province, city, branch = (bare(name) if name else None for name in _levels(region))
    yield ("anywhere",)
    if province is None:
        yield ("country",)
        return
    yield ("province", province)
    if city is None:
        yield ("province only", province)
        return
    yield ("city", province, city)
    yield ("city only", province, city) if branch is None else ("branch", province, city, branch)


def _levels(region: Region) -> tuple[str | None, str | None, str | None]:
    return region.province, region.city, region.branch


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


def contains(whole: Region, part: Region) -> bool:
    """Whether `part` lies in `whole` for sure: every level that `whole` names is named, and the same."""
    levels = zip(_levels(whole), _levels(part), strict=True)
    return all(one is None or _same(one, other) for one, other in levels)


def spoken(region: Region) -> str:
    """A place as people say it, e.g. `浙江 杭州 西湖`."""
    return " ".join(name for name in _levels(region) if name)


def read_place(said: str, known: Iterable[Region]) -> Region:
    """The place that somebody said in words: one to three names, the larger first.

    A name that is known says of which city and province it is, e.g. `西湖` or `杭州 西湖`, where only one is called so.

    Args:
        known: places that there are.

    Raises:
        ValueError: more than three names; a name is too long or holds what nobody can read.
    """
    names = [name for name in re.split(r"[\s,，、/·]+", said.strip()) if name]
    if not names:
        return Region()
    if len(names) > len(_LEVELS):
        raise ValueError("has more than a province, a city and a branch")
    fits = {_until(place, end) for place in known for end in _ends_with(place, names)}
    if len(fits) > 1:
        raise ValueError("is the name of several places; say the city, too")
    if fits:
        return fits.pop()
    is_province = len(names) > 1 or names[0].endswith(("省", "自治区"))
    return Region(**dict(zip(_LEVELS if is_province else _LEVELS[1:], names, strict=False)))


def _ends_with(place: Region, names: list[str]) -> Iterator[int]:
    """The levels (1 to 3) at which the names are the last ones of the place, one beside the other."""
    levels = [name for name in _levels(place) if name]
    for end in range(len(names), len(levels) + 1):
        if all(_same(one, other) for one, other in zip(levels[end - len(names) : end], names, strict=True)):
            yield end


def _until(place: Region, end: int) -> Region:
    return Region(**dict(zip(_LEVELS[:end], _levels(place), strict=False)))


def spellings(place: str) -> list[str]:
    """The ways in which people write a place, the shortest first: 杭州, 杭州市, …"""
    shortest = bare(place)
    return [shortest, *(shortest + suffix for suffix in SUFFIXES)]
