"""Group comparisons: the published example, fairlearn as oracle, and the rules that make a state."""

import fairlearn.metrics
import numpy as np
import pytest

from registry.measures.errors import NotMeasurable
from registry.measures.fairness import (
    Limits,
    adverse_impact,
    adverse_impact_by_attribute,
    equal_opportunity,
    standardised_mean_differences,
    worst,
)

LIMITS = {"breach": 0.80, "watch": 0.90}


def outcomes(**approvals_of_n):
    """Arrays for groups given as name=(approved, people)."""
    approved = np.concatenate([np.arange(n) < a for a, n in approvals_of_n.values()])
    groups = np.concatenate([np.full(n, name) for name, (_, n) in approvals_of_n.items()])
    return approved, groups


def compare(**approvals_of_n):
    approved, groups = outcomes(**approvals_of_n)
    return {
        result.group: result for result in adverse_impact(approved, groups, "control", **LIMITS)
    }


def test_the_published_example():
    found = compare(group=(55, 100), control=(420, 600))["group"]

    assert round(found.air, 3) == 0.786
    assert (round(found.air_interval.low, 3), round(found.air_interval.high, 3)) == (0.653, 0.945)
    assert found.marginal_effect == pytest.approx(0.15)
    assert found.shortfall == pytest.approx(15)
    assert found.z == pytest.approx(-2.974, abs=0.001)


def test_below_the_limit_and_different_from_parity_is_a_breach_though_not_yet_conclusive():
    found = compare(group=(55, 100), control=(420, 600))["group"]

    assert found.state == "breach"
    assert not found.conclusive
    assert found.reason == "0.786 (0.653 to 0.945) is below 0.80, its interval is not."


def test_an_interval_wholly_below_the_limit_is_conclusive():
    found = compare(group=(200, 500), control=(420, 600))["group"]

    assert found.state == "breach"
    assert found.conclusive
    assert found.reason.endswith("as is its whole interval.")


def test_below_the_limit_within_chance_is_only_watched():
    found = compare(group=(32, 100), control=(45, 110))["group"]

    assert found.air < 0.80
    assert found.p_adjusted > 0.05
    assert found.state == "watch"


def test_between_the_limits_is_watched():
    assert compare(group=(340, 500), control=(480, 600))["group"].state == "watch"


def test_parity_shown_by_enough_people_passes():
    assert compare(group=(350, 500), control=(420, 600))["group"].state == "pass"


def test_parity_that_could_hide_a_breach_does_not_pass():
    found = compare(group=(50, 100), control=(50, 100))["group"]

    assert found.air == 1.0
    assert found.state == "insufficient_data"
    assert "reaches below 0.80" in found.reason


def test_twelve_people_are_never_a_verdict():
    found = compare(group=(2, 12), control=(420, 600))["group"]

    assert found.state == "insufficient_data"
    assert not found.shown


def test_thirty_people_are_shown_and_not_judged():
    found = compare(group=(12, 30), control=(420, 600))["group"]

    assert found.shown
    assert found.state == "insufficient_data"


@pytest.mark.parametrize("approvals", [4, 116])
def test_fewer_than_five_approvals_or_denials_are_no_verdict(approvals):
    found = compare(group=(approvals, 120), control=(420, 600))["group"]

    assert found.state == "insufficient_data"
    assert "fewer than 5" in found.reason


def test_a_control_group_too_small_to_compare_with_gives_no_verdict_to_anyone():
    found = compare(group=(300, 600), control=(40, 50))

    assert found["group"].state == "insufficient_data"
    assert "control" in found["group"].reason


def test_nothing_is_shown_of_a_group_whose_ratio_would_give_a_small_control_group_away():
    found = compare(group=(300, 600), control=(17, 20))

    assert not found["control"].shown
    assert not found["group"].shown


def test_the_control_group_comes_first_and_gets_no_verdict():
    results = adverse_impact(*outcomes(a=(200, 400), control=(420, 600)), "control", **LIMITS)

    assert [(result.group, result.state) for result in results] == [
        ("control", "reference"),
        ("a", "breach"),
    ]
    assert results[0].air == 1.0


def test_people_of_unknown_group_are_left_out():
    approved, groups = outcomes(a=(350, 500), control=(420, 600))
    groups = groups.astype(object)
    groups[:10] = None
    groups[10:20] = ""

    results = adverse_impact(approved, groups, "control", **LIMITS)

    assert [(result.group, result.n) for result in results] == [("control", 600), ("a", 480)]


def test_groups_given_as_overlapping_members_are_each_compared():
    approved, groups = outcomes(a=(350, 500), b=(100, 400), control=(420, 600))
    members = {
        "a": groups == "a",
        "a or b": groups != "control",
        "control": groups == "control",
        "nobody": groups == "z",
    }

    results = adverse_impact(approved, members, "control", **LIMITS)

    assert [(result.group, result.n, result.approvals) for result in results] == [
        ("control", 600, 420),
        ("a", 500, 350),
        ("a or b", 900, 450),
    ]


