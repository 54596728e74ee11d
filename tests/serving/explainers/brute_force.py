"""Shapley values by their definition: every coalition of players, every baseline row."""

from collections.abc import Callable
from functools import cache
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


def shapley_values(
    margin: Callable[[Array], Array], applicant: Array, players: NDArray[np.int32], baseline: Array
) -> Array:
    """Shapley values (k,) of the game v(S) = mean over the baseline rows of the margin when the
    columns of the players in S come from the applicant (Shapley 1953)."""
    count = int(players.max()) + 1

    @cache
    def worth(coalition: frozenset[int]) -> float:
        mixed = np.where(np.isin(players, list(coalition)), applicant, baseline)
        return float(margin(mixed).mean())

    values = np.zeros(count)
    for player in range(count):
        others = [other for other in range(count) if other != player]
        for size in range(count):
            for coalition in map(frozenset, combinations(others, size)):
                gain = worth(coalition | {player}) - worth(coalition)
                values[player] += gain / (count * comb(count - 1, size))
    return values
