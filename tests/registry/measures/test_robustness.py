"""Disturbances and directions, on rows small enough to check by eye."""

import numpy as np
import pytest

from registry.measures import robustness
from registry.measures.errors import NotMeasurable
from registry.measures.statistics import share_of, wilson

ROWS = np.column_stack([np.linspace(0, 10, 5000), np.full(5000, 3.0), np.arange(5000.0)])


def test_noise_has_the_promised_size_and_touches_nothing_else():
    infinite = (-np.inf, np.inf)

    found = robustness.with_noise(ROWS, {0: infinite}, seed=1)

    moved = found[:, 0] - ROWS[:, 0]
    assert moved.std() == pytest.approx(0.05 * ROWS[:, 0].std(), rel=0.05)
    assert (found[:, 1:] == ROWS[:, 1:]).all()
    assert (found == robustness.with_noise(ROWS, {0: infinite}, seed=1)).all()


def test_noise_stays_within_bounds_and_leaves_missing_values_missing():
    rows = ROWS.copy()
    rows[:10, 0] = np.nan

    found = robustness.with_noise(rows, {0: (0.0, 10.0)}, seed=1)

    assert np.isnan(found[:10, 0]).all()
    assert (found[10:, 0] >= 0).all()
    assert (found[10:, 0] <= 10).all()


def test_as_many_values_go_missing_as_promised():
    found = robustness.with_missing(ROWS, (1,), seed=1)

    assert np.isnan(found[:, 1]).mean() == pytest.approx(0.05, abs=0.01)
    assert not np.isnan(found[:, [0, 2]]).any()


def test_a_decision_flips_where_it_crosses_the_cut_off():
    before, after = np.array([0.1, 0.29, 0.3, 0.5]), np.array([0.2, 0.3, 0.29, 0.6])

    found = robustness.flipped(before, after, 0.3)

    assert found.tolist() == [False, True, True, False]
    share = share_of(found)
    assert (share.n, share.count, share.value) == (4, 2, 0.5)
    assert share.interval == wilson(2, 4)
    with pytest.raises(NotMeasurable):
        robustness.flipped(before, after[:2], 0.3)
    with pytest.raises(NotMeasurable):
        share_of(found[:0])


def test_a_step_against_the_declared_direction_is_seen():
    pd = np.array([[0.1, 0.2, 0.2], [0.1, 0.3, 0.2], [0.3, 0.2, 0.1]])

    assert robustness.breaks_direction(pd, 1).tolist() == [False, True, True]
    assert robustness.breaks_direction(pd, -1).tolist() == [True, True, False]


def test_an_older_applicant_is_worse_off_if_any_younger_age_scores_better():
    own, younger = np.array([0.2, 0.2, 0.2]), np.array([[0.2, 0.3], [0.3, 0.19], [0.5, 0.2]])

    assert robustness.better_if_younger(own, younger).tolist() == [False, True, False]


def test_rows_are_varied_in_one_column_only():
    found = robustness.varied(np.array([[1.0, 2.0], [3.0, 4.0]]), 1, np.array([7.0, 8.0, 9.0]))

    assert found.tolist() == [[1, 7], [1, 8], [1, 9], [3, 7], [3, 8], [3, 9]]
