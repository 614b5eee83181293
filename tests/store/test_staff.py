"""Who gets the next case (rule A5)."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.rows import put
from workers.cases.region import Nearest, Region, is_within
from workers.engine.models import Models
from workers.errors import Broken, NotFound, Refused
from workers.store import staff
from workers.store.database import Database

ROOT = Path(__file__).parents[2]


class TestStaff:
    def test_the_sample_covers_every_group_anywhere(self, database: Database) -> None:
        people = staff.read_file(ROOT / "deploy" / "sample-staff.json")
        groups = {group for person in people for group in person.groups}
        needed = Models.load(ROOT / "bpmn").groups() | staff.OWN_GROUPS
        assert groups == needed
        with database.begin() as tx:
            staff.load(tx, people)
            for group in groups:
                for region in (
                    Region(),
                    Region(province="西藏"),
                    Region(province="浙江", city="杭州", branch="西湖"),
                ):
                    assert group in staff.pick_owner(tx, group, region).groups

    def test_a5_the_nearest_gets_the_case(self, database: Database) -> None:
        self.load(
            database,
            west=("浙江", "杭州", "西湖"),
            hangzhou=("浙江", "杭州", None),
            ningbo=("浙江", "宁波", None),
            zhejiang=("浙江", None, None),
            nanjing=("江苏", "南京", None),
            china=(None, None, None),
        )
        for place, username in {
            ("浙江", "杭州", "西湖"): "west",
            ("浙江省", "杭州市", "西湖区"): "west",
            ("浙江", "杭州", "余杭"): "hangzhou",
            ("浙江", "杭州", None): "hangzhou",
            ("浙江", "宁波", "海曙"): "ningbo",
            ("浙江", "温州", None): "zhejiang",
            ("浙江", None, None): "zhejiang",
            ("江苏", "苏州", None): "nanjing",
            ("广东", None, None): "china",
            (None, None, None): "china",
        }.items():
            region = Region(province=place[0], city=place[1], branch=place[2])
            with database.read() as tx:
                assert staff.pick_owner(tx, "billing", region).username == username, place

    def test_a5_of_equals_the_least_busy_gets_the_case(self, database: Database) -> None:
        self.load(database, ann=("浙江", None, None), bob=("浙江", None, None), cem=("浙江", None, None))
        region = Region(province="浙江")
        for index, (person, status) in enumerate(
            [
                ("ann", "in-progress"),
                ("ann", "closed"),
                ("bob", "closed"),
                ("bob", "withdrawn"),
                ("bob", "resolved"),
            ]
        ):
            put(database, f"N{index}", owner_person=person, status=status)
        with database.read() as tx:
            assert staff.pick_owner(tx, "billing", region).username == "bob"
            assert staff.pick_owner(tx, "billing", region, exclude={"bob"}).username == "cem"
            assert staff.pick_owner(tx, "billing", region, exclude={"bob", "cem"}).username == "ann"
            with pytest.raises(Broken, match="billing"):
                staff.pick_owner(tx, "billing", region, exclude={"ann", "bob", "cem"})
            with pytest.raises(Broken, match="front-desk"):
                staff.pick_owner(tx, "front-desk", region)

    def test_who_left_the_file_gets_no_more_cases(self, database: Database) -> None:
        self.load(database, ann=("浙江", None, None), bob=("浙江", None, None))
        self.load(database, bob=("浙江", None, None))
        with database.read() as tx:
            assert [person.username for person in staff.everybody(tx)] == ["bob"]
            assert staff.get(tx, "ann").is_active is False
            assert staff.usernames_of(tx, "billing", Region()) == {"bob"}
            assert [person.username for person in staff.by_usernames(tx, {"ann", "bob", "cem"})] == [
                "ann",
                "bob",
            ]
            with pytest.raises(NotFound, match="cem"):
                staff.get(tx, "cem")

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("{", "the file"),
            ("{}", "the file"),
            ('[{"username": "a"}]', r"0\.name"),
            ('[{"username": "A B", "name": "a", "groups": ["billing"]}]', r"0\.username"),
            ('[{"username": "a", "name": "a", "groups": []}]', r"0\.groups"),
            ('[{"username": "a", "name": "a", "groups": ["Night Cooks"]}]', r"0\.groups\.0"),
            ('[{"username": "a", "name": "a", "groups": ["billing"], "phone": "1"}]', r"0\.phone"),
            ('[{"username": "a", "name": "a", "groups": ["billing"], "boss": "b"}]', r"0\.boss"),
            (
                '[{"username":"a","name":"a","groups":["billing"]},{"username":"a","name":"b","groups":["billing"]}]',
                "twice",
            ),
        ],
    )
    def test_a_faulty_staff_file_is_refused(self, tmp_path: Path, text: str, reason: str) -> None:
        path = tmp_path / "staff.json"
        path.write_text(text)
        with pytest.raises(Refused, match=reason):
            staff.read_file(path)
        with pytest.raises(Refused, match="can't be read"):
            staff.read_file(tmp_path / "nothing.json")

    def test_a_group_that_nothing_names_is_refused_where_the_named_ones_are_known(
        self, tmp_path: Path
    ) -> None:
        path = tmp_path / "staff.json"
        path.write_text('[{"username": "a", "name": "a", "groups": ["cooks", "auditor"]}]')
        assert staff.read_file(path)[0].groups == ["cooks", "auditor"]
        assert staff.read_file(path, {"cooks"})
        with pytest.raises(Refused, match=r"'a' is in the group 'cooks'.*auditor, billing, operations"):
            staff.read_file(path, {"billing"})

    def load(self, database: Database, **people: tuple[str | None, str | None, str | None]) -> None:
        members = [
            staff.StaffMember(
                username=name,
                name=name,
                groups=["billing"],
                province=where[0],
                city=where[1],
                branch=where[2],
            )
            for name, where in people.items()
        ]
        with database.begin() as tx:
            staff.load(tx, members)


def far(here: Region, person: Region) -> int:
    """How far a person is from a case, as the rule says it, to compare with."""
    if here.province is None or here.province != person.province:
        return 5 if person.province is None else 6
    if here.city is None or here.city != person.city:
        return 3 if person.city is None else 4
    if here.branch is None or here.branch != person.branch:
        return 1 if person.branch is None else 2
    return 0


places = st.builds(
    lambda depth, names: Region(
        **dict(list(zip(("province", "city", "branch"), names, strict=True))[:depth])
    ),
    st.integers(0, 3),
    st.tuples(
        st.sampled_from(["浙江", "江苏"]),
        st.sampled_from(["杭州", "宁波"]),
        st.sampled_from(["西湖", "余杭"]),
    ),
)


@given(places, st.lists(places, max_size=8))
def test_A5_the_nearest_are_those_at_the_least_distance(here: Region, people: list[Region]) -> None:
    """Whoever is asked, nobody who is nearer is passed over."""
    least = min((far(here, person) for person in people), default=0)
    expected = [place for place, person in enumerate(people) if far(here, person) == least]
    assert Nearest((person, place) for place, person in enumerate(people)).of(here) == expected


def test_regions_near_and_far() -> None:
    here = Region(province="浙江", city="杭州", branch="西湖")
    people = Nearest(
        [(Region(province="江苏", city="杭州", branch="西湖"), "far"), (Region(province="浙江省"), "near")]
    )
    assert people.of(here) == ["near"]
    assert is_within(here, Region(province="浙江省"))
    assert not is_within(here, Region(province="浙江", city="宁波"))
