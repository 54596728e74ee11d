"""What the sequencer does for the keys by itself: it is the process that has the log key."""

from django.contrib.auth.models import User
from django.utils import timezone

from audit import keyring, keys, log_rotation, producer_rotation
from audit.introductions import Step
from audit.keyring import KeyState


def upkeep(*, by: User, on_step: Step) -> None:
    """Whatever is due: renew the producer key, end an overlap, retire producer keys that nobody uses any more.

    Nothing waits here: a renewal whose entry is not published yet goes on the next time.
    """
    now, origin = timezone.now(), keys.current_origin()
    if producer_rotation.renewal_is_due(now):
        producer_rotation.advance(by=by, on_step=on_step)
    for key in keyring.read(keys.folder()).keys_of(origin, (KeyState.ENDING,)):
        if log_rotation.overlap_left(key) == 0:
            log_rotation.retire(key.key_id, "rotated", by=by)
            on_step(f"retired {key.key_id}")
    for key_id in producer_rotation.due_for_retirement(origin, now):
        producer_rotation.retire(key_id, "rotated", by=by)
        on_step(f"retired {key_id}")
