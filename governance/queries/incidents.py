"""Named reads about incidents, and the facts of lower floors from which they are opened."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.db.models.constants import LOOKUP_SEP

from audit.models import ArchiveAlarm, WitnessRefusal
from governance.errors import NoSuchIncident
from governance.models import Incident, LateRecertification
from governance.queries.findings import overdue_facts
from monitoring.queries.reports import alerts
from monitoring.triggers import OF_REASONS
from registry.models import ModelVersion, ScoringModel
from registry.queries import champion
from serving.models import (
    ExplanationFailure,
    GuardRailBreach,
    LateNotice,
    LateReview,
    LoadFailure,
    ProbeFailure,
    ReplayFailure,
)

# Facts about one version each: their table. All say when they happened (`failed_at`), and what (`reason`).
FACTS: dict[str, type[Model]] = {
    Incident.Kind.LOAD_FAILURE: LoadFailure,
    Incident.Kind.EXPLANATION_FAILURE: ExplanationFailure,
    Incident.Kind.REPLAY_FAILURE: ReplayFailure,
    Incident.Kind.PROBE_FAILURE: ProbeFailure,
    Incident.Kind.GUARD_RAIL_BREACH: GuardRailBreach,
}

# Facts about the log itself, about roles and about notices: their table, when they happened, what they say.
LOG_FACTS: dict[str, tuple[type[Model], str, str]] = {
    Incident.Kind.ARCHIVE_ALARM: (ArchiveAlarm, "found_at", "detail"),
    Incident.Kind.WITNESS_REFUSAL: (WitnessRefusal, "refused_at", "reason"),
    Incident.Kind.LATE_RECERTIFICATION: (LateRecertification, "noticed_at", "summary"),
    Incident.Kind.LATE_NOTICE: (LateNotice, "noticed_at", "summary"),
}


@dataclass(frozen=True)
class Fact:
    """The first fact about a version, or about the log, that no incident answers."""

    kind: str
    version: ModelVersion | None
    first_fact: int
    summary: str


def incident_with(incident_id: UUID) -> Incident:
    """Raises NoSuchIncident."""
    incident = incidents().filter(pk=incident_id).first()
    if incident is None:
        raise NoSuchIncident(f"There is no incident {incident_id}.")
    return incident


def incidents() -> QuerySet[Incident]:
    """All incidents, newest first."""
    return Incident.objects.select_related("version__model")


def open_incidents() -> QuerySet[Incident]:
    return incidents().filter(state=Incident.State.OPEN)


def unanswered_facts() -> Iterator[Fact]:
    """One fact per kind and version, and per kind about the log: the first while no incident was open, or since the last was closed."""
    yield from _about_the_log()
    yield from _about_findings()
    yield from _about_reasons()
    yield from _about_reviews()
    for kind, facts in FACTS.items():
        yield from _of_versions(
            kind, facts._default_manager.all(), "failed_at", attrgetter("reason")
        )


def _of_versions(
    kind: str,
    facts: QuerySet[Any],
    when: str,
    says: Callable[[Any], str],
    version: str = "version",
) -> Iterator[Fact]:
    """The first of the facts about each version that no incident answers. `when` and `version` are looked up in a fact."""
    answering = Incident.objects.filter(
        Q(state=Incident.State.OPEN) | Q(closed_at__gte=OuterRef(when)),
        kind=kind,
        version=OuterRef(version),
    )
    about = attrgetter(version.replace(LOOKUP_SEP, "."))
    seen: set[int] = set()
    unanswered = facts.filter(~Exists(answering)).order_by("pk")
    for fact in unanswered.select_related(f"{version}__model").iterator():
        if about(fact).pk not in seen:
            seen.add(about(fact).pk)
            yield Fact(kind, about(fact), fact.pk, says(fact))


def _about_the_log() -> Iterator[Fact]:
    for kind, (facts, when, what) in LOG_FACTS.items():
        answering = Incident.objects.filter(
            Q(state=Incident.State.OPEN) | Q(closed_at__gte=OuterRef(when)), kind=kind, version=None
        )
        first = facts._default_manager.filter(~Exists(answering)).order_by("pk").first()
        if first is not None:
            yield Fact(kind, None, first.pk, str(getattr(first, what)))


def _about_findings() -> Iterator[Fact]:
    """A finding about every version is an incident of the one that decides; nothing is at risk where there is none."""
    seen: set[int] = set()
    for fact in overdue_facts():
        finding = fact.finding
        version = finding.version or _most_used(finding.model)
        if version is None or version.pk in seen:
            continue
        answered = Q(state=Incident.State.OPEN) | Q(closed_at__gte=fact.noticed_at)
        answering = Incident.objects.filter(
            Q(first_fact=fact.pk) | Q(version=version) & answered,
            kind=Incident.Kind.OVERDUE_FINDING,
        )
        if not answering.exists():
            seen.add(version.pk)
            summary = f"A {finding.severity} finding was due {fact.due_on}: {finding.title}"
            yield Fact(Incident.Kind.OVERDUE_FINDING, version, fact.pk, summary)


def _about_reasons() -> Iterator[Fact]:
    """Reasons that a version gave and that do not hold."""
    found = alerts().filter(trigger__in=OF_REASONS, confirmed=True)
    return _of_versions(
        Incident.Kind.UNTRUE_REASONS,
        found,
        "detected_at",
        lambda alert: f"{alert}, below {alert.threshold:g}",
    )


def _about_reviews() -> Iterator[Fact]:
    """A late review is an incident of the version that decided."""
    return _of_versions(
        Incident.Kind.LATE_REVIEW,
        LateReview.objects.all(),
        "noticed_at",
        lambda fact: f"{fact.review} was due on {fact.due_on} and is not closed.",
        version="review__decision__version",
    )


def _most_used(model: ScoringModel) -> ModelVersion | None:
    """The version that decides, else the newest."""
    return champion(model) or model.versions.select_related("model").order_by("-number").first()
