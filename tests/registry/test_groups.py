"""Groups are declared over columns; a missing value belongs to no group."""

import pandas as pd
import pytest

from registry.groups import Grouping, grouping_problems

FRAME = pd.DataFrame(
    {
        "sex": [1, 2, 2, None],
        "race": ["b", "w", "b", "w"],
        "age": [61.9, 62.0, None, 18.0],
    }
)


def test_a_group_is_those_who_have_the_value() -> None:
    grouping = Grouping.from_json("sex", {"control": "m", "m": {"sex": 1}, "f": {"sex": 2}})

    masks = grouping.masks(FRAME)

    assert masks["m"].tolist() == [True, False, False, False]
    assert masks["f"].tolist() == [False, True, True, False]


def test_several_columns_must_all_agree() -> None:
    grouping = Grouping.from_json(
        "both", {"control": "rest", "bf": {"sex": 2, "race": "b"}, "rest": {"race": "w"}}
    )

    assert grouping.masks(FRAME)["bf"].tolist() == [False, False, True, False]
    assert grouping.columns == {"sex", "race"}


def test_a_range_includes_its_start_and_excludes_its_end() -> None:
    grouping = Grouping.from_json(
        "age",
        {
            "control": "younger",
            "younger": {"column": "age", "to": 62},
            "elderly": {"column": "age", "from": 62},
        },
    )

    masks = grouping.masks(FRAME)

    assert masks["younger"].tolist() == [True, False, False, True]
    assert masks["elderly"].tolist() == [False, True, False, False]


@pytest.mark.parametrize(
    "table",
    [
        {"control": "m", "m": {"sex": 1}, "f": {"sex": 2}},
        {
            "control": "a",
            "a": {"column": "age", "from": 18, "to": 40},
            "b": {"sex": 1, "race": "b"},
        },
    ],
)
def test_a_grouping_survives_json(table: dict[str, object]) -> None:
    assert grouping_problems("x", table) == []
    assert Grouping.from_json("x", table).as_json() == table


@pytest.mark.parametrize(
    ("table", "field"),
    [
        ("male", "groups.x"),
        ({"control": "m", "m": {"sex": 1}}, "groups.x"),
        ({"m": {"sex": 1}, "f": {"sex": 2}}, "groups.x.control"),
        ({"control": "m", "m": {"sex": 1}, "f": {}}, "groups.x.f"),
        ({"control": "m", "m": {"sex": 1}, "f": {"column": "sex"}}, "groups.x.f"),
        ({"control": "m", "m": {"sex": 1}, "f": {"column": "sex", "from": "2"}}, "groups.x.f"),
        (
            {"control": "m", "m": {"sex": 1}, "f": {"column": "sex", "from": 2, "b": 1}},
            "groups.x.f",
        ),
        ({"control": "m", "m": {"sex": 1}, "f": {"sex": [2]}}, "groups.x.f"),
    ],
)
def test_a_grouping_that_cannot_be_used_is_named(table: object, field: str) -> None:
    assert [problem.field for problem in grouping_problems("x", table)] == [field]
