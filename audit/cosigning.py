"""Asking witnesses: all at once, each from the size that it is known to have, and what came of it kept.

What a witness knows is read from its newest cosignature; where it knows another size (a crash lost its answer) it says so, and is
asked again from there. One that knows more than we ever signed, or does not find its tree in ours, leaves a fact.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from django.db import transaction
from django.utils import timezone

from audit import tree
from audit.actions.witnesses import record_witness_refusal
from audit.context import acting
from audit.deferred import deferred
from audit.models import Checkpoint, Cosignature, WitnessRefusal
from audit.queries import newest_signed, service_account
from audit.witness.client import Answer, Cosigned, Failed, KnowsSize, RefusedProof, ask
from audit.witness.policy import PolicyWitness
from audit.witness.protocol import AddCheckpoint

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

SECONDS_PER_REQUEST = 5.0
SECONDS_PER_ROUND = 15.0
LONGEST_REST_SECONDS = 30.0
CORRECTIONS = 3  # how often in a row a witness may name another size

logger = logging.getLogger(__name__)


@dataclass
class _Server:
    """Who answers at one URL: its keys as the policy names them, what it knows, and how long it is left alone."""

    url: str
    witnesses: list[PolicyWitness]
    known: int
    corrections: int = 0
    rest_seconds: float = 0.0
    rests_until: float = 0.0
    asked: "tuple[Checkpoint, AddCheckpoint, Future[Answer]] | None" = None

    @property
    def names(self) -> str:
        return ", ".join(witness.name for witness in self.witnesses)

    @property
    def key_ids(self) -> list[str]:
        return [witness.key_id for witness in self.witnesses]

    def rest(self) -> None:
        """After a failure: half a second, then twice as long each time."""
        self.corrections = 0
        self.rest_seconds = min(LONGEST_REST_SECONDS, 2 * self.rest_seconds or 0.5)
        self.rests_until = time.monotonic() + self.rest_seconds


class Cosigning:
    """The witnesses of one log. To be closed."""

    def __init__(self, origin: str, witnesses: Collection[PolicyWitness]) -> None:
        self._origin = origin
        by_url: dict[str, list[PolicyWitness]] = defaultdict(list)
        for witness in witnesses:
            by_url[witness.url].append(witness)
        self._servers = [
            _Server(url, those, _last_cosigned(origin, those)) for url, those in by_url.items()
        ]
        self._http = httpx.Client(timeout=SECONDS_PER_REQUEST)
        self._pool = ThreadPoolExecutor(max(len(by_url), 1), "witness")

    def close(self) -> None:
        """What is still waited for is waited for to its timeout, and not used."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._http.close()

    def ask(self, checkpoint: Checkpoint, enough: Callable[[], bool]) -> None:
        """Ask whoever has not cosigned this checkpoint, until `enough()` or nobody is left to answer.

        A witness that has not answered by then may answer during a later call.
        """
        deadline = time.monotonic() + SECONDS_PER_ROUND
        for server in self._servers:
            self._post(server, checkpoint)
        while not enough() and (left := deadline - time.monotonic()) > 0:
            futures = [server.asked[2] for server in self._servers if server.asked]
            if not futures:
                return
            wait(futures, left, FIRST_COMPLETED)
            for server in self._servers:
                if server.asked and server.asked[2].done():
                    self._take_answer(server)
                    self._post(server, checkpoint)

    def _post(self, server: _Server, checkpoint: Checkpoint) -> None:
        """Unless it has cosigned this one, is still being asked, or rests."""
        if server.asked or time.monotonic() < server.rests_until:
            return
        cosigned = checkpoint.cosignatures.filter(key_id__in=server.key_ids).count()
        if cosigned == len(server.witnesses) or server.known > checkpoint.size:
            return
        proof = tree.growth(self._origin, server.known, checkpoint.size)
        request = AddCheckpoint(server.known, tuple(proof), checkpoint.note)
        verifiers = [witness.verifier for witness in server.witnesses]
        future = self._pool.submit(ask, self._http, server.url, request, verifiers, time.time())
        server.asked = (checkpoint, request, future)

    def _take_answer(self, server: _Server) -> None:
        assert server.asked is not None
        checkpoint, request, future = server.asked
        server.asked, answer = None, future.result()
        match answer:
            case Cosigned():
                server.known, server.rest_seconds, server.corrections = checkpoint.size, 0.0, 0
                _keep(checkpoint, server.witnesses, answer)
                if len(answer.lines) < len(server.witnesses):
                    server.rest()  # a key of its that the policy names is not in use
            case KnowsSize(size) if size > checkpoint.size:
                self._is_ahead(server, checkpoint, size)
            case KnowsSize(size) if size != request.old and server.corrections < CORRECTIONS:
                server.known, server.corrections = size, server.corrections + 1
            case KnowsSize(size):
                self._failed(server, f"it keeps naming other sizes, now {size}")
            case RefusedProof(detail):
                reason = f"It did not find the {server.known} entries it knows in our tree of {checkpoint.size}: {detail}"
                _leave_fact(checkpoint, server, reason, None)
                server.rest()
            case Failed(detail):
                self._failed(server, detail)

    def _is_ahead(self, server: _Server, checkpoint: Checkpoint, size: int) -> None:
        """It knows a larger tree. That is fine where we signed it meanwhile, and otherwise a fact."""
        newest = newest_signed(self._origin)
        if newest is not None and newest.size >= size:
            server.known = size
            return
        reason = (
            f"It cosigned {size} entries, and our newest signed checkpoint has {checkpoint.size}: "
            "an older database was restored, or another copy of this log is running."
        )
        _leave_fact(checkpoint, server, reason, size)
        server.rest()

    def _failed(self, server: _Server, detail: str) -> None:
        logger.warning("The witness %s at %s: %s.", server.names, server.url, detail)
        server.rest()


def _last_cosigned(origin: str, witnesses: Sequence[PolicyWitness]) -> int:
    """The size that this witness cosigned last, as far as we were told; 0 before the first."""
    key_ids = [witness.key_id for witness in witnesses]
    kept = Cosignature.objects.filter(checkpoint__origin=origin, key_id__in=key_ids)
    newest = kept.select_related("checkpoint").order_by("-checkpoint__size").first()
    return newest.checkpoint.size if newest else 0


def _keep(checkpoint: Checkpoint, witnesses: Sequence[PolicyWitness], answer: Cosigned) -> None:
    by_key = {(w.verifier.name, w.verifier.key_id): w for w in witnesses}
    with transaction.atomic():
        for line, signature in answer.lines.items():
            witness = by_key[signature.name, signature.key_id]
            Cosignature.objects.get_or_create(
                checkpoint=checkpoint,
                key_id=witness.key_id,
                defaults={
                    "witness": witness.name,
                    "line": line,
                    "cosigned_at": datetime.fromtimestamp(signature.time or 0, UTC),
                    "received_at": timezone.now(),
                },
            )


def _leave_fact(checkpoint: Checkpoint, server: _Server, reason: str, size: int | None) -> None:
    """Once, until this witness cosigns again: a witness that refuses does so at every checkpoint."""
    logger.error("The witness %s refuses: %s", server.names, reason)
    last = WitnessRefusal.objects.filter(witness=server.names).first()
    since = Cosignature.objects.filter(key_id__in=server.key_ids).first()
    if last is not None and (since is None or since.received_at < last.refused_at):
        return
    with acting(trigger="witness"):
        record_witness_refusal(
            checkpoint, server.names, reason, witness_size=size, by=service_account("sequencer")
        )
