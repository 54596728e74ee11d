"""What monitoring measures of a version beside the champion, as readings of its guard rails.

Limits are those of the model's monitoring policy. How groups fare is told as a state without figures: whoever may see
those finds them in the fairness report, which speaks of decisions. Of a shadow it is what it would have decided.
"""

from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

import numpy as np
from django.contrib.auth.models import User
from numpy.typing import NDArray

from audit.errors import Refusal
from monitoring.drift import Column, column_drift
from monitoring.errors import NothingToMeasure
from monitoring.measured import compare_groups
from monitoring.policy import FairnessRules, MonitoringPolicy
from monitoring.queries.groups import groups_of_subjects
from monitoring.queries.policies import policy_in_force
from monitoring.queries.populations import reference_of, window_of
from registry.measures.fairness import State as GroupState
from registry.measures.statistics import psi_by_chance
from registry.models import ModelVersion
from serving.guard_rails import Reading, State
from serving.models import Deployment
from serving.policy import DecisionOutcome
from serving.queries import DecisionWindow, ShadowWindow, shadow_window

DRIFT, IMPACT = "score drift", "adverse impact"
MOST_DECISIONS = 20_000
"""Of how many decisions at most rows are read for each look, which may come every minute; more where a limit needs more."""
Window = DecisionWindow | ShadowWindow
Measure = Callable[[Deployment, Window, MonitoringPolicy, User], Reading]


def population_readings(step: Deployment, now: datetime, *, reader: User) -> list[Reading]:
    """Drift and adverse impact of the newest that the step decided since it began, or scored in the shadow."""
    try:
        _, limits = policy_in_force(step.model, now)
        window = _window(step, now, max(MOST_DECISIONS, limits.drift.minimum_current))
    except Refusal as refusal:  # no policy, or nothing decided
        return [_not_measured(name, refusal.detail) for name in (DRIFT, IMPACT)]
    return [
        _read(name, measure, step, window, limits, reader)
        for name, measure in ((DRIFT, _drift), (IMPACT, _impact))
    ]


def _window(step: Deployment, now: datetime, most: int) -> Window:
    """Raises NothingToMeasure."""
    if step.role != Deployment.Role.SHADOW:
        return window_of(step.version, step.started_at, now, most)
    window = shadow_window(step, most)
    if not window.pd.size:
        raise NothingToMeasure(f"{step.version} scored nothing in the shadow yet.")
    return window


def _read(
    name: str,
    measure: Measure,
    step: Deployment,
    window: Window,
    limits: MonitoringPolicy,
    reader: User,
) -> Reading:
    try:
        return measure(step, window, limits, reader)
    except Refusal as refusal:  # a snapshot or a key is missing, which others are told of
        return _not_measured(name, refusal.detail)


def _drift(step: Deployment, window: Window, limits: MonitoringPolicy, reader: User) -> Reading:
    """The population stability index of pd against the version's approved reference."""
    rules, reference = limits.drift, _reference_pd(step.version, limits.drift.minimum_reference)
    n, m = window.pd.size, reference.size
    if n < rules.minimum_current or m < rules.minimum_reference:
        return Reading(DRIFT, "PSI", State.INSUFFICIENT, rules.psi_breach, n, m)
    found = column_drift(Column("pd"), reference, window.pd, rules.bins)
    chance = psi_by_chance(len(found.bins), m, n)
    is_breach = found.psi > rules.psi_breach and found.psi > chance
    return Reading(
        DRIFT, "PSI", State.BREACH if is_breach else State.WITHIN, rules.psi_breach, n, m,
        found.psi, max(0.0, found.psi - chance), found.psi + chance,
        detail="against the reference it was approved with",
    )  # fmt: skip


def _impact(step: Deployment, window: Window, limits: MonitoringPolicy, reader: User) -> Reading:
    """The worst state that the fairness limits give any group."""
    if limits.fairness is None:
        return _not_measured(IMPACT, "The monitoring policy compares no groups.")
    return _worst(window, limits.fairness, reader)


def _worst(window: Window, rules: FairnessRules, reader: User) -> Reading:
    members = groups_of_subjects(window.subject_ids.tolist(), rules.attributes, reader=reader)
    compared = compare_groups(
        "", window.outcomes == DecisionOutcome.APPROVED.value, window.pd, np.full(window.pd.size, np.nan),
        members.members, members.controls, rules.limits, headline=True, selected=True,
    )  # fmt: skip
    states = {result.state for results in compared.groups.values() for result in results}
    state = State.INSUFFICIENT
    if GroupState.BREACH in states:
        state = State.BREACH
    elif states & {GroupState.PASS, GroupState.WATCH}:
        state = State.WITHIN
    figures = "the fairness report has the figures"
    if isinstance(window, ShadowWindow):
        figures = "of what it would have decided, which no report speaks of"
    read = f"{', '.join(members.columns)} of {members.people:,} people were read; {figures}"
    return Reading(
        IMPACT, "ratio", state, rules.limits.breach, window.pd.size, 0, detail=read
    )  # fmt: skip


def _not_measured(measure: str, why: str) -> Reading:
    return Reading(measure, "", State.INSUFFICIENT, None, 0, 0, detail=why)


@lru_cache(maxsize=8)
def _reference_pd(version: ModelVersion, minimum: int) -> NDArray[np.float64]:
    """A version and what it was trained on never change, so this is scored once per process."""
    return reference_of(version).scores(minimum)[0]
