"""The act that says whether a tracking server was told at which stage a version stands."""

from datetime import timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from registry.errors import WriteBackEnded
from registry.events import Event
from registry.models import WriteBack

MOST_ATTEMPTS = 12
FIRST_GAP = timedelta(
    minutes=1
)  # doubled at each attempt: the last is tried about a day and a half after the first


@action(Event.STAGE_WRITTEN_BACK, needs="registry.write_back")
def record_write_back(write_back_id: int, error: str, *, by: User) -> WriteBack:
    """Keep the outcome of one attempt: told, or why not and when it is tried again. Raises WriteBackEnded."""
    found = WriteBack.objects.select_for_update(of=("self",)).select_related(
        "tracked", "change__version__model"
    )
    write_back = found.get(pk=write_back_id)
    if write_back.state != WriteBack.State.WAITING:
        raise WriteBackEnded(f"The write-back {write_back_id} is {write_back.state}.")
    now = timezone.now()
    write_back.attempts += 1
    write_back.error = error
    if not error:
        write_back.state, write_back.ended_at = WriteBack.State.WRITTEN, now
    elif write_back.attempts >= MOST_ATTEMPTS:
        write_back.state, write_back.ended_at = WriteBack.State.GIVEN_UP, now
    else:
        write_back.due_at = now + FIRST_GAP * 2 ** (write_back.attempts - 1)
    record(
        subject=write_back.change.version.subject,
        stage=write_back.change.stage,
        tracking_uri=write_back.tracked.tracking_uri,
        model_name=write_back.tracked.model_name,
        model_version=write_back.tracked.model_version,
        state=write_back.state,
        attempt=write_back.attempts,
        error=error,
    )
    write_back.save(update_fields=["state", "attempts", "error", "due_at", "ended_at"])
    return write_back
