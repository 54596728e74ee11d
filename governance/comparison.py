"""Champion against candidate on the same applicants: who would be decided otherwise, and whom that concerns."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import numpy as np
from django.contrib.auth.models import User

from governance import swap_set
from governance.measured import Bools, Floats
from monitoring.errors import NoMonitoringPolicy
from monitoring.queries.groups import Membership, groups_of_rows
from monitoring.queries.policies import policy_in_force
from registry import training
from registry.contract import FeatureContract
from registry.models import ModelVersion
from registry.queries import contract_of_version, snapshot_of
from registry.snapshots import Snapshot
from serving.scoring import first_reason_groups, score_rows

MOST_COMPARED = 5_000
PLACES = 4
WITHHELD = "How groups are affected is shown where the comparison is opened for a decision."
NO_POLICY = "No monitoring policy is in force, so no group is compared."
NO_GROUPS = "The monitoring policy in force compares no group."
NO_AMOUNT = f"The contract declares no single amount (a number of the reason group {swap_set.AMOUNT_GROUP!r})."
OTHER_FEATURES = "The two take different features and cannot be compared."


@dataclass(frozen=True)
class Swap:
    """Applicants whom candidate and champion would decide alike or otherwise by their cut-offs, and how many went bad."""

    title: str
    n: int
    bad: int

    @property
    def bad_rate(self) -> float | None:
        return self.bad / self.n if self.n else None


@dataclass(frozen=True)
class Comparison:
    """Both versions, and how the same applicants would fare; `swaps` hold every one of them once.

    `amounts` are in `amount_unit`. Where groups or amounts are not told apart, their note says why.
    `protected_columns` were read, known of `protected_people`.
    """

    candidate: int
    champion: int
    swaps: list[Swap]
    reasons: list[swap_set.Reason]
    amounts: list[swap_set.Band]
    amount_feature: str
    amount_unit: str
    amount_note: str
    groups: list[swap_set.GroupFlips]
    groups_note: str
    protected_columns: tuple[str, ...] = ()
    protected_people: int = 0

    @property
    def n(self) -> int:
        return sum(swap.n for swap in self.swaps)

    def share(self, swap: Swap) -> float | None:
        """Of all applicants compared."""
        return swap.n / self.n if self.n else None

    def as_json(self) -> dict[str, Any]:
        """What a person is shown; shares, rates and ratios to four places, so that they are the same everywhere."""
        return {
            "candidate": self.candidate,
            "champion": self.champion,
            "n": self.n,
            "swaps": [
                {
                    **asdict(swap),
                    "share": rounded(self.share(swap)),
                    "bad_rate": rounded(swap.bad_rate),
                }
                for swap in self.swaps
            ],
            "reasons": [asdict(reason) for reason in self.reasons],
            "amount": {
                "feature": self.amount_feature,
                "unit": self.amount_unit,
                "note": self.amount_note,
                "bands": [
                    {"low": band.low, "high": band.high, **asdict(band.flips)}
                    for band in self.amounts
                ],
            },
            "groups": [_group(each) for each in self.groups],
            "groups_note": self.groups_note,
        }


def compared(
    candidate: ModelVersion, champion: ModelVersion, at: datetime, *, reader: User | None = None
) -> Comparison:
    """Over at most 5,000 held-out rows of the candidate's data set; nobody where the two take different features.

    By each version's cut-off: knock-out rules and grey bands are left out. `reader` reads the protected values of
    these rows, and the entry of the act says so; without one no group is compared.
    Raises ArtefactRefused, NotStored, StoredBytesDiffer, NotPermitted or ProtectedValueUnreadable.
    """
    if candidate.contract_sha256 != champion.contract_sha256:
        return Comparison(
            candidate.number, champion.number, [], [], [], "", "", OTHER_FEATURES, [], OTHER_FEATURES
        )  # fmt: skip
    snapshot, run = snapshot_of(candidate.dataset), candidate.run
    in_sample = training.split(snapshot.row_ids.tolist(), snapshot.bad, run.holdout_share, run.seed)
    rows = np.flatnonzero(~in_sample)[:MOST_COMPARED]
    packed, bad = snapshot.packed[rows], snapshot.bad[rows].astype(bool)
    then = score_rows(champion, packed).pd < champion.cut_off
    now = score_rows(candidate, packed).pd < candidate.cut_off
    contract = contract_of_version(candidate)
    amount = swap_set.amount_feature(contract)
    groups, groups_note, read = _groups(candidate, snapshot, rows, then, now, at, reader)
    return Comparison(
        candidate.number,
        champion.number,
        swaps=[
            _swap("approved by both", then & now, bad),
            _swap("newly approved", ~then & now, bad),
            _swap("newly declined", then & ~now, bad),
            _swap("declined by both", ~then & ~now, bad),
        ],
        reasons=swap_set.by_reason(first_reason_groups(candidate, packed[then & ~now])),
        amounts=swap_set.by_amount(then, now, _column(contract, amount.name, packed))
        if amount
        else [],
        amount_feature=amount.name if amount else "",
        amount_unit=amount.unit if amount else "",
        amount_note="" if amount else NO_AMOUNT,
        groups=groups,
        groups_note=groups_note,
        protected_columns=read.columns if read else (),
        protected_people=read.people if read else 0,
    )


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, PLACES)


def _groups(
    candidate: ModelVersion,
    snapshot: Snapshot,
    rows: np.ndarray[Any, np.dtype[np.int_]],
    then: Bools,
    now: Bools,
    at: datetime,
    reader: User | None,
) -> tuple[list[swap_set.GroupFlips], str, Membership | None]:
    """The groups that the model's monitoring policy compares, or why there is none; and what was read for them."""
    if reader is None:
        return [], WITHHELD, None
    try:
        _, policy = policy_in_force(candidate.model, at)
    except NoMonitoringPolicy:
        return [], NO_POLICY, None
    if policy.fairness is None:
        return [], NO_GROUPS, None
    row_ids = snapshot.row_ids[rows].tolist()
    read = groups_of_rows(candidate.dataset.sha256, row_ids, policy.groupings, reader=reader)
    found = swap_set.by_group(then, now, read.members, read.controls, policy.fairness.limits)
    missing = sorted(set(read.controls) - {each.attribute for each in found})
    note = f"Nobody of the control group is known: {', '.join(missing)}." if missing else ""
    return found, note, read


def _column(contract: FeatureContract, name: str, packed: Floats) -> Floats:
    return packed[:, contract.names.index(name)]


def _group(each: swap_set.GroupFlips) -> dict[str, Any]:
    ratios = {
        "champion_air": each.champion_air,
        "candidate_air": each.candidate_air,
        "air_difference": each.difference,
    }
    intervals = {
        "champion_air": each.champion_interval,
        "candidate_air": each.candidate_interval,
        "air_difference": each.difference_interval,
    }
    return {
        "attribute": each.attribute,
        "group": each.group,
        "is_control": each.is_control,
        "shown": each.shown,
        "n": each.flips.n if each.flips else None,
        "newly_approved": each.flips.newly_approved if each.flips else None,
        "newly_declined": each.flips.newly_declined if each.flips else None,
        **{name: rounded(value) for name, value in ratios.items()},
        **{
            f"{name}_{end}": rounded(getattr(interval, end)) if interval else None
            for name, interval in intervals.items()
            for end in ("low", "high")
        },
    }


def _swap(title: str, who: Bools, bad: Bools) -> Swap:
    return Swap(title, int(who.sum()), int((who & bad).sum()))
