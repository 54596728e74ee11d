"""What was measured of one version, as arrays, before any policy judges it. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from monitoring.drift import Column

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Standing(StrEnum):
    """How a document stands against the record. Whatever was approved of a stale one, it says something else by now."""

    APPROVED = "approved"
    GENERATED = "generated"
    STALE = "stale"


@dataclass(frozen=True)
class Champion:
    """The champion's pd for the same n rows (NaN where it was trained on the row), or why there is none."""

    name: str
    pd: Floats | None
    note: str = ""


@dataclass(frozen=True)
class Recent:
    """r applicants decided lately, scored by the version: `pd` (r,), `packed` (r, k); None and a note where there are none."""

    pd: Floats | None = None
    packed: Floats | None = None
    note: str = "No decisions were looked at."


@dataclass(frozen=True)
class Ages:
    """m held-out applicants at their own age and at others: `own`, `pd` (m,), `grid` (a,), `pd_at` (m, a)."""

    own: Floats
    pd: Floats
    grid: Floats
    pd_at: Floats


@dataclass(frozen=True)
class Challenged:
    """How the version answers when it is challenged on held-out applicants.

    `noise_flips`, `missing_flips` (h,): whose decision flips; None where no value may be missing.
    `direction_breaks`: (m,) by feature with a declared direction. `ages` None where no feature is an age.
    Of d declined applicants: `reason_agreement` (d,) across baselines, 0 to 1, and whether they are `faithful` (d,).
    """

    noise_flips: Bools
    missing_flips: Bools | None
    direction_breaks: Mapping[str, Bools]
    ages: Ages | None
    reason_agreement: Floats
    faithful: Bools


@dataclass(frozen=True)
class Measured:
    """The n rows of a version's dataset, scored by it, and what else a gate policy asks about.

    `bad`, `pd`, `approved`, `in_sample`: (n,). `packed`: (n, k), one of `columns` each; `invalid_rows` break the
    contract. `champion` None where no other version is. `missing_shares`: 0 to 1 by feature. `groups`: members (n,) by
    attribute and group, made of `protected_columns`, known of `protected_people`. `additivity_gaps`: |base + sum - margin| of holdout rows. `latencies_ms`: explaining
    one application each. `content_sha256` is recorded, `refitted_sha256` what training again from the record gave,
    None where it was trained outside.
    `documents`: how each of those made before the gates stands, by kind.
    """

    bad: Bools
    pd: Floats
    approved: Bools
    in_sample: Bools
    cut_off: float
    columns: tuple[Column, ...]
    packed: Floats
    invalid_rows: int
    champion: Champion | None
    challenged: Challenged
    missing_shares: Mapping[str, float]
    groups: Mapping[str, Mapping[str, Bools]]
    controls: Mapping[str, str]
    protected_columns: tuple[str, ...]
    protected_people: int
    additivity_gaps: Floats
    latencies_ms: Floats
    content_sha256: str
    refitted_sha256: str | None
    baseline_rows: int
    documents: Mapping[str, Standing]
    recent: Recent = Recent()

    @property
    def rows(self) -> int:
        return self.bad.size

    @property
    def holdout_rows(self) -> int:
        return int((~self.in_sample).sum())

    @property
    def holdout_bad(self) -> Bools:
        return self.bad[~self.in_sample]

    @property
    def holdout_pd(self) -> Floats:
        return self.pd[~self.in_sample]

    @property
    def training_pd(self) -> Floats:
        return self.pd[self.in_sample]

    def rows_of(self, sample: str) -> Bools:
        """(n,): the rows that a check looks at, the holdout or all."""
        return ~self.in_sample if sample == "holdout" else np.ones_like(self.in_sample)
