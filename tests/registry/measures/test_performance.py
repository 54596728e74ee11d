"""Rank order and accuracy, against hand-worked numbers, scikit-learn and scipy."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp, norm
from sklearn.metrics import brier_score_loss, log_loss, roc_auc_score

from registry.measures.errors import NotMeasurable
from registry.measures.performance import accuracy_at, auc_difference, performance, roc_curve


def a_population(n=2_000, seed=3):
    generator = np.random.default_rng(seed)
    pd = np.round(generator.beta(2, 8, n), 2)
    return (generator.random(n) < pd).astype(int), pd


def test_a_hand_worked_ranking():
    # Goods at .1, .2, .3 and bads at .2, .9: of the six pairs four and a half are in order.
    found = performance([0, 0, 0, 1, 1], [0.1, 0.2, 0.3, 0.2, 0.9])

    assert found.auc == pytest.approx(4.5 / 6)
    assert found.gini == pytest.approx(0.5)
    assert found.ks_separation == pytest.approx(0.5)
    assert found.brier == pytest.approx((0.01 + 0.04 + 0.09 + 0.64 + 0.01) / 5)
    assert found.brier_skill == pytest.approx(1 - 0.158 / 0.24)
    assert (found.n, found.n_bad) == (5, 2)


def test_measures_agree_with_scikit_learn_and_scipy():
    bad, pd = a_population()

    found = performance(bad, pd)

    assert found.auc == pytest.approx(roc_auc_score(bad, pd), abs=1e-12)
    assert found.brier == pytest.approx(brier_score_loss(bad, pd), abs=1e-12)
    assert found.log_loss == pytest.approx(log_loss(bad, np.clip(pd, 1e-15, 1 - 1e-15)), rel=1e-9)
    assert found.ks_separation == pytest.approx(ks_2samp(pd[bad == 1], pd[bad == 0]).statistic)


def test_the_delong_variance_agrees_with_its_definition_over_all_pairs():
    bad, pd = a_population(n=120)
    goods, bads = pd[bad == 0], pd[bad == 1]
    kernel = (bads[:, None] > goods) + 0.5 * (bads[:, None] == goods)
    variance = kernel.mean(1).var(ddof=1) / bads.size + kernel.mean(0).var(ddof=1) / goods.size

    interval = performance(bad, pd).auc_interval

    assert (interval.high - interval.low) / 2 == pytest.approx(1.959964 * variance**0.5, rel=1e-6)


def test_the_interval_covers_the_true_auc_as_often_as_it_says():
    # Normal scores one standard deviation apart have an AUC of Phi(1 / sqrt 2) = 0.7602.
    generator = np.random.default_rng(11)
    bad = np.repeat([0, 1], 100)
    squash = lambda score: 1 / (1 + np.exp(-score))  # noqa: E731  a name for one formula
    covered = [
        performance(bad, squash(generator.normal(bad, 1.0))).auc_interval.contains(0.7602)
        for _ in range(400)
    ]

    assert 0.91 <= np.mean(covered) <= 0.98


def test_one_bad_account_leaves_the_auc_without_a_useful_interval():
    found = performance([0, 0, 1], [0.1, 0.2, 0.3])

    assert found.auc == 1.0
    assert (found.auc_interval.low, found.auc_interval.high) == (0.0, 1.0)


@given(st.integers(0, 2**32 - 1))
def test_turning_the_ranking_round_turns_the_auc_round(seed):
    bad, pd = a_population(n=80, seed=seed)
    bad[:2] = (0, 1)

    straight, reversed_ = performance(bad, pd), performance(bad, 1 - pd)

    assert straight.auc + reversed_.auc == pytest.approx(1.0)
    assert straight.ks_separation == pytest.approx(reversed_.ks_separation)


def test_the_roc_curve_runs_from_corner_to_corner_and_holds_the_auc():
    bad, pd = a_population()

    false_alarms, hits = roc_curve(bad, pd)

    assert (false_alarms[0], hits[0], false_alarms[-1], hits[-1]) == (0, 0, 1, 1)
    assert np.trapezoid(hits, false_alarms) == pytest.approx(performance(bad, pd).auc)


def test_accuracy_counts_a_pd_at_the_cut_off_as_predicted_bad():
    assert accuracy_at([0, 1, 1, 0], [0.1, 0.2, 0.19, 0.2], cut_off=0.2) == 0.5


def test_calling_everybody_good_looks_accurate_where_bads_are_few():
    bad = [1] * 8 + [0] * 92

    assert accuracy_at(bad, [0.01] * 100, cut_off=0.5) == 0.92
    assert performance(bad, [0.01] * 100).auc == 0.5


@pytest.mark.parametrize(
    ("bad", "pd"),
    [
        ([], []),
        ([0, 1], [0.1]),
        ([0, 2], [0.1, 0.2]),
        ([0, np.nan], [0.1, 0.2]),
        ([0, 1], [0.1, np.nan]),
        ([0, 1], [0.1, 1.2]),
        ([0, 0], [0.1, 0.2]),
        ([1, 1], [0.1, 0.2]),
    ],
)
def test_what_cannot_be_measured_is_refused_by_name(bad, pd):
    with pytest.raises(NotMeasurable):
        performance(bad, pd)


def test_a_cut_off_outside_zero_to_one_is_refused():
    with pytest.raises(NotMeasurable):
        accuracy_at([0, 1], [0.1, 0.2], cut_off=20)


def test_the_numbers_as_json_are_plain():
    plain = performance(*a_population()).as_json()

    assert set(plain) == {
        "n", "n_bad", "auc", "auc_interval", "gini", "ks_separation", "brier", "brier_skill", "log_loss",
    }  # fmt: skip
    assert type(plain["auc"]) is float
    assert plain["auc_interval"].keys() == {"low", "high"}


def test_a_paired_difference_agrees_with_its_definition_over_all_pairs():
    bad, first = a_population(n=150)
    second = np.clip(first + np.random.default_rng(5).normal(0, 0.1, first.size), 0, 1)
    placements = []
    for pd in (first, second):
        goods, bads = pd[bad == 0], pd[bad == 1]
        kernel = (bads[:, None] > goods) + 0.5 * (bads[:, None] == goods)
        placements.append((kernel.mean(1), kernel.mean(0)))
    (bads_1, goods_1), (bads_2, goods_2) = placements
    covariance = np.cov(bads_1, bads_2) / bads_1.size + np.cov(goods_1, goods_2) / goods_1.size
    variance = covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]

    found = auc_difference(bad, first, second)

    expected = roc_auc_score(bad, first) - roc_auc_score(bad, second)
    assert found.difference == pytest.approx(expected, abs=1e-12)
    assert found.interval.high - found.difference == pytest.approx(1.959964 * variance**0.5)
    assert found.p_value == pytest.approx(2 * norm.sf(abs(expected) / variance**0.5))


def test_a_model_does_not_differ_from_itself():
    bad, pd = a_population(n=200)

    found = auc_difference(bad, pd, pd)

    assert (found.difference, found.p_value) == (0.0, None)
    assert found.interval.low == found.interval.high == 0.0
