"""The applicants a decision is explained against: the approved ones closest to the cut-off.

Regulation B accepts comparing an applicant with those at or slightly above the cut-off (Official
Interpretations to 12 CFR 1002.9(b)(2), comment 5). Here quality rises as the probability of bad
falls, so "above the cut-off" means pd below it.
"""

import io
import zipfile
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from registry.errors import BaselineDamaged, BaselineTooSmall

DEFAULT_ROWS = 500
FEWEST_ROWS = 50


@dataclass(frozen=True, slots=True)
class BaselineRows:
    """n applicants of the training sample that a cut-off approves, nearest to it first."""

    row_ids: NDArray[np.str_]
    packed: NDArray[np.float64]
    """float64 (n, k) under the feature contract."""
    pd: NDArray[np.float64]
    cut_off: float
    requested_rows: int

    @property
    def band(self) -> dict[str, Any]:
        """The probabilities of bad that the rows actually span, and how they were chosen."""
        return {
            "pd_from": float(self.pd.min()),
            "pd_to": float(self.pd.max()),
            "requested_rows": self.requested_rows,
            "rule": self.rule,
        }

    @property
    def rule(self) -> str:
        if len(self.pd) < self.requested_rows:
            return (
                f"all {len(self.pd)} in-sample applicants approved at the cut-off, fewer than the"
                f" {self.requested_rows} asked for"
            )
        return f"the {len(self.pd)} in-sample applicants approved closest to the cut-off"


def choose(
    row_ids: NDArray[np.str_],
    packed: NDArray[np.float64],
    pd: NDArray[np.float64],
    cut_off: float,
    requested_rows: int = DEFAULT_ROWS,
    fewest_rows: int = FEWEST_ROWS,
) -> BaselineRows:
    """The `requested_rows` of n in-sample applicants with the largest pd below the cut-off.

    Ties fall in the order of the row ids, so that the choice is reproducible. Raises
    BaselineTooSmall where fewer than `fewest_rows` are approved.
    """
    approved = np.flatnonzero(pd < cut_off)
    if approved.size < fewest_rows:
        raise BaselineTooSmall(
            f"A cut-off of {cut_off:g} approves {approved.size} in-sample applicants; at least"
            f" {fewest_rows} are needed to explain decisions against."
        )
    order = np.lexsort((row_ids[approved], -pd[approved]))
    nearest = approved[order[:requested_rows]]
    return BaselineRows(row_ids[nearest], packed[nearest], pd[nearest], cut_off, requested_rows)


def dump(rows: BaselineRows) -> bytes:
    """The rows as npz bytes, equal for equal rows."""
    sink = io.BytesIO()
    np.savez(
        sink,
        row_ids=rows.row_ids,
        packed=rows.packed,
        pd=rows.pd,
        cut_off=np.float64(rows.cut_off),
        requested_rows=np.int64(rows.requested_rows),
    )
    return sink.getvalue()


def load(data: bytes) -> BaselineRows:
    """The rows in npz bytes. Raises BaselineDamaged for anything else; never unpickles."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return BaselineRows(
                arrays["row_ids"],
                arrays["packed"],
                arrays["pd"],
                float(arrays["cut_off"]),
                int(arrays["requested_rows"]),
            )
    except (ValueError, KeyError, EOFError, OSError, zipfile.BadZipFile) as error:
        raise BaselineDamaged("The bytes are not a stored baseline.") from error
