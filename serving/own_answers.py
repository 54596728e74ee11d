"""A web process asks the versions that it holds for their known answers, by the very judges that decide in it.

The scheduled pass asks in a worker, and keeps what is answered there. What is in the memory of a web process that pass
cannot see: the process asks itself, as often, and writes nothing while the answers are the known ones.
"""

import logging
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db import Error

from audit.canonical import digest_json
from audit.context import acting
from audit.errors import Refusal
from audit.queries import service_account
from serving import scoring
from serving.actions.probes import record_probe_result
from serving.asking import A_DAY, minutes_between
from serving.in_service import versions_to_keep_ready
from serving.judging import Judge
from serving.models import ProbeResult, ProbeSet
from serving.probing import answered_otherwise, answers

LOOK_EVERY = timedelta(minutes=1)
logger = logging.getLogger(__name__)


class OwnAnswers:
    """What one process asked its judges, and which other answers it told of. For one thread.

    `_asked` and `_told` are by set of known answers; what was told is the digest of the answers, and when.
    """

    def __init__(self) -> None:
        self._looked_at: datetime | None = None
        self._asked: dict[int, datetime] = {}
        self._told: dict[int, tuple[str, datetime]] = {}

    def ask_due(self, now: datetime) -> None:
        """Ask every version that is held here, decides or may after one act, has known answers and was not asked for as
        long as its policy says.

        Looked up once a minute. What cannot be written is logged, and asked again in the next minute. Raises what the
        database raises where it does not even say which versions there are.
        """
        if not _is_due(self._looked_at, now, LOOK_EVERY):
            return
        for key in versions_to_keep_ready(now, scoring.VERSIONS_KEPT):
            held = scoring.loaded.held(key)
            if held is None:
                continue
            try:
                self._ask(key.version_id, held.judge, now)
            except (Error, Refusal) as problem:
                logger.warning("%s was not asked for its answers here: %s", held.version, problem)
        self._looked_at = now

    def _ask(self, version_id: int, judge: Judge, now: datetime) -> None:
        of_version = ProbeSet.objects.filter(version=version_id)
        probes = of_version.select_related("version__model").first()
        if probes is None:
            return
        every = timedelta(minutes=minutes_between(probes.version.model, now))
        if _is_due(self._asked.get(probes.pk), now, every):
            self._tell(probes, *_answered(judge, probes), now)
            self._asked[probes.pk] = now

    def _tell(
        self, probes: ProbeSet, found: list[dict[str, Any]], names: list[str], now: datetime
    ) -> None:
        """Keep other answers than are known: once, when they change, and daily; and once that they are the known ones again."""
        digest = digest_json(found)
        told, told_at = self._told.get(probes.pk, ("", now))
        if told == (digest if names else "") and now - told_at < A_DAY:
            return
        with acting(trigger="schedule"):
            monitor = service_account("monitor")
            record_probe_result(probes, ProbeResult.Process.WEB, found, names, by=monitor)
        if names:
            self._told[probes.pk] = digest, now
        else:
            del self._told[probes.pk]


def _answered(judge: Judge, probes: ProbeSet) -> tuple[list[dict[str, Any]], list[str]]:
    """What the judge answers, and the names of what differs."""
    packed = np.frombuffer(probes.packed).reshape(len(probes.answers), -1)
    try:
        found = answers(judge, packed)
    except Exception as problem:  # a judge whose memory is damaged may fail in any way
        logger.exception("%s cannot answer in this process.", probes.version)
        return [], [f"raised.{type(problem).__name__}"]
    return found, [one.field for one in answered_otherwise(probes.answers, found)]


def _is_due(last: datetime | None, now: datetime, every: timedelta) -> bool:
    """Also where the clock was put back."""
    return last is None or not timedelta(0) <= now - last < every
