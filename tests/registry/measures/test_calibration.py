"""Is the size of a pd right? Against hand-worked numbers and scikit-learn's unpenalised fit."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from registry.measures.calibration import calibration
from registry.measures.errors import NotMeasurable


def a_population(n=20_000, seed=5, stretch=1.0, shift=0.0):
    """Labels drawn from the true log-odds; the stated pd has them stretched and shifted."""
    generator = np.random.default_rng(seed)
    true_log_odds = generator.normal(-2.0, 1.0, n)
    bad = generator.random(n) < 1 / (1 + np.exp(-true_log_odds))
    stated = true_log_odds * stretch + shift
    return bad.astype(int), 1 / (1 + np.exp(-stated))


def test_a_true_pd_has_slope_one_intercept_zero_and_ratio_one():
    found = calibration(*a_population())

    assert found.slope == pytest.approx(1.0, abs=0.06)
    assert found.intercept == pytest.approx(0.0, abs=0.1)
    assert found.observed_expected == pytest.approx(1.0, abs=0.05)
    assert found.observed_expected_interval.contains(1.0)
    assert found.ece < 0.01


def test_an_overconfident_pd_has_a_slope_below_one():
    found = calibration(*a_population(stretch=2.0))

    assert found.slope == pytest.approx(0.5, abs=0.04)


def test_a_pd_that_is_too_low_shows_more_bads_than_expected():
    found = calibration(*a_population(shift=-0.5))

    assert found.observed_expected > 1.3
    assert not found.observed_expected_interval.contains(1.0)
    assert found.intercept == pytest.approx(0.5, abs=0.1)


def test_the_line_agrees_with_scikit_learn():
    bad, pd = a_population(n=900)
    log_odds = np.log(pd / (1 - pd)).reshape(-1, 1)
    oracle = LogisticRegression(C=np.inf, tol=1e-10, max_iter=500).fit(log_odds, bad)

    found = calibration(bad, pd)

    assert found.slope == pytest.approx(oracle.coef_[0, 0], abs=1e-4)
    assert found.intercept == pytest.approx(oracle.intercept_[0], abs=1e-4)


def test_two_bands_by_hand():
    # Low band: pd .1 twice, one bad. High band: pd .5 twice, one bad. Expected 1.2, observed 2.
    found = calibration([0, 1, 0, 1], [0.1, 0.1, 0.5, 0.5], bins=2)

    assert [(band.n, band.n_bad, band.mean_pd) for band in found.bands] == [
        (2, 1, 0.1),
        (2, 1, 0.5),
    ]
    assert found.observed_expected == pytest.approx(2 / 1.2)
    assert found.ece == pytest.approx(0.5 * 0.4 + 0.5 * 0.0)


def test_bands_hold_everybody_once_even_where_most_share_one_pd():
    pd = np.array([0.05] * 90 + [0.4] * 10)
    bad = np.tile([0, 1], 50)

    found = calibration(bad, pd)

    assert [(band.pd_from, band.n) for band in found.bands] == [(0.05, 90), (0.4, 10)]


@pytest.mark.parametrize("pd", [[0.1, 0.2, 0.8, 0.9], [0.3, 0.3, 0.3, 0.3], [0.0, 0.0, 1.0, 1.0]])
def test_no_line_is_drawn_where_none_exists(pd):
    found = calibration([0, 0, 1, 1], pd)

    assert (found.slope, found.intercept) == (None, None)


@pytest.mark.parametrize(("bad", "pd"), [([0, 0], [0.1, 0.2]), ([0, 1], [0.0, 0.0]), ([], [])])
def test_what_cannot_be_measured_is_refused_by_name(bad, pd):
    with pytest.raises(NotMeasurable):
        calibration(bad, pd)
