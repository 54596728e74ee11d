"""What the desk shows: what waits, what runs out of time, who decides, and whether the record holds."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Count, Q

from governance.models import GateReport
from governance.queries.changes import latest_report
from monitoring.models import Alert
from monitoring.queries.reports import alerts_for
from registry.models import ModelVersion, Run, ScoringModel, UseRestriction
from registry.queries import champion, restrictions_in_force
from serving.models import Decision, ProbeResult, ReplayRun
from serving.policy import DecisionOutcome
from serving.standing import last_nights, newest_answers

RECENT = timedelta(days=30)
MOST_ALERTS = 6


@dataclass(frozen=True)
class ChampionCard:
    """A model with the version that decides for it, and its key figures; `version` None where nothing may decide."""

    model: ScoringModel
    version: ModelVersion | None
    run: Run | None
    report: GateReport | None
    decisions: int
    approved: int
    restrictions: list[UseRestriction]
    replayed: ReplayRun | None
    answers: list[ProbeResult]

    @property
    def answers_differ(self) -> bool:
        return any(result.differences for result in self.answers)

    @property
    def auc(self) -> float | None:
        return self.run.metrics["holdout"]["performance"]["auc"] if self.run else None

    @property
    def approved_percent(self) -> float | None:
        return 100 * self.approved / self.decisions if self.decisions else None


def champion_cards(now: datetime) -> list[ChampionCard]:
    """One card per model, with the decisions of the last 30 days."""
    counted = _decisions_since(now - RECENT)
    limits: dict[int, list[UseRestriction]] = defaultdict(list)
    for restriction in restrictions_in_force(now):
        limits[restriction.model_id].append(restriction)
    nights = last_nights()
    return [
        _card(model, counted.get(model.name, {}), limits[model.pk], nights.get(model.name))
        for model in ScoringModel.objects.all()
    ]


def recent_alerts(reader: User, now: datetime) -> list[Alert]:
    """The newest confirmed alerts of the last 30 days that the reader may see."""
    confirmed = alerts_for(reader).filter(confirmed=True, detected_at__gte=now - RECENT)
    return list(confirmed[:MOST_ALERTS])


def _card(
    model: ScoringModel,
    counted: dict[str, Any],
    restrictions: list[UseRestriction],
    replayed: ReplayRun | None,
) -> ChampionCard:
    version = champion(model)
    return ChampionCard(
        model,
        version,
        version.run if version else None,
        latest_report(version) if version else None,
        counted.get("decisions", 0),
        counted.get("approved", 0),
        restrictions,
        replayed,
        newest_answers(version) if version else [],
    )


def _decisions_since(start: datetime) -> dict[str, dict[str, Any]]:
    rows = (
        Decision.objects.filter(decided_at__gte=start)
        .order_by()
        .values("model_name")
        .annotate(
            decisions=Count("pk"),
            approved=Count("pk", filter=Q(outcome=DecisionOutcome.APPROVED)),
        )
    )
    return {row["model_name"]: dict(row) for row in rows}
