"""Publishing: what the log signed becomes what strangers see, once the quorum of witnesses has cosigned it.

    signed       the checkpoint is stored, with the log's own signatures
    cosigned     each cosignature is kept as it comes in
    published    with the cosignatures, when the quorum is met; at once where the policy asks for none

Each step looks at what is stored, so a crash between two of them leaves a checkpoint that the next pass moves on. Only the
newest signed checkpoint is shown to witnesses: those that it overtook are never published, and nothing is lost by that.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.utils import timezone

from audit.cosigning import Cosigning
from audit.errors import Refusal
from audit.models import Checkpoint, Publication
from audit.queries import newest_signed
from audit.witness.policy import NO_WITNESSES, MalformedPolicy, Policy, parse_policy, witness_lines

SECONDS_BETWEEN_ATTEMPTS = 1.0

logger = logging.getLogger(__name__)


class WitnessesMisconfigured(Refusal):
    """CREDENCE_WITNESSES names a file that is no policy, or one that can never be met. Nothing is published."""

    status = 503


def witness_policy() -> Policy:
    """Whom the configuration asks for cosignatures. Raises WitnessesMisconfigured."""
    path: Path | None = settings.CREDENCE_WITNESSES
    if path is None:
        return NO_WITNESSES
    try:
        policy = parse_policy(path.read_text(errors="surrogateescape"))
    except (OSError, MalformedPolicy) as problem:
        raise WitnessesMisconfigured(
            f"CREDENCE_WITNESSES names {path}, which cannot be used: {problem}"
        ) from None
    if not policy.is_met([witness.name for witness in policy.witnesses if witness.url]):
        raise WitnessesMisconfigured(
            f"The witnesses in {path} that have a URL are too few for its quorum."
        )
    return policy


def witness_policy_lines() -> str:
    """The lines about witnesses, groups and the quorum, for the policy that others are given. Raises WitnessesMisconfigured."""
    path: Path | None = settings.CREDENCE_WITNESSES
    if path is None or witness_policy() == NO_WITNESSES:
        return "quorum none\n"
    return witness_lines(path.read_text())


def publish(origin: str) -> Publication | None:
    """One attempt to publish the newest signed checkpoint. None where nothing is signed, or the quorum was not met."""
    with Publisher(origin, witness_policy()) as publisher:
        return publisher.publish()


class Publisher:
    """Publishes one log. Between attempts it remembers what each witness knows, and which one did not answer."""

    def __init__(self, origin: str, policy: Policy) -> None:
        self._origin, self._policy = origin, policy
        asked = [witness for witness in policy.witnesses if witness.url]
        self._cosigning = Cosigning(origin, asked) if policy.quorum else None

    def __enter__(self) -> "Publisher":
        return self

    def __exit__(self, *_: object) -> None:
        if self._cosigning:
            self._cosigning.close()

    def publish(self) -> Publication | None:
        """One attempt.

        1. The newest signed checkpoint, unless it is published already.
        2. Enough cosignatures may be there from before a crash; else witnesses are asked.
        3. With the cosignatures of the policy's witnesses, and of nobody else, it is published.
        """
        checkpoint = newest_signed(self._origin)
        if checkpoint is None:
            return None
        published = Publication.objects.filter(checkpoint=checkpoint).first()
        if published is not None:
            return published
        if self._cosigning and not self._is_met(checkpoint):
            self._cosigning.ask(checkpoint, lambda: self._is_met(checkpoint))
        if not self._is_met(checkpoint):
            return None
        note = checkpoint.note + "".join(self._lines(checkpoint).values())
        publication, _ = Publication.objects.get_or_create(
            checkpoint=checkpoint, defaults={"note": note, "published_at": timezone.now()}
        )
        return publication

    def _is_met(self, checkpoint: Checkpoint) -> bool:
        return self._policy.is_met(self._lines(checkpoint))

    def _lines(self, checkpoint: Checkpoint) -> dict[str, str]:
        """The cosignature lines of the policy's witnesses, by name and in the policy's order."""
        kept = dict(checkpoint.cosignatures.values_list("key_id", "line"))
        by_name = {w.name: kept.get(w.key_id) for w in self._policy.witnesses}
        return {name: line for name, line in by_name.items() if line is not None}


@contextmanager
def publishing(origin: str) -> Iterator[Callable[[], object]]:
    """For a process that seals for long; yields what it calls whenever a head was signed.

    Witnesses are asked in a thread beside the sealing: one that is down delays what is published, never what is sealed.
    """
    policy = witness_policy()
    if policy.quorum is None:
        with Publisher(origin, policy) as publisher:
            yield publisher.publish
        return
    stop, signed = threading.Event(), threading.Event()
    with ThreadPoolExecutor(1, "publisher") as pool:
        running = pool.submit(_publish_until, stop, signed, origin, policy)

        def notify() -> None:
            if running.done():
                running.result()  # it never ends by itself: raises what ended it
            signed.set()

        try:
            yield notify
        finally:
            stop.set()
            signed.set()


def _publish_until(
    stop: threading.Event, signed: threading.Event, origin: str, policy: Policy
) -> None:
    try:
        with Publisher(origin, policy) as publisher:
            while not stop.is_set():
                try:
                    publisher.publish()
                except (OperationalError, InterfaceError) as problem:
                    logger.warning("The database did not answer and is tried again: %s", problem)
                    connection.close()
                signed.wait(SECONDS_BETWEEN_ATTEMPTS)
                signed.clear()
    finally:
        connection.close()
