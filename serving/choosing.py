"""Who decides an application now: read in the deciding transaction, and a fact is left where a version cannot."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.contrib.auth.models import User

from serving import queries, scoring
from serving.actions.failures import record_load_failure
from serving.errors import ArtefactRefused, NoNewDecisions
from serving.queries import ClearedVersion, Rollout
from serving.routing import routed, slot
from serving.scoring import LiveVersion


def live_versions(
    model_name: str, documents: Sequence[object], now: datetime, number: int | None, by: User
) -> list[LiveVersion] | ArtefactRefused:
    """Who decides each application: the champion, unless a rollout gave it to another version that can.

    A version beside the champion that is closed or does not load leaves its share to the champion, and a fact.

    Raises UnknownModel, NoClearedVersion, VersionNotCleared or NoNewDecisions; returns the refusal of a broken champion.
    """
    cleared = queries.cleared_version(model_name, now, number)
    now_champion = _live(cleared, now, by)
    if isinstance(now_champion, ArtefactRefused):
        return now_champion
    if not cleared.is_shared:
        return [now_champion] * len(documents)
    rollout = queries.rollout_of(model_name, now)
    routes = [_route(model_name, document, rollout) for document in documents]
    lives: dict[int | None, LiveVersion] = {None: now_champion}
    for step in {route for route in routes if route is not None}:
        try:
            other = _live(rollout.versions[step], now, by)
        except NoNewDecisions:
            continue
        if isinstance(other, LiveVersion):
            lives[step] = other
    return [lives.get(route, now_champion) for route in routes]


def _route(model_name: str, document: object, rollout: Rollout) -> int | None:
    """What names no application is for the champion to refuse."""
    reference = document.get("application_ref") if isinstance(document, Mapping) else None
    if not isinstance(reference, str):
        return None
    return routed(slot(model_name, reference), rollout.shares)


def _live(cleared: ClearedVersion, now: datetime, by: User) -> LiveVersion | ArtefactRefused:
    limits = queries.limits_on(cleared.bytes_of.version_id, now)
    try:
        version = scoring.loaded(cleared.bytes_of)
    except ArtefactRefused as refusal:
        record_load_failure(cleared.bytes_of.version_id, refusal.detail, by=by)
        return refusal
    return LiveVersion(version, cleared.clearance_id, limits, cleared.role)