def test_rates_and_ratios_agree_with_fairlearn():
    generator = np.random.default_rng(1)
    groups = generator.choice(["a", "b", "c"], 3_000)
    approved = generator.random(3_000) < np.where(groups == "a", 0.55, 0.7)
    oracle = fairlearn.metrics.MetricFrame(
        metrics=fairlearn.metrics.selection_rate,
        y_true=approved,
        y_pred=approved,
        sensitive_features=groups,
    )

    results = adverse_impact(approved, groups, "b", **LIMITS)

    for result in results:
        assert result.rate == pytest.approx(oracle.by_group[result.group])
        assert result.air == pytest.approx(oracle.by_group[result.group] / oracle.by_group["b"])
        assert result.marginal_effect == pytest.approx(oracle.by_group["b"] - result.rate)


def test_equal_opportunity_agrees_with_fairlearn_on_known_goods():
    generator = np.random.default_rng(2)
    groups = generator.choice(["a", "b"], 4_000)
    bad = (generator.random(4_000) < 0.2).astype(float)
    approved = generator.random(4_000) < np.where(bad == 1, 0.4, 0.8) - 0.1 * (groups == "a")
    oracle = fairlearn.metrics.MetricFrame(
        metrics=fairlearn.metrics.true_positive_rate,
        y_true=bad == 0,
        y_pred=approved,
        sensitive_features=groups,
    )
    unknown = np.append(bad, [np.nan, np.nan])

    control, other = equal_opportunity(
        np.append(approved, [True, False]),
        unknown,
        np.append(groups, ["a", "b"]),
        "b",
        Limits(0.8, 0.9),
    )

    assert control.approved_share == pytest.approx(oracle.by_group["b"])
    assert other.gap == pytest.approx(oracle.by_group["a"] - oracle.by_group["b"])
    assert other.n_good == int(((groups == "a") & (bad == 0)).sum())


def test_the_same_evidence_counts_for_less_among_many_comparisons():
    others = {f"g{i}": (300, 600) for i in range(7)}

    alone = compare(odd=(39, 100), control=(300, 600))["odd"]
    among = compare(odd=(39, 100), control=(300, 600), **others)["odd"]

    assert alone.p_adjusted == pytest.approx(0.0416, abs=0.0001)
    assert among.p_adjusted == pytest.approx(8 * alone.p_value)
    assert (alone.state, among.state) == ("breach", "watch")


def test_one_family_spans_all_attributes():
    approved, groups = outcomes(a=(350, 500), control=(420, 600))

    found = adverse_impact_by_attribute(
        approved,
        {"sex": groups, "race": groups},
        {"sex": "control", "race": "control"},
        Limits(0.8, 0.9),
    )

    assert found["sex"][1].p_adjusted == pytest.approx(min(1.0, 2 * found["sex"][1].p_value))
    assert found["sex"] == found["race"]


def test_a_group_approved_more_often_has_a_negative_shortfall_and_passes():
    found = compare(group=(450, 500), control=(420, 600))["group"]

    assert found.air > 1
    assert found.shortfall < 0
    assert found.state == "pass"


def test_nobody_approved_in_the_control_group_leaves_no_ratio():
    found = compare(group=(10, 200), control=(0, 200))["group"]

    assert found.air is None
    assert found.state == "insufficient_data"


def test_worst_names_the_state_to_look_at_first():
    breach = adverse_impact(
        *outcomes(a=(200, 500), b=(350, 500), control=(420, 600)), "control", **LIMITS
    )
    clean = adverse_impact(*outcomes(b=(350, 500), control=(420, 600)), "control", **LIMITS)

    assert worst(breach) == "breach"
    assert worst(clean) == "pass"
    assert worst([]) == "insufficient_data"


def test_a_mean_difference_by_hand_shares_one_ruler():
    # Values 1, 3 and 3, 5: the population of all four has a standard deviation of sqrt 2.
    found = standardised_mean_differences([1, 3, 3, 5, 99], ["c", "c", "g", "g", ""], "c")

    assert found == {"g": pytest.approx(2 / 2**0.5)}


@pytest.mark.parametrize(
    ("approved", "groups"),
    [
        ([], []),
        ([True], ["a", "b"]),
        ([1, 0], ["control", "a"]),
        ([True, False], ["a", "b"]),
        ([True, False], [1, 2]),
        ([True, False], {"control": [True, False, True]}),
        ([True, False], {"control": [1, 0]}),
    ],
)
def test_what_cannot_be_compared_is_refused_by_name(approved, groups):
    with pytest.raises(NotMeasurable):
        adverse_impact(approved, groups, "control", **LIMITS)
