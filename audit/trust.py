"""What a stranger needs beside the log itself: the policy that names the log keys, and what these keys said of other keys."""

from audit import keyring, keys, notes
from audit.keyring import KeyState

TRUSTED = (KeyState.VALID, KeyState.ENDING, KeyState.RETIRED)


def policy_text() -> str:
    """A tlog-policy: every key of every shard that is valid or was and is not lost; and that no witness is asked for."""
    ring = keyring.read(keys.folder())
    logs = [
        f"log {key.vkey}\n"
        for key in ring.log_keys
        if key.state in TRUSTED and key.kind == notes.ED25519
    ]
    return f"{''.join(logs)}quorum none\n"


def delegation_files() -> dict[str, str]:
    """File name -> the note by which the log key delegated to a producer key."""
    return {
        f"delegations/{key_id.rpartition('+')[2]}.note": delegation.note
        for key_id, delegation in sorted(keys.delegations().items())
    }


def rotation_files() -> dict[str, str]:
    """File name -> the note by which an older log key vouches for a newer one."""
    notes_in = keys.folder() / "rotations"
    return {f"rotations/{path.name}": path.read_text() for path in sorted(notes_in.glob("*.note"))}
