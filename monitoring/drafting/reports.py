"""Drafting a report of any kind. Everything is read, nothing is written, no transaction is held."""

from collections.abc import Sequence
from datetime import datetime

from django.contrib.auth.models import User

from monitoring.drafting.drafts import Draft, Frame
from monitoring.drafting.drift import draft_drift
from monitoring.drafting.fairness import SOURCES, draft_fairness
from monitoring.drafting.performance import draft_performance
from monitoring.drafting.reasons import draft_reasons
from monitoring.errors import WindowMalformed
from monitoring.models import Report
from monitoring.queries.policies import policy_in_force
from monitoring.queries.populations import version_in_service
from registry import queries as registry
from registry.models import ModelVersion


def draft_report(
    model_name: str,
    kind: str,
    start: datetime,
    end: datetime,
    *,
    as_of: datetime,
    reader: User,
    version: ModelVersion | None = None,
    sources: Sequence[str] = SOURCES,
) -> Draft:
    """Draft a drift, fairness, performance or reasons report of one version over one window.

    Without `version`, the one that decided last in the window. `sources` says what a fairness report
    compares: the window's decisions, the training data set, or both. Raises UnknownModel,
    WindowMalformed, NoVersionToMonitor, NoMonitoringPolicy, MonitoringPolicyMalformed or
    NothingToMeasure; for a fairness report also NotPermitted, KeyMissing, ProtectedValueUnreadable.
    """
    if not start < end <= as_of:
        raise WindowMalformed("A window begins before it ends, and ends no later than now.")
    model = registry.model_named(model_name)
    policy, limits = policy_in_force(model, as_of)
    frame = Frame(
        version or version_in_service(model, start, end), policy, limits, start, end, as_of
    )
    match Report.Kind(kind):
        case Report.Kind.DRIFT:
            return draft_drift(frame)
        case Report.Kind.FAIRNESS:
            return draft_fairness(frame, reader, sources)
        case Report.Kind.PERFORMANCE:
            return draft_performance(frame)
        case Report.Kind.REASONS:
            return draft_reasons(frame)
