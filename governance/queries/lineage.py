"""From data to decisions, and back: which came of which, floor over floor."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Max, Min

from registry.models import Dataset, ModelVersion, Run
from serving.errors import NoSuchDecision
from serving.models import Decision


@dataclass(frozen=True)
class VersionUse:
    """A version that was made of a run, and what it decided."""

    version: ModelVersion
    decisions: int
    first_at: datetime | None
    last_at: datetime | None


@dataclass(frozen=True)
class RunUse:
    """A run on a data set, and the versions that were registered from it."""

    run: Run
    versions: list[VersionUse]


def uses_of(dataset: Dataset) -> list[RunUse]:
    """Forward: every run on the data set, its versions, and how much each decided. Oldest first."""
    decided = {
        row["version"]: row
        for row in Decision.objects.filter(version__run__dataset=dataset)
        .order_by()
        .values("version")
        .annotate(decisions=Count("pk"), first_at=Min("decided_at"), last_at=Max("decided_at"))
    }
    runs = dataset.runs.select_related("model", "requested_by").prefetch_related("versions__model")
    return [
        RunUse(
            run,
            [_use(version, decided.get(version.pk)) for version in run.versions.order_by("number")],
        )
        for run in runs.order_by("pk")
    ]


def origin_of(decision_id: UUID) -> Decision:
    """Back: a decision with its version, run, data set, policies and clearance. Raises NoSuchDecision."""
    decision = (
        Decision.objects.select_related(
            "clearance",
            "version__model",
            "version__run__requested_by",
            "version__run__dataset",
            "version__artefact",
            "version__baseline",
            "version__decision_policy",
            "version__reason_library",
        )
        .filter(pk=decision_id)
        .first()
    )
    if decision is None:
        raise NoSuchDecision(f"There is no decision {decision_id}.")
    return decision


def _use(version: ModelVersion, row: Mapping[str, Any] | None) -> VersionUse:
    if row is None:
        return VersionUse(version, 0, None, None)
    return VersionUse(version, row["decisions"], row["first_at"], row["last_at"])
