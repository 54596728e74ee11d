"""What a signature of each kind is over, when it vouches for a checkpoint together with a time.

Source: C2SP tlog-cosignature. Pure: text and numbers in, bytes out.
"""

from audit.tiles import parse_checkpoint

LONGEST_NAME = 255  # bytes, of a cosigner and of an origin


def ed25519_message(text: str, time: int) -> bytes:
    """Of kind 04. It lacks the cosigner's name: each cosigner has a key of its own, shared with nobody."""
    return f"cosignature/v1\ntime {time}\n".encode() + text.encode()


def ml_dsa_message(name: str, text: str, time: int) -> bytes:
    """Of kind 06, over a checkpoint: the subtree from its first entry to its last.

    Raises MalformedCheckpoint where the text is none, and ValueError where a name is too long.
    """
    body = parse_checkpoint(text)
    return subtree_message(name, time, body.origin, 0, body.size, body.root)


def subtree_message(name: str, time: int, origin: str, start: int, end: int, root: bytes) -> bytes:
    """Of kind 06, over the entries from `start` up to, but not including, `end`. Raises ValueError for a name that is too long."""
    numbers = start.to_bytes(8, "big") + end.to_bytes(8, "big")
    stamp = time.to_bytes(8, "big")
    return b"subtree/v1\n\0" + _named(name) + stamp + _named(origin) + numbers + root


def _named(name: str) -> bytes:
    encoded = name.encode()
    if not 1 <= len(encoded) <= LONGEST_NAME:
        raise ValueError(f"A name has 1 to {LONGEST_NAME} bytes; this one has {len(encoded)}.")
    return bytes([len(encoded)]) + encoded
