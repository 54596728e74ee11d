"""What a proposed policy would have meant for decisions that were made: read one by one, in bounded memory, nothing written."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np
from django.db.models import Count, Exists, OuterRef, QuerySet
from django.db.models.functions import TruncMonth

from audit.cases import restricted_people
from governance.errors import NotADecisionPolicy
from governance.queries.rehearsals import Rehearsal
from registry.models import ModelVersion, Policy, ScoringModel
from serving.in_service import contract_of
from serving.models import Decision
from serving.policy import DecisionPolicy, PolicyUnusable, decide

ROWS_AT_ONCE = 1000


@dataclass(frozen=True)
class BlockedDecisions:
    """Decisions of one month and outcome by a version that the gate policy would have blocked."""

    model: str
    version: int
    month: str
    outcome: str
    decisions: int


@dataclass
class Rejudged:
    """Decisions of a period judged again by another decision policy, by their recorded pd and features.

    `outcomes` counts (before, after). Nothing is left to judge of `erased` persons; `restricted` ones may
    not be looked at; of `not_judged` the contract lacks a feature that a knock-out rule asks for.
    """

    outcomes: Counter[tuple[str, str]] = field(default_factory=Counter)
    erased: int = 0
    restricted: int = 0
    not_judged: int = 0

    @property
    def judged(self) -> int:
        return self.outcomes.total()

    @property
    def changed(self) -> int:
        return sum(n for (before, after), n in self.outcomes.items() if before != after)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The counts as a table, by outcome before and after."""
        return [
            {"before": before, "after": after, "decisions": n}
            for (before, after), n in sorted(self.outcomes.items())
        ]


def blocked_decisions(
    rehearsals: Sequence[Rehearsal], start: datetime | None = None, end: datetime | None = None
) -> list[BlockedDecisions]:
    """How many decisions the versions made that would have been blocked, by version, month and outcome.

    From `start` (inclusive) to `end` (exclusive), where they are given.
    """
    blocked = [rehearsal.report.version_id for rehearsal in rehearsals if not rehearsal.passes]
    rows = (
        _within(Decision.objects.filter(version__in=blocked), start, end)
        .annotate(month=TruncMonth("decided_at"))
        .values_list("model_name", "version__number", "month", "outcome")
        .annotate(decisions=Count("pk"))
        .order_by("model_name", "version__number", "month", "outcome")
    )
    return [
        BlockedDecisions(model, version, f"{month:%Y-%m}", outcome, decisions)
        for model, version, month, outcome, decisions in rows
    ]


def models_under(policy: Policy) -> QuerySet[ScoringModel]:
    """The models of versions that decide, or decided, under a policy of the same name."""
    under = ModelVersion.objects.filter(decision_policy__name=policy.name).values("model")
    return ScoringModel.objects.filter(pk__in=under).order_by("name")


def rejudged(
    policy: Policy, model: ScoringModel, start: datetime | None = None, end: datetime | None = None
) -> Rejudged:
    """The model's decisions judged again by a decision policy. Raises NotADecisionPolicy.

    A referred application counts as referred, whatever a person made of it.
    """
    if policy.kind != Policy.Kind.DECISION:
        raise NotADecisionPolicy(f"{policy} is no decision policy and decides nobody.")
    try:
        proposed = DecisionPolicy.from_json(policy.body)
    except PolicyUnusable as problem:
        raise NotADecisionPolicy(str(problem)) from problem
    asked = {rule.feature for rule in proposed.knockout_rules}
    all_of_them = _within(Decision.objects.filter(model_name=model.name), start, end)
    is_restricted = Exists(restricted_people(OuterRef("subject_id")))
    found = Rejudged(
        erased=all_of_them.filter(~is_restricted, observation__isnull=True).count(),
        restricted=all_of_them.filter(is_restricted).count(),
    )
    for decision in _seen(all_of_them.filter(~is_restricted)):
        contract = contract_of(decision.version)
        if not asked <= set(contract.names):
            found.not_judged += 1
            continue
        features: Mapping[str, object] = {}
        if asked:
            features = contract.unpack(np.frombuffer(decision.observation.packed))
        ruling = decide(decision.observation.pd, features, proposed)
        found.outcomes[decision.outcome, str(ruling.outcome)] += 1
    return found


def _seen(decisions: QuerySet[Decision]) -> Iterator[Decision]:
    return (
        decisions.filter(observation__isnull=False)
        .select_related("observation", "version")
        .only(
            "outcome",
            "version__contract",
            "version__contract_sha256",
            "observation__pd",
            "observation__packed",
        )
        .order_by("pk")
        .iterator(chunk_size=ROWS_AT_ONCE)
    )


def _within(
    decisions: QuerySet[Decision], start: datetime | None, end: datetime | None
) -> QuerySet[Decision]:
    if start is not None:
        decisions = decisions.filter(decided_at__gte=start)
    return decisions if end is None else decisions.filter(decided_at__lt=end)
