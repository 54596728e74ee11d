"""Who belongs to which group: protected attributes turned into members, and nothing else let out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING
from uuid import UUID

import numpy as np
from django.contrib.auth.models import User
from numpy.typing import NDArray

from monitoring.queries.protected_values import attributes_of_rows, attributes_of_subjects
from registry.groups import Grouping

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Membership:
    """Members (n,) by attribute and group, the control group of each attribute, and what was read.

    `columns` are the protected columns that were read and `people` of how many any was known: the
    entry of whoever asked for the groups says both.
    """

    members: dict[str, dict[str, NDArray[np.bool_]]]
    controls: dict[str, str]
    columns: tuple[str, ...]
    people: int


def groups_of_rows(
    dataset_sha256: str,
    row_ids: Sequence[str],
    groupings: Sequence[Grouping],
    *,
    reader: User,
) -> Membership:
    """Groups of the rows of a data set. Raises NotPermitted, KeyMissing or ProtectedValueUnreadable."""
    frame = attributes_of_rows(dataset_sha256, row_ids, _columns(groupings), reader=reader)
    return _membership(frame, groupings)


def groups_of_subjects(
    subject_ids: Sequence[UUID], groupings: Sequence[Grouping], *, reader: User
) -> Membership:
    """Groups of people whose applications were decided; erased people belong to none. Raises as above."""
    frame = attributes_of_subjects(subject_ids, _columns(groupings), reader=reader)
    return _membership(frame, groupings)


def _columns(groupings: Sequence[Grouping]) -> frozenset[str]:
    return frozenset[str]().union(*(grouping.columns for grouping in groupings))


def _membership(frame: pd.DataFrame, groupings: Sequence[Grouping]) -> Membership:
    return Membership(
        members={grouping.attribute: grouping.masks(frame) for grouping in groupings},
        controls={grouping.attribute: grouping.control for grouping in groupings},
        columns=tuple(frame.columns),
        people=int(frame.notna().any(axis=1).sum()),
    )
