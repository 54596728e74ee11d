"""Intervals and tests of rates, against published examples and scipy."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, chi2_contingency, false_discovery_control, fisher_exact

from registry.measures.statistics import holm, katz, two_proportions, wilson


def test_wilson_for_twenty_of_twenty_five():
    interval = wilson(20, 25)

    assert (round(interval.low, 3), round(interval.high, 3)) == (0.609, 0.911)


@given(st.integers(1, 400), st.data())
def test_wilson_agrees_with_scipy(n, data):
    successes = data.draw(st.integers(0, n))

    oracle = binomtest(successes, n).proportion_ci(0.95, method="wilson")

    assert wilson(successes, n, z=1.959963984540054).low == pytest.approx(oracle.low, abs=1e-9)
    assert wilson(successes, n, z=1.959963984540054).high == pytest.approx(oracle.high, abs=1e-9)


def test_katz_for_55_of_100_against_420_of_600():
    interval = katz(55, 100, 420, 600)

    assert (round(interval.low, 3), round(interval.high, 3)) == (0.653, 0.945)


def test_katz_survives_a_group_that_was_never_approved():
    # Half added to each cell: 0.5 of 41 against 30.5 of 61, by hand 0.0244 over 0.5.
    interval = katz(0, 40, 30, 60)

    assert interval.low < 0.0488 < interval.high
    assert interval.low > 0


def test_the_z_statistic_squared_is_chi_square_without_correction():
    z, p, test = two_proportions(55, 100, 420, 600)

    oracle = chi2_contingency([[55, 45], [420, 180]], correction=False)

    assert test == "z"
    assert z == pytest.approx(-(oracle.statistic**0.5))
    assert p == pytest.approx(oracle.pvalue)


def test_small_expected_cells_are_tested_by_fisher():
    _, p, test = two_proportions(3, 6, 55, 60)

    assert test == "fisher"
    assert p == pytest.approx(fisher_exact([[3, 3], [55, 5]]).pvalue)


@pytest.mark.parametrize("approved", [0, 1])
def test_where_everybody_has_the_same_outcome_there_is_no_difference(approved):
    assert two_proportions(approved * 10, 10, approved * 20, 20) == (None, 1.0, "none")


def test_holm_by_hand():
    # Sorted .005, .011, .02, .04 times 4, 3, 2, 1: .02, .033, .04, .04.
    assert holm([0.04, 0.005, None, 0.02, 0.011]) == pytest.approx([0.04, 0.02, None, 0.04, 0.033])


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20))
def test_holm_is_never_kinder_than_benjamini_hochberg_and_never_above_one(p_values):
    adjusted = holm(p_values)

    for ours, looser, raw in zip(
        adjusted, false_discovery_control(p_values), p_values, strict=True
    ):
        assert raw <= ours <= 1.0
        assert ours >= looser - 1e-12
