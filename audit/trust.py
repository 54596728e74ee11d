"""What a stranger needs beside the log itself: the policy that names the log keys, and what these keys said of other keys."""

from audit import keys
from audit.actions.keys import SUBJECT
from audit.events import Event
from audit.models import Entry
from audit.publishing import witness_policy_lines
from audit.queries import published_size


def policy_text() -> str:
    """A tlog-policy: every key of every shard that is valid or was and is not lost, and whose cosignatures a checkpoint needs."""
    return log_lines() + witness_policy_lines()


def log_lines() -> str:
    """The lines about the keys of the log alone."""
    return "".join(f"log {vkey}\n" for vkey in keys.log_vkeys())


def note_files(origin: str | None = None) -> dict[str, str]:
    """File name -> every note by which a log key spoke for another key: in one shard, or in all."""
    return delegation_files(origin) | rotation_files(origin)


def delegation_files(origin: str | None = None) -> dict[str, str]:
    """File name -> the note by which the log key delegated to a producer key that the published log introduces."""
    introduced = _introduced(Event.PRODUCER_KEY_INTRODUCED, origin)
    return {
        f"delegations/{_hex(key_id)}.note": delegation.note
        for key_id, delegation in sorted(keys.delegations().items())
        if key_id in introduced
    }


def rotation_files(origin: str | None = None) -> dict[str, str]:
    """File name -> the note by which an older log key vouches for one that the published log introduces."""
    introduced = _introduced(Event.LOG_KEY_INTRODUCED, origin)
    paths = [keys.folder() / "rotations" / f"{_hex(key_id)}.note" for key_id in sorted(introduced)]
    # A note that is not here, whatever the database says, leaves a key that the verifier will not trust.
    return {f"rotations/{path.name}": path.read_text() for path in paths if path.exists()}


def _introduced(event: Event, shard: str | None) -> set[str]:
    """Ids of keys whose entries strangers can see: a key that is only prepared is nobody's business yet."""
    entries = Entry.objects.filter(event=event, subject_type=SUBJECT, leaf__isnull=False)
    if shard is not None:
        entries = entries.filter(origin=shard)
    sizes: dict[str, int] = {}
    found = set()
    for origin, key_id, index in entries.values_list("origin", "subject_id", "leaf__index"):
        if index < sizes.setdefault(origin, published_size(origin)):
            found.add(key_id)
    return found


def _hex(key_id: str) -> str:
    return key_id.rpartition("+")[2]
