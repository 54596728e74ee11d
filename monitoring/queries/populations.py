"""Populations as arrays: the reference a version was trained on, and the decisions of a window."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
from django.db.models import QuerySet
from numpy.typing import NDArray

from monitoring.drift import Column
from monitoring.errors import NothingToMeasure, NoVersionToMonitor
from registry import queries as registry
from registry import training
from registry.contract import FeatureContract
from registry.models import ModelVersion, ScoringModel, Stage
from serving.models import Decision
from serving.policy import DecisionOutcome, DecisionPolicy, decide
from serving.queries import DecisionWindow, decisions_window
from serving.scoring import score_rows


@dataclass(frozen=True)
class Reference:
    """The m rows of the data set that a version was trained on, as that version scores them.

    packed: (m, k) under the contract, missing is NaN; pd: (m,) 0 to 1; in_sample: (m,) trained on;
    bad: (m,) 1 or 0.
    """

    contract: FeatureContract
    row_ids: list[str]
    packed: NDArray[np.float64]
    pd: NDArray[np.float64]
    in_sample: NDArray[np.bool_]
    bad: NDArray[np.bool_]

    @property
    def columns(self) -> list[Column]:
        """The contract's features as columns to compare."""
        return [
            Column(feature.name, nominal=feature.type == "category", labels=feature.categories)
            for feature in self.contract.features
        ]

    def scores(self, minimum: int) -> tuple[NDArray[np.float64], str]:
        """The pd to compare live ones with, and in words whose they are.

        Held-out rows, since a model flatters the rows it was trained on; all rows where fewer than
        `minimum` were held out.
        """
        held_out = self.pd[~self.in_sample]
        if held_out.size >= minimum:
            return held_out, f"{held_out.size:,} held-out rows"
        return self.pd, f"all {self.pd.size:,} rows, since only {held_out.size:,} were held out"


def reference_of(version: ModelVersion) -> Reference:
    """Raises ArtefactRefused, NotStored or StoredBytesDiffer where what was approved is not intact."""
    snapshot = registry.snapshot_of(version.dataset)
    run = version.run
    row_ids = snapshot.row_ids.tolist()
    return Reference(
        contract=registry.contract_of_version(version),
        row_ids=row_ids,
        packed=snapshot.packed,
        pd=score_rows(version, snapshot.packed).pd,
        in_sample=training.split(row_ids, snapshot.bad, run.holdout_share, run.seed),
        bad=snapshot.bad.astype(bool),
    )


def models_in_service() -> QuerySet[ScoringModel]:
    """Models that have a champion, by name."""
    return ScoringModel.objects.filter(versions__stage=Stage.PRODUCTION).order_by("name")


def version_in_service(model: ScoringModel, start: datetime, end: datetime) -> ModelVersion:
    """The version that decided last in the window, else the champion. Raises NoVersionToMonitor."""
    last = (
        Decision.objects.filter(model_name=model.name, decided_at__gte=start, decided_at__lt=end)
        .order_by("-decided_at", "-pk")
        .values_list("version__number", flat=True)
        .first()
    )
    if last is not None:
        return registry.version_numbered(model, last)
    champion = registry.champion(model)
    if champion is None:
        raise NoVersionToMonitor(f"{model} has no champion and decided nothing in the window.")
    return champion


def window_of(
    version: ModelVersion, start: datetime, end: datetime, most: int | None = None
) -> DecisionWindow:
    """The decisions of one version from `start` to `end`, the newest `most` of them. Raises NothingToMeasure where there are none."""
    window = decisions_window(version.model.name, start, end, version, most)
    if not len(window.decision_ids):
        raise NothingToMeasure(
            f"{version} decided nothing from {start:%F %H:%M} to {end:%F %H:%M}."
        )
    return window


def approvals(version: ModelVersion, reference: Reference) -> NDArray[np.bool_]:
    """(m,): which reference rows the version's decision policy approves, knock-out rules included."""
    policy = DecisionPolicy.from_json(version.decision_policy.body)
    return np.array(
        [
            decide(float(pd), reference.contract.unpack(row), policy).outcome
            == DecisionOutcome.APPROVED
            for row, pd in zip(reference.packed, reference.pd, strict=True)
        ],
        dtype=np.bool_,
    )
