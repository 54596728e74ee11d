"""Grades and the line of recalibration, against integration, closed forms and scikit-learn."""

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from registry.measures.errors import NotMeasurable
from registry.measures.grades import Grade, Light, grades, jeffreys, recalibration, worst_grade


def test_jeffreys_is_the_posterior_below_the_pd():
    n, n_bad, pd = 100, 4, 0.05

    def density(p: float) -> float:
        return p ** (n_bad - 0.5) * (1 - p) ** (n - n_bad - 0.5)

    whole = quad(density, 0, 1, epsabs=0)[0]

    assert jeffreys(n, n_bad, pd) == pytest.approx(
        quad(density, 0, pd, epsabs=0)[0] / whole, rel=1e-6
    )


@pytest.mark.parametrize(
    ("n_bad", "light"), [(20, Light.GREEN), (27, Light.GREEN), (29, Light.YELLOW), (40, Light.RED)]
)
def test_the_lights_change_near_the_binomial_quantiles(n_bad, light):
    # Of 1,000 accounts with a pd of 2 %, 28 bads are the binomial 95 % quantile and 38 the 99.99 % one (DOMAIN.md 3.6).
    bad = np.arange(1000) < n_bad

    (grade,) = grades(bad, np.full(1000, 0.02))

    assert grade.light == light
    assert grade.observed_expected == pytest.approx(n_bad / 20)


def test_grades_count_everybody_once_and_the_worst_is_the_least_believable():
    generator = np.random.default_rng(4)
    pd = generator.beta(2, 8, 3000)
    true = np.where(pd > np.quantile(pd, 0.9), np.minimum(1, 1.5 * pd), pd)
    bad = generator.random(3000) < true

    found = grades(bad, pd)

    assert sum(grade.n for grade in found) == 3000
    assert sum(grade.n_bad for grade in found) == bad.sum()
    assert worst_grade(found) == found[-1]
    assert found[-1].light == Light.RED


def test_the_line_is_that_of_an_unpenalised_regression():
    generator = np.random.default_rng(8)
    pd = generator.beta(2, 6, 4000)
    bad = generator.random(4000) < expit(0.3 + 0.7 * logit(pd))

    found = recalibration(bad, pd)

    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(logit(pd)[:, None], bad)
    assert found.slope == pytest.approx(fitted.coef_[0, 0], rel=1e-4)
    assert found.intercept == pytest.approx(fitted.intercept_[0], abs=1e-4)
    assert found.slope_interval.contains(0.7)
    assert not found.slope_interval.contains(1.0)


def test_with_two_pd_the_interval_is_that_of_an_odds_ratio():
    # 10 of 50 and 30 of 60 went bad: the slope is ln(odds ratio) over the distance in log-odds.
    pd = np.repeat([0.2, 0.4], [50, 60])
    bad = np.concatenate([np.arange(50) < 10, np.arange(60) < 30])
    distance = logit(0.4) - logit(0.2)

    found = recalibration(bad, pd)

    assert found.slope == pytest.approx(np.log((30 / 30) / (10 / 40)) / distance)
    error = np.sqrt(1 / 10 + 1 / 40 + 1 / 30 + 1 / 30) / distance
    assert found.slope_interval.high - found.slope == pytest.approx(1.96 * error, rel=1e-6)


def test_a_pd_that_parts_goods_from_bads_has_no_line():
    with pytest.raises(NotMeasurable, match="No line"):
        recalibration([0, 0, 1, 1], [0.1, 0.2, 0.8, 0.9])


def test_a_grade_of_which_nothing_was_expected_has_no_ratio():
    found = grades([0, 1, 0, 1], [0.0, 0.0, 0.5, 0.5], count=2)

    assert found[0].observed_expected is None
    assert found[0].light == Light.RED


def test_a_grade_comes_back_from_its_plain_values():
    (grade,) = grades(np.arange(100) < 7, np.full(100, 0.05))

    assert Grade.from_json(grade.as_json()) == grade
