"""Opening incidents from facts, and closing them with a cause."""

from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from governance.errors import (
    IncidentAlreadyOpen,
    IncidentClosed,
    NoSuchIncident,
)
from governance.events import Event
from governance.models import Incident
from governance.queries.incidents import Fact
from governance.words import require_words


@action(Event.INCIDENT_OPENED, needs="governance.open_incident")
def open_incident(fact: Fact, *, by: User) -> Incident:
    """Raises IncidentAlreadyOpen."""
    incident = Incident(
        kind=fact.kind,
        version=fact.version,
        first_fact=fact.first_fact,
        summary=fact.summary,
        opened_at=timezone.now(),
    )
    open_already = Incident.objects.filter(
        kind=fact.kind, version=fact.version, state=Incident.State.OPEN
    )
    if open_already.exists():
        raise IncidentAlreadyOpen(
            f"An incident of {fact.version or incident.about} for {fact.kind} is open."
        )
    incident.entry = record(
        subject=incident,
        kind=fact.kind,
        version=str(fact.version) if fact.version else None,
        first_fact=fact.first_fact,
        summary=fact.summary,
    )
    incident.save(force_insert=True)
    return incident


@action(Event.INCIDENT_CLOSED, needs="governance.close_incident")
def close_incident(incident_id: UUID, cause: str, *, by: User) -> Incident:
    """Raises NoSuchIncident, IncidentClosed or RationaleMissing."""
    incident = Incident.objects.select_for_update().filter(pk=incident_id).first()
    if incident is None:
        raise NoSuchIncident(f"There is no incident {incident_id}.")
    if incident.state == Incident.State.CLOSED:
        raise IncidentClosed(f"The incident was closed: {incident.cause}")
    require_words("cause", cause, "Say what the cause was.")
    incident.state, incident.closed_at, incident.cause = (
        Incident.State.CLOSED,
        timezone.now(),
        cause,
    )
    incident.save(update_fields=["state", "closed_at", "cause"])
    record(subject=incident, cause=cause)
    return incident
