"""Who would be decided otherwise, against numbers worked out by hand and against resampling."""

import numpy as np
import pytest

from governance.swap_set import (
    Band,
    Flips,
    Reason,
    amount_feature,
    by_amount,
    by_group,
    by_reason,
    flips,
    ratio_difference,
)
from registry.contract import FeatureContract
from registry.measures.fairness import Limits
from tests.registry.applicants import CONTRACT

LIMITS = Limits(breach=0.8, watch=0.9)


def approvals(text: str) -> np.ndarray:
    return np.array([letter == "a" for letter in text])


def a_population(n: int = 1200, seed: int = 3):
    """Champion, candidate and groups: the candidate approves more of the group and of nobody else."""
    rng = np.random.default_rng(seed)
    group = rng.random(n) < 0.4
    champion = rng.random(n) < np.where(group, 0.5, 0.7)
    candidate = champion ^ (rng.random(n) < np.where(group & ~champion, 0.2, 0.03))
    return champion, candidate, group


def test_a_flip_is_told_by_who_alone_approves():
    assert flips(approvals("aaddd"), approvals("adaad")) == Flips(5, 2, 1)


def test_the_difference_of_ratios_worked_out_by_hand():
    # Group: 2 of 4, then 3 of 4. Control: all 4 both times. Ratios 0.5 and 0.75.
    # Weights of the four: -1/16, -1/16, 3/16, -1/16; their squares add up to 12/256.
    champion, candidate = approvals("aadd" + "aaaa"), approvals("aaad" + "aaaa")
    group = np.arange(8) < 4

    difference, interval = ratio_difference(champion, candidate, group, ~group)

    assert difference == 0.25
    reach = 1.96 * (12 / 256) ** 0.5
    assert (interval.low, interval.high) == pytest.approx((0.25 - reach, 0.25 + reach))


def test_the_interval_is_the_one_that_resampling_people_gives():
    champion, candidate, group = a_population()
    rng = np.random.default_rng(11)

    difference, interval = ratio_difference(champion, candidate, group, ~group)

    def ratio(who):
        return who[group_now].mean() / who[~group_now].mean()

    drawn = []
    for _ in range(2000):
        people = np.concatenate(
            [
                rng.choice(rows, rows.size)
                for rows in (np.flatnonzero(group), np.flatnonzero(~group))
            ]
        )
        group_now = group[people]
        drawn.append(ratio(candidate[people]) - ratio(champion[people]))
    assert difference == pytest.approx(np.mean(drawn), abs=0.005)
    low, high = np.quantile(drawn, [0.025, 0.975])
    assert interval.low == pytest.approx(low, abs=0.012)
    assert interval.high == pytest.approx(high, abs=0.012)


def test_two_versions_that_decide_alike_differ_by_nothing_for_certain():
    champion, _, group = a_population()

    difference, interval = ratio_difference(champion, champion, group, ~group)

    assert (difference, interval.low, interval.high) == (0.0, 0.0, 0.0)


def test_there_is_no_ratio_where_nobody_of_the_control_group_is_approved():
    group = np.arange(8) < 4

    assert ratio_difference(approvals("aaaadddd"), approvals("aaaaaaaa"), group, ~group) is None


def test_groups_are_told_with_their_flips_and_both_ratios():
    champion, candidate, group = a_population()

    control, other = by_group(
        champion, candidate, {"sex": {"f": group, "m": ~group}}, {"sex": "m"}, LIMITS
    )

    assert (control.group, control.is_control, control.difference) == ("m", True, None)
    assert other.flips == flips(champion[group], candidate[group])
    assert other.champion_air == pytest.approx(champion[group].mean() / champion[~group].mean())
    assert other.candidate_air == pytest.approx(candidate[group].mean() / candidate[~group].mean())
    assert other.difference == pytest.approx(other.candidate_air - other.champion_air)
    assert other.difference_interval.contains(other.difference)


@pytest.mark.parametrize(
    ("size", "declined"),
    [(29, 10), (40, 4), (40, 36)],
    ids=["too few people", "too few denials", "too few approvals"],
)
def test_a_group_too_small_under_either_version_keeps_its_numbers(size, declined):
    n = 500
    few = np.arange(n) < size
    ordinary = np.arange(n) % 2 == 0
    candidate = np.where(few, np.arange(n) >= declined, ordinary)

    found = by_group(
        ordinary, candidate, {"origin": {"few": few, "many": ~few}}, {"origin": "many"}, LIMITS
    )

    small = next(each for each in found if each.group == "few")
    assert not small.shown
    assert (small.flips, small.champion_air, small.candidate_air, small.difference) == (None,) * 4


def test_an_attribute_whose_control_group_nobody_belongs_to_compares_nobody():
    champion, candidate, group = a_population()
    nobody = np.zeros_like(group)

    assert by_group(champion, candidate, {"sex": {"f": group, "m": nobody}}, {"sex": "m"}, LIMITS) == []  # fmt: skip


def test_amounts_fall_into_quarters_and_the_unknown_into_a_band_of_their_own():
    amounts = np.array([10.0, 20, 30, 40, 50, 60, 70, 80, np.nan])

    bands = by_amount(approvals("aaddaadda"), approvals("aaaaddddd"), amounts)

    assert bands == [
        Band(10, 20, Flips(2, 0, 0)),
        Band(30, 40, Flips(2, 2, 0)),
        Band(50, 60, Flips(2, 0, 2)),
        Band(70, 80, Flips(2, 0, 0)),
        Band(None, None, Flips(1, 0, 1)),
    ]


def test_everybody_who_asks_for_the_same_shares_one_band():
    bands = by_amount(approvals("adad"), approvals("daad"), np.full(4, 5.0))

    assert bands == [Band(5, 5, Flips(4, 1, 1))]


def test_the_amount_is_the_one_number_of_its_reason_group():
    def contract(*reason_groups):
        return FeatureContract.from_json(
            {
                "features": [
                    {"name": f"f{i}", "type": "number", "unit": "USD", "reason_group": group}
                    for i, group in enumerate(reason_groups)
                ]
            }
        )

    assert amount_feature(contract("income", "loan_amount")).name == "f1"
    assert amount_feature(contract("loan_amount", "loan_amount")) is None
    assert amount_feature(CONTRACT) is None


def test_reasons_are_counted_commonest_first():
    assert by_reason(["income", "obligations", "income", ""]) == [
        Reason("income", 2),
        Reason("", 1),
        Reason("obligations", 1),
    ]
