"""Which of the versions that share a model's applications decides one of them. Pure."""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

SLOTS = 100


class Share(NamedTuple):
    """A version's part of the applications, in percent, by the number of its deployment."""

    deployment_id: int
    percent: int


def slot(model_name: str, application_ref: str) -> int:
    """0 to 99, evenly spread and always the same for the same application; models are told apart."""
    name = f"credence-route/1\n{model_name}\n{application_ref}"
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8]) % SLOTS


def routed(taken: int, shares: Sequence[Share]) -> int | None:
    """Whose the slot is: the shares take slots from 0 on, in order, and the champion (None) the rest.

    A share that grows keeps the applications that it had.
    """
    start = 0
    for share in shares:
        start += share.percent
        if taken < start:
            return share.deployment_id
    return None
