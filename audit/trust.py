"""What a stranger needs beside the log itself: the policy that names the log keys, and what these keys said of other keys."""

from audit import keyring, keys
from audit.actions.keys import SUBJECT
from audit.events import Event
from audit.keyring import KeyState
from audit.models import Entry
from audit.publishing import witness_policy_lines
from audit.queries import published_size

TRUSTED = (KeyState.VALID, KeyState.ENDING, KeyState.RETIRED)


def policy_text() -> str:
    """A tlog-policy: every key of every shard that is valid or was and is not lost, and whose cosignatures a checkpoint needs."""
    return log_lines() + witness_policy_lines()


def log_lines() -> str:
    """The lines about the keys of the log alone."""
    ring = keyring.read(keys.folder())
    return "".join(f"log {key.vkey}\n" for key in ring.log_keys if key.state in TRUSTED)


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
    names = sorted(
        f"{_hex(key_id)}.note" for key_id in _introduced(Event.LOG_KEY_INTRODUCED, origin)
    )
    notes_in = keys.folder() / "rotations"
    return {f"rotations/{name}": (notes_in / name).read_text() for name in names}


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
