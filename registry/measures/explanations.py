"""Whether the reasons given to declined applicants are stable, and whether they are the ones that count."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from registry.measures.inputs import Bools, Floats

MOST_REASONS = 4


def sums_by_group(attributions: Floats, groups: Sequence[Sequence[int]]) -> Floats:
    """(n, g): attributions (n, k) in log-odds, added up over the features of each of g reason groups."""
    return np.column_stack([attributions[:, list(members)].sum(axis=1) for members in groups])


def principal_groups(sums: Floats, floor: float, most: int = MOST_REASONS) -> Bools:
    """(n, g): the at most `most` groups that weigh most against each applicant, none below `floor`.

    sums: (n, g) in log-odds of bad; a group that weighs for the applicant is no reason. Of equals the first counts.
    """
    order = np.argsort(-sums, axis=1, kind="stable")
    rank = np.argsort(order, axis=1, kind="stable")
    return np.asarray((rank < most) & (sums > 0.0) & (sums >= floor))


def agreement(first: Bools, second: Bools) -> Floats:
    """(n,): how far two sets of reasons (n, g) agree for each applicant, common over all (Jaccard), 0 to 1.

    Two empty sets agree.
    """
    common = (first & second).sum(axis=1)
    either = (first | second).sum(axis=1)
    return np.where(either == 0, 1.0, common / np.maximum(either, 1))


def neutralised(
    packed: Floats, chosen: Bools, typical: Floats, members: NDArray[np.int64]
) -> Floats:
    """(n, k): the applicants with every feature of a chosen group set to its typical value.

    packed: (n, k). chosen: (n, g). typical: (k,). members: (k,) the group that each feature belongs to.
    """
    return np.where(chosen[:, members], typical[None, :], packed)


def typical_values(rows: Floats, nominal: Sequence[bool]) -> Floats:
    """(k,): the middle known value of each column of rows (m, k); the commonest where values have no order.

    NaN where nothing is known, or where missing is the commonest.
    """
    return np.array(
        [
            _commonest(values) if unordered else _middle(values)
            for values, unordered in zip(rows.T, nominal, strict=True)
        ]
    )


def _middle(values: Floats) -> float:
    known = values[~np.isnan(values)]
    return float(np.quantile(known, 0.5, method="nearest")) if known.size else float("nan")


def _commonest(values: Floats) -> float:
    found, counts = np.unique(values, return_counts=True)
    return float(found[np.argmax(counts)])
