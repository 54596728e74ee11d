"""Who decides an application now: read in the deciding transaction, and a fact is left where a version cannot."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.contrib.auth.models import User

from audit.action import permission_found
from serving import in_service, scoring
from serving.actions.failures import record_load_failure
from serving.errors import ArtefactRefused, NoNewDecisions
from serving.in_service import ClearedVersion, Rollout
from serving.models import LoadFailure
from serving.routing import routed, slot
from serving.scoring import LiveVersion, LoadedVersion

FACT_EVERY = timedelta(minutes=1)


def live_versions(
    model_name: str, documents: Sequence[object], now: datetime, number: int | None, by: User
) -> list[LiveVersion] | ArtefactRefused:
    """Who decides each application: the champion, unless a rollout gave it to another version that can.

    A version beside the champion that is closed or does not load leaves its share to the champion, and a fact. Where
    the champion itself does not load, the former champion has its place while it is cleared for rollback.

    Raises UnknownModel, NoClearedVersion, VersionNotCleared or NoNewDecisions, and ArtefactRefused where nobody can decide;
    returns that refusal instead where the fact of it is to be committed.
    """
    cleared = in_service.cleared_version(model_name, now, number, by)
    if cleared.is_permitted:
        permission_found(in_service.MAY_DECIDE)
    try:
        now_champion = _live(cleared, now)
    except ArtefactRefused as refusal:
        instead = None if number else _fallback(model_name, now)
        is_news = _leave_fact(cleared, refusal, instead, now, by)
        if instead is None:
            if is_news:
                return refusal
            raise
        now_champion = instead
    if not cleared.is_shared:
        return [now_champion] * len(documents)
    rollout = in_service.rollout_of(model_name, now)
    routes = [_route(model_name, document, rollout) for document in documents]
    lives: dict[int | None, LiveVersion] = {None: now_champion}
    for step in {route for route in routes if route is not None}:
        try:
            lives[step] = _live(rollout.versions[step], now)
        except NoNewDecisions:
            continue
        except ArtefactRefused as refusal:  # each time, because guard rails count them
            record_load_failure(rollout.versions[step].bytes_of.version_id, refusal.detail, by=by)
    return [lives.get(route, now_champion) for route in routes]


def deciding_version(model_name: str, now: datetime, number: int | None = None) -> LoadedVersion:
    """The champion, or the former champion in its place: for whoever asks what applications must look like.

    Raises UnknownModel, NoClearedVersion, VersionNotCleared or ArtefactRefused.
    """
    cleared = in_service.cleared_version(model_name, now, number)
    try:
        return scoring.loaded(cleared.bytes_of)
    except ArtefactRefused:
        instead = None if number else _fallback(model_name, now)
        if instead is None:
            raise
        return instead.loaded


def _route(model_name: str, document: object, rollout: Rollout) -> int | None:
    """What names no application is for the champion to refuse."""
    reference = document.get("application_ref") if isinstance(document, Mapping) else None
    if not isinstance(reference, str):
        return None
    return routed(slot(model_name, reference), rollout.shares)


def _live(cleared: ClearedVersion, now: datetime) -> LiveVersion:
    limits = in_service.limits_on(cleared.bytes_of.version_id, now) if cleared.is_restricted else ()
    version = scoring.loaded(cleared.bytes_of)
    return LiveVersion(version, cleared.clearance_id, limits, cleared.role)


def _fallback(model_name: str, now: datetime) -> LiveVersion | None:
    """The former champion, under its own limits, if it may decide and can."""
    cleared = in_service.fallback(model_name, now)
    if cleared is None:
        return None
    try:
        return _live(cleared, now)
    except (NoNewDecisions, ArtefactRefused):
        return None


def _leave_fact(
    cleared: ClearedVersion,
    refusal: ArtefactRefused,
    instead: LiveVersion | None,
    now: datetime,
    by: User,
) -> bool:
    """Keep why the champion cannot decide and who does meanwhile, once a minute; whether it was kept now."""
    version_id = cleared.bytes_of.version_id
    known = LoadFailure.objects.filter(version=version_id, failed_at__gt=now - FACT_EVERY)
    meanwhile = f"{instead.loaded.version} decides" if instead else "Nothing decides"
    if known.exists():
        return False
    record_load_failure(version_id, f"{refusal.detail} {meanwhile} meanwhile.", by=by)
    return True
