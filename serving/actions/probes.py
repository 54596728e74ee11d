"""Known answers of versions: kept once from the archived artefact, asked for while the version serves."""

import os
import secrets
import socket
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.canonical import digest_json
from registry.models import ModelVersion
from registry.queries import baseline_rows
from serving.errors import DeveloperCannotRenew, NoKnownAnswers, ProbesKnown, ReasonMissing
from serving.events import Event
from serving.in_service import bytes_of
from serving.models import ProbeFailure, ProbeResult, ProbeSet
from serving.probing import answers, applicants
from serving.rejudging import libraries
from serving.scoring import read_anew


@action(Event.PROBES_KEPT, needs="serving.keep_probes")
def keep_probes(version: ModelVersion, *, by: User) -> ProbeSet:
    """Take a version's known answers from its archived artefact, once.

    It is read anew: digest, signature and content are those that were approved, and on every row of the baseline the
    compiled scorer agrees with the library that trained the model. No later call takes other answers: see `renew_probes`.
    Raises ProbesKnown or ArtefactRefused.
    """
    ModelVersion.objects.select_for_update().get(pk=version.pk)
    if version.probe_sets.exists():
        raise ProbesKnown(f"{version} has known answers.")
    return _kept(version, 1, "", by)


@action(Event.PROBES_RENEWED, needs="serving.renew_probes")
def renew_probes(version: ModelVersion, reason: str, *, by: User) -> ProbeSet:
    """Put other known answers in the place of a version's: after a library changed the last bits, on someone's word.

    Raises ReasonMissing, NoKnownAnswers, DeveloperCannotRenew or ArtefactRefused.
    """
    ModelVersion.objects.select_for_update().get(pk=version.pk)
    newest = version.probe_sets.first()
    if not reason.strip():
        raise ReasonMissing("Say why the answers may be others than those that are known.")
    if newest is None:
        raise NoKnownAnswers(f"{version} has no known answers yet; a worker keeps the first.")
    if version.developed_by == by:
        raise DeveloperCannotRenew(f"{by} developed {version}.")
    return _kept(version, newest.number + 1, reason, by)


@action(Event.PROBES_ANSWERED, needs="serving.probe_version")
def record_probe_result(
    probes: ProbeSet, process: str, found: list[dict[str, Any]], names: list[str], *, by: User
) -> ProbeResult:
    """Keep what this process answered; `names` says what differs. Where anything does, the fact for an incident too."""
    digest, where = digest_json(found), _this_process()
    entry = record(
        subject=probes.version.subject,
        artefact_sha256=probes.artefact_sha256,
        probes=probes.number,
        process=process,
        answers_sha256=digest,
        differences=names[:50],
        differences_count=len(names),
        libraries=libraries(),
        **where,
    )
    result = ProbeResult.objects.create(
        probes=probes,
        process=process,
        answers_sha256=digest,
        differences=names,
        probed_at=timezone.now(),
        entry=entry,
    )
    if names:
        what = (
            f"A {process} process ({where['pid']} on {where['host']}) answered otherwise than was known: "
            f"{', '.join(names[:5])} ({len(names)} in all)"
        )
        record_probe_failure(probes.version, what, by=by)
    return result


@action(Event.PROBES_FAILED, needs="serving.probe_version")
def record_probe_failure(version: ModelVersion, reason: str, *, by: User) -> ProbeFailure:
    """Keep the fact that a version in service did not answer as was known."""
    entry = record(
        subject=version.subject,
        artefact_sha256=version.artefact_id,
        reason=reason,
        **_this_process(),
    )
    return ProbeFailure.objects.create(
        version=version,
        artefact_sha256=version.artefact_id,
        reason=reason,
        failed_at=timezone.now(),
        entry=entry,
    )


def _this_process() -> dict[str, Any]:
    """Which process it is that answers, as whoever must restart it finds it."""
    return {"pid": os.getpid(), "host": socket.gethostname()}


def _kept(version: ModelVersion, number: int, reason: str, by: User) -> ProbeSet:
    judge = read_anew(bytes_of(version)).judge
    packed = applicants(
        judge.contract, baseline_rows(version.baseline).packed, secrets.randbits(32)
    )
    known = answers(judge, packed)
    digest = digest_json(known)
    entry = record(
        subject=version.subject,
        artefact_sha256=version.artefact_id,
        probes=number,
        applicants=len(packed),
        answers_sha256=digest,
        reason=reason,
        libraries=libraries(),
    )
    return ProbeSet.objects.create(
        version=version,
        number=number,
        artefact_sha256=version.artefact_id,
        packed=packed.tobytes(),
        answers=known,
        answers_sha256=digest,
        packages=libraries(),
        reason=reason,
        kept_by=by,
        kept_at=timezone.now(),
        entry=entry,
    )
