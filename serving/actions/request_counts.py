"""Putting on record what limited clients asked for."""

from django.contrib.auth.models import User
from django.db.models import F, Sum

from audit.action import action, record
from serving.events import Event
from serving.models import ClientMinute
from serving.queries import request_counts_before


@action(Event.REQUESTS_COUNTED, needs="serving.delete_clientminute")
def record_request_counts(before_minute: int, *, by: User) -> int:
    """One entry for all minutes before that one (since 1970), which are deleted. Returns how many requests were turned away."""
    # Locked one by one: whoever records the same at this moment finds nothing left.
    locked = request_counts_before(before_minute).select_for_update()
    counts = ClientMinute.objects.filter(pk__in=[minute.pk for minute in locked])
    clients = list(
        counts.order_by("client__username", "model_name")
        .values("model_name", client_name=F("client__username"))
        .annotate(requests=Sum("requests"), decisions=Sum("decisions"), throttled=Sum("throttled"))
    )
    throttled: int = sum(row["throttled"] for row in clients)
    record(
        subject=("serving.clientminute", f"before minute {before_minute}"),
        throttled=throttled,
        clients=clients,
    )
    counts.delete()
    return throttled
