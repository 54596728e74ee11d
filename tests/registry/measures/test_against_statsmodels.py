"""Intervals, tests and regressions against statsmodels, which shares no code with ours."""

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import (
    confint_proportions_2indep,
    proportion_confint,
    proportions_ztest,
)

from registry.measures.grades import recalibration
from registry.measures.statistics import Z_95, holm, katz, two_proportions, wilson

ALPHA = 2 * 0.024997895148220435  # what 1.96 leaves on both sides
COUNTS = st.integers(30, 400).flatmap(lambda n: st.tuples(st.integers(10, n - 10), st.just(n)))


@given(COUNTS)
def test_the_interval_of_a_rate_is_wilsons(counted: tuple[int, int]) -> None:
    count, n = counted

    found = wilson(count, n)

    assert (found.low, found.high) == pytest.approx(
        proportion_confint(count, n, alpha=ALPHA, method="wilson"), abs=1e-9
    )


@given(COUNTS, COUNTS)
def test_the_interval_of_an_impact_ratio_is_that_of_its_logarithm(
    group: tuple[int, int], control: tuple[int, int]
) -> None:
    found = katz(*group, *control)

    expected = confint_proportions_2indep(
        *group, *control, compare="ratio", method="log", alpha=ALPHA, correction=False
    )
    assert (found.low, found.high) == pytest.approx(expected, rel=1e-6)


@given(COUNTS, COUNTS)
def test_two_rates_are_compared_with_a_pooled_variance(
    group: tuple[int, int], control: tuple[int, int]
) -> None:
    z, p, test = two_proportions(*group, *control)
    assume(test == "z")  # small tables are Fisher's

    expected = proportions_ztest([group[0], control[0]], [group[1], control[1]])
    assert (z, p) == pytest.approx(expected, abs=1e-9)


@settings(max_examples=20)  # statsmodels takes a tenth of a second for each
@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_many_comparisons_are_adjusted_as_holm_did(p_values: list[float]) -> None:
    found = holm(p_values)

    assert found == pytest.approx(multipletests(p_values, method="holm")[1], abs=1e-12)


def test_the_line_of_recalibration_and_its_intervals_are_those_of_a_logit_model() -> None:
    generator = np.random.default_rng(8)
    pd = generator.beta(2, 6, 4000)
    bad = generator.random(4000) < expit(0.3 + 0.7 * logit(pd))

    found = recalibration(bad, pd)

    fitted = sm.Logit(bad.astype(float), sm.add_constant(logit(pd))).fit(disp=0)
    assert (found.intercept, found.slope) == pytest.approx(fitted.params, rel=1e-6)
    reach = Z_95 * fitted.bse
    assert found.intercept_interval.high - found.intercept == pytest.approx(reach[0], rel=1e-5)
    assert found.slope_interval.high - found.slope == pytest.approx(reach[1], rel=1e-5)
