"""What every measure demands of its arrays before it counts anything."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from registry.measures.errors import NotMeasurable

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Groups = Mapping[str, Bools] | ArrayLike
"""The groups of one attribute: members by name as n booleans, or n texts."""


def labels_and_probabilities(bad: ArrayLike, pd: ArrayLike) -> tuple[Bools, Floats]:
    """n labels (0 or 1, 1 = bad) and n probabilities of default (0 to 1), checked.

    Raises NotMeasurable for empty or unequal arrays, for an unknown label and for a pd outside 0 to 1.
    """
    label = np.asarray(bad, dtype=np.float64)
    probability = np.asarray(pd, dtype=np.float64)
    if label.ndim != 1 or label.shape != probability.shape:
        raise NotMeasurable(
            f"{label.shape} labels and {probability.shape} probabilities: one of each per account is needed."
        )
    if label.size == 0:
        raise NotMeasurable("There are no accounts to measure.")
    if not np.isin(label, (0.0, 1.0)).all():
        raise NotMeasurable(
            "A label is neither 0 nor 1. Leave accounts with an unknown outcome out."
        )
    if not ((probability >= 0.0) & (probability <= 1.0)).all():
        raise NotMeasurable("A probability of default is missing or outside 0 to 1.")
    return label == 1.0, probability


def require_both_classes(bad: Bools, measure: str) -> None:
    """Raises NotMeasurable where all accounts are good or all are bad."""
    n_bad = int(bad.sum())
    if n_bad in (0, bad.size):
        raise NotMeasurable(
            f"{measure} needs good and bad accounts; {n_bad} of {bad.size} are bad."
        )


def booleans(values: ArrayLike) -> Bools:
    """n outcomes as booleans. Raises NotMeasurable for anything else: 0 and 1 do not say which is which."""
    outcome = np.asarray(values)
    if outcome.ndim != 1 or outcome.dtype != np.bool_:
        raise NotMeasurable(
            f"Outcomes are one list of booleans, not {outcome.dtype} {outcome.shape}."
        )
    if outcome.size == 0:
        raise NotMeasurable("There are no decisions to compare.")
    return outcome


def membership(groups: Groups, n: int) -> dict[str, Bools]:
    """Who of n people belongs to which group, from masks by name or from one text per person.

    None and an empty text mean that the group is not known. Raises NotMeasurable for anything else.
    """
    if isinstance(groups, Mapping):
        masks = {str(name): np.asarray(mask) for name, mask in groups.items()}
        for name, mask in masks.items():
            if mask.shape != (n,) or mask.dtype != np.bool_:
                raise NotMeasurable(f"The members of {name!r} are not {n} booleans.")
        return masks
    labels = np.asarray(groups)
    if labels.shape != (n,):
        raise NotMeasurable(
            f"{labels.shape} group labels for {n} decisions: one of each is needed."
        )
    if labels.dtype.kind == "O":
        labels = np.array(["" if label is None else str(label) for label in labels])
    if labels.dtype.kind != "U":
        raise NotMeasurable(f"Group labels are texts, not {labels.dtype}.")
    return {str(name): labels == name for name in np.unique(labels) if name}
