"""Each web process makes versions ready before they decide, so that the first request after a promotion waits for nothing.

A thread looks once a second for what may decide now or after one act. It decides nothing: who decides is read anew in
every deciding transaction, and a version that was not made ready yet is made ready there. It writes nothing either, unless
it is to ask what this process holds for its known answers, and these are others.
"""

import logging
from collections.abc import Set
from threading import Event, Thread

from django.db import Error, close_old_connections, connections
from django.utils import timezone

from audit.errors import Refusal
from serving import scoring
from serving.in_service import VersionBytes, versions_to_keep_ready
from serving.own_answers import OwnAnswers

LOOK_EVERY_S = 1.0
logger = logging.getLogger(__name__)


def keep_warm(*, asks: bool = False) -> Event:
    """Start the thread; it ends with the process, or when the event that is returned is set.

    `asks`: whether it also asks, every few minutes, what this process holds for its known answers.
    """
    stopped = Event()
    own = OwnAnswers() if asks else None
    Thread(target=_keep_looking, args=(stopped, own), name="warming", daemon=True).start()
    return stopped


def look(met: Set[VersionBytes]) -> frozenset[VersionBytes]:
    """Make ready what was not met before. Returns what has been met now: what was made ready, once each, and is still wanted.

    What other versions pushed out since is not fetched back, so that many models do not push each other out in turns.
    """
    wanted = versions_to_keep_ready(timezone.now(), scoring.VERSIONS_KEPT)
    ready = set(wanted) & met
    for version_bytes in wanted:
        if version_bytes in ready:
            continue
        try:
            version = scoring.loaded(version_bytes).version
        except Refusal:  # which was logged; whoever needs the version leaves the fact
            continue
        logger.info("%s is ready to decide in this process.", version)
        ready.add(version_bytes)
    return frozenset(ready)


def _keep_looking(stopped: Event, own: OwnAnswers | None) -> None:
    met: frozenset[VersionBytes] = frozenset()
    while True:
        try:
            met = look(met)
            if own is not None:
                own.ask_due(timezone.now())
        except Error as problem:  # the database is away for a while
            logger.warning("Versions were not made ready, or not asked: %s", problem)
        except Exception:  # whatever it is, the next look may do better, and nobody else looks
            logger.exception("Versions were not made ready, or not asked.")
        finally:
            close_old_connections()
        if stopped.wait(LOOK_EVERY_S):
            connections.close_all()
            return
