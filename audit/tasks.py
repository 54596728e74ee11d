"""What workers do for this floor. Sealing is no task: the sequencer is a process of its own."""

import logging
from collections.abc import Iterable
from uuid import UUID

from celery import shared_task
from django.utils import timezone

from audit.actions.heartbeats import write_heartbeat
from audit.archive.drills import drill
from audit.archive.holds import follow_holds
from audit.archive.listing import check_listing
from audit.archive.locks import keep_locks_ahead
from audit.archive.passes import archive_pass
from audit.archive.restores import poll_restores
from audit.context import acting
from audit.disclosures import sweep_exports
from audit.ending import review_retention
from audit.errors import Refusal
from audit.export import build_export
from audit.leadership import NotLeader
from audit.liveness import reconcile_due
from audit.models import EvidenceExport, LogPass
from audit.passes import run_pass
from audit.queries import NothingSealed, exports_waiting, origins, passes_waiting, service_account
from audit.timestamps.authority import TimestampFailed
from audit.timestamps.passes import has_authority, timestamp_pass
from audit.verification import verify_log

logger = logging.getLogger(__name__)


@shared_task(name="audit.reconcile_hours")
def reconcile() -> None:
    """Every hour that is due; the ones that were missed come first."""
    with acting(trigger="schedule"):
        reconcile_due(by=service_account("sequencer"))


@shared_task(name="audit.write_heartbeat")
def heartbeat() -> None:
    with acting(trigger="schedule"):
        write_heartbeat(by=service_account("sequencer"))


@shared_task(name="audit.archive_log")
def archive() -> None:
    with acting(trigger="schedule"):
        archive_pass(by=service_account("archiver"))


@shared_task(name="audit.archive_full_epochs")
def archive_full() -> None:
    """Between the daily passes: what has reached the size of an epoch does not wait."""
    with acting(trigger="schedule"):
        try:
            archive_pass(by=service_account("archiver"), full_only=True)
        except (NothingSealed, NotLeader):
            return  # nothing to archive yet, or a pass is under way


@shared_task(name="audit.timestamp_checkpoint")
def timestamp() -> None:
    """Has the newest published checkpoint of each shard timestamped, where an authority is configured: the final one, too."""
    if not has_authority():
        return
    for origin in origins():
        with acting(trigger="schedule"):
            try:
                timestamp_pass(origin, by=service_account("archiver"))
            except (TimestampFailed, NothingSealed) as refusal:  # a failure is recorded by the pass
                logger.warning("No timestamp: %s", refusal.detail)


@shared_task(name="audit.verify_log")
def verify() -> None:
    with acting(trigger="schedule"):
        found = verify_log(by=service_account("archiver"))
    for problem in found.problems:
        logger.error("The log does not hold: %s", problem)


@shared_task(name="audit.run_pass")
def carry_out_pass(pass_id: str) -> None:
    """Carries out one pass. Sent when it is asked for; nothing to do where it was carried out meanwhile."""
    _run(passes_waiting(UUID(pass_id)), "request")


@shared_task(name="audit.run_passes")
def carry_out_forgotten() -> None:
    """The sweep: carries out what was asked for and whose message was lost."""
    _run(passes_waiting(), "sweep")


def _run(waiting: Iterable[LogPass], trigger: str) -> None:
    for log_pass in waiting:
        with acting(trigger=trigger, on_behalf_of=log_pass.requested_by):
            run_pass(log_pass, by=service_account("archiver"))


@shared_task(name="audit.build_export")
def build(export_id: str) -> None:
    """Builds one bundle. Sent when it is asked for; nothing to do where it was built meanwhile."""
    _build(exports_waiting(UUID(export_id)), "request")


@shared_task(name="audit.sweep_exports")
def destroy_disclosures() -> None:
    """Destroys bundles that disclose people who were erased. Sent after an erasure, and swept."""
    with acting(trigger="erasure"):
        sweep_exports(by=service_account("archiver"))


@shared_task(name="audit.review_retention")
def end_retention() -> None:
    with acting(trigger="schedule"):
        review_retention(by=service_account("archiver"))


@shared_task(name="audit.build_exports")
def build_forgotten() -> None:
    """The sweep: builds what was asked for and whose message was lost."""
    _build(exports_waiting(), "sweep")


def _build(exports: Iterable[EvidenceExport], trigger: str) -> None:
    for export in exports:
        with acting(trigger=trigger, on_behalf_of=export.requested_by):
            try:
                build_export(export, by=service_account("archiver"))
            except Refusal as refusal:  # it is recorded, and whoever asked can read it
                logger.warning("Export %s: %s", export.pk, refusal.detail)


@shared_task(name="audit.list_archive")
def list_archive() -> None:
    with acting(trigger="schedule"):
        found = check_listing(by=service_account("archiver"))
    for finding in found.findings:
        logger.error("The archive is not as it was left: %s", finding.detail)


@shared_task(name="audit.keep_locks_ahead")
def keep_locks() -> None:
    with acting(trigger="schedule"):
        keep_locks_ahead(timezone.now().date(), by=service_account("archiver"))


@shared_task(name="audit.follow_holds")
def follow_legal_holds() -> None:
    """The sweep: the archive holds what the vault's open matters cover."""
    with acting(trigger="sweep"):
        follow_holds(by=service_account("archiver"))


@shared_task(name="audit.poll_restores")
def poll() -> None:
    with acting(trigger="sweep"):
        poll_restores(by=service_account("archiver"))


@shared_task(name="audit.drill_archive")
def drill_archive() -> None:
    with acting(trigger="schedule"):
        _, problems = drill(by=service_account("archiver"))
    for problem in problems or ():
        logger.error("The restore drill failed: %s", problem)
