"""Reasons as sets: chosen, compared and set aside, worked by hand."""

import numpy as np

from registry.measures.explanations import (
    agreement,
    neutralised,
    principal_groups,
    sums_by_group,
)


def test_contributions_of_a_reason_group_are_added_up():
    found = sums_by_group(np.array([[1.0, 2.0, 4.0], [0.5, -1.0, 0.0]]), [(0, 2), (1,)])

    assert found.tolist() == [[5.0, 2.0], [0.5, -1.0]]


def test_reasons_are_the_heaviest_groups_and_never_a_favourable_one():
    sums = np.array([[0.5, -1.0, 0.3, 0.2], [0.01, 0.0, -0.5, 0.02]])

    assert principal_groups(sums, floor=0.02, most=2).tolist() == [
        [True, False, True, False],
        [False, False, False, True],
    ]


def test_agreement_is_what_is_common_over_all():
    first = np.array([[True, True, False], [True, False, False], [False, False, False]])
    second = np.array([[True, False, True], [True, False, False], [False, False, False]])

    assert agreement(first, second).tolist() == [1 / 3, 1.0, 1.0]


def test_only_features_of_the_chosen_groups_become_typical():
    packed = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    chosen = np.array([[True, False], [False, True]])

    found = neutralised(packed, chosen, np.array([10.0, 20.0, 30.0]), np.array([0, 1, 0]))

    assert found.tolist() == [[10.0, 2.0, 30.0], [4.0, 20.0, 6.0]]
