"""Named reads about what people made of decisions: resolutions, corrections, and the final outcome."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from django.db.models import Count, F, QuerySet
from django.utils import timezone

from audit import vault
from audit.errors import AlreadyErased
from registry.applicable import policy_for
from registry.models import Policy, ScoringModel
from serving.finals import Ruled, final_outcome
from serving.models import Correction, Decision, Observation, Resolution
from serving.overrides import SideFigures, side_figures
from serving.queries import IDS_PER_QUERY
from serving.serving_policy import ServingPolicy


def resolutions_of(decision: Decision) -> QuerySet[Resolution]:
    """Oldest first: the last is in force."""
    rows = Resolution.objects.filter(decision=decision)
    return rows.select_related("decided_by", "entry").order_by("pk")


def resolution_in_force(decision: Decision) -> Resolution | None:
    return resolutions_of(decision).last()


def resolutions_in_force(decision_ids: Sequence[UUID]) -> dict[UUID, Resolution]:
    """By decision; those that no person resolved are left out."""
    found: dict[UUID, Resolution] = {}
    for start in range(0, len(decision_ids), IDS_PER_QUERY):
        some = decision_ids[start : start + IDS_PER_QUERY]
        rows = Resolution.objects.filter(decision__in=some, superseded_by=None)
        found |= {row.decision_id: row for row in rows}
    return found


def said_in(resolution: Resolution) -> dict[str, Any]:
    """The reasons and the rationale of a resolution. Raises AlreadyErased.

    The edge that calls this checks that its reader may see what concerns applicants.
    """
    payload = vault.open_private(resolution.entry)
    return {
        "reasons": [_reason(reason) for reason in payload["reasons"]],
        "rationale": payload["rationale"],
    }


def final_of(decision: Decision) -> Ruled:
    """What stands: outcome, reasons, when and by whom. One query, and one secret where a person decided."""
    found = resolution_in_force(decision)
    return final_outcome(_by_score(decision), [_by_person(found)] if found else [])


def corrections_of(decision: Decision) -> QuerySet[Correction]:
    """Oldest first."""
    rows = Correction.objects.filter(original=decision)
    return rows.select_related("decision", "entry").order_by("pk")


def serving_rules(model: ScoringModel, part: str) -> tuple[Policy | None, Mapping[str, float]]:
    """The serving policy in force now and one part of it, which is empty where nothing says it."""
    policy = policy_for(Policy.Kind.SERVING, model, timezone.now())
    rules = ServingPolicy.from_json(policy.body).parts[part] if policy else {}
    return policy, rules


def override_figures(model: ScoringModel, since: date, until: date) -> list[SideFigures]:
    """Overrides of the decisions of these days, both included (UTC), by side and officer."""
    decisions = _of_days(model, since, until)
    counts = dict(decisions.order_by().values_list("outcome").annotate(Count("pk")))
    overrides = (
        Resolution.objects.filter(decision__in=decisions.order_by(), kind=Resolution.Kind.OVERRIDE)
        .exclude(decision__outcome="referred")
        .exclude(outcome=F("decision__outcome"))
        .values_list("override_code", "decided_by__username")
    )
    _, limits = serving_rules(model, "overrides")
    return side_figures(counts, overrides, limits)


def _of_days(model: ScoringModel, since: date, until: date) -> QuerySet[Decision]:
    start = datetime.combine(since, time.min, UTC)
    end = datetime.combine(until, time.max, UTC)
    return Decision.objects.filter(model_name=model.name, decided_at__range=(start, end))


def _by_score(decision: Decision) -> Ruled:
    try:
        reasons: tuple[dict[str, Any], ...] | None = tuple(decision.observation.reasons)
    except Observation.DoesNotExist:
        reasons = None
    return Ruled(decision.outcome, reasons, decision.decided_at, "score")


def _by_person(resolution: Resolution) -> Ruled:
    try:
        reasons: tuple[dict[str, Any], ...] | None = tuple(said_in(resolution)["reasons"])
    except AlreadyErased:
        reasons = None
    return Ruled(resolution.outcome, reasons, resolution.decided_at, "person")


def _reason(recorded: Mapping[str, Any]) -> dict[str, Any]:
    """A reason as it was: the log holds numbers as text."""
    weight = recorded["contribution"]
    contribution = None if weight is None else float(weight)
    return {**recorded, "rank": int(recorded["rank"]), "contribution": contribution}
