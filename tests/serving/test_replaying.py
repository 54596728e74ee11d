"""When two records are the same, to the last bit; and how a sample is drawn."""

import math
from uuid import UUID

import pytest

from serving.replaying import Difference, differences, drawn, restriction_differences, shares

RECORD = {"margin": 0.1, "names": ["a", "b"], "attributions": {"dti": 0.5, "income": None}}


def test_equal_documents_differ_in_nothing() -> None:
    assert list(differences("judged", RECORD, {**RECORD, "margin": 0.1})) == []


def test_the_next_double_is_another_number_and_its_distance_is_said() -> None:
    beside = math.nextafter(0.1, 1)

    [found] = differences("judged", RECORD, {**RECORD, "margin": beside})

    assert found == Difference("judged.margin", 0.1, beside)
    assert found.apart == beside - 0.1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (math.nan, math.nan, True),
        (0.0, -0.0, False),
        (1, 1.0, True),  # JSON of a database may lose the point
        (1, True, False),
        (None, 0.0, False),
        ("0.5", 0.5, False),
        (math.inf, math.inf, True),
    ],
)
def test_what_counts_as_the_same(one: object, other: object, same: bool) -> None:
    assert (list(differences("judged", {"x": one}, {"x": other})) == []) is same


def test_a_member_or_a_reason_too_many_or_too_few_is_a_difference() -> None:
    fields = [
        one.field
        for one in differences("judged", RECORD, {"margin": 0.1, "names": ["a"], "attributions": {"dti": 0.5, "purpose": 1.0}})
    ]  # fmt: skip

    assert fields == [
        "judged.names.1",
        "judged.attributions.income",
        "judged.attributions.purpose",
    ]


def test_a_restriction_that_referred_all_along_must_be_in_the_record() -> None:
    assert list(restriction_differences([3], {3}, {3})) == []
    assert [one.field for one in restriction_differences([], {3}, {3})] == ["restricted_by"]


def test_one_placed_or_lifted_at_that_very_moment_may_be_in_the_record_or_not() -> None:
    assert list(restriction_differences([], set(), {3})) == []
    assert list(restriction_differences([3], set(), {3})) == []


def test_one_that_never_referred_must_not_be_in_the_record() -> None:
    [found] = restriction_differences([4], set(), {3})

    assert (found.recorded, found.found) == ([4], [])


def test_the_same_seed_draws_the_same_sample_and_another_another() -> None:
    ids = [UUID(int=number) for number in range(1000)]

    first = drawn(1, ids, 20)

    assert len(set(first)) == 20
    assert drawn(1, reversed(ids), 20) == first
    assert drawn(2, ids, 20) != first


def test_each_decision_is_drawn_about_as_often_as_another() -> None:
    ids = [UUID(int=number) for number in range(20)]
    counts = dict.fromkeys(ids, 0)

    for seed in range(2000):
        for one in drawn(seed, ids, 5):
            counts[one] += 1

    assert all(400 < count < 600 for count in counts.values())  # 500, give or take 5 deviations


def test_shares_of_a_span_are_even_and_repeatable() -> None:
    found = shares(9, 1000)

    assert found == shares(9, 1000)
    assert all(0 <= one < 1 for one in found)
    assert sum(found) / len(found) == pytest.approx(0.5, abs=0.05)
