"""What a stranger needs beside the log itself: the policy that names the log key, and the keys it delegated to."""

from audit import keys


def policy_text() -> str:
    """A tlog-policy: the log key, and that no witness is asked for."""
    return f"log {keys.log_vkey()}\nquorum none\n"


def delegation_files() -> dict[str, str]:
    """File name -> the note by which the log key delegated to a producer key."""
    return {
        f"delegations/{key_id.rpartition('+')[2]}.note": delegation.note
        for key_id, delegation in sorted(keys.delegations().items())
    }
