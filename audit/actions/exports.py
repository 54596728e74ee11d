"""Evidence bundles: what was asked for, and what came of it."""

from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Q
from django.utils import timezone

from audit.action import action, holds, record, require
from audit.dispatch import send_on_commit
from audit.errors import FieldProblem, InvalidInput, NotFound, Refusal
from audit.events import Event
from audit.ids import uuid7
from audit.models import Entry, EvidenceExport
from audit.scope import Scope

DISCLOSE = "audit.disclose_private"
BUILD = "audit.build_export"


class NoSuchDecision(InvalidInput):
    """The log holds nothing about a decision that is to be exported."""


class NoSuchExport(NotFound):
    """There is no export of that identifier."""


class ExportDecided(Refusal):
    """The bundle was built, or could not be built, already."""


@action(Event.EXPORT_REQUESTED, needs="audit.export_evidence")
def request_export(scope: Scope, *, by: User, build: bool = True) -> EvidenceExport:
    """Ask for a bundle. A narrow scope discloses the private payloads it covers, where the requester may.

    `build` has a worker build it after the commit. Raises NoSuchDecision; NotPermitted where decisions are named and
    may not be disclosed.
    """
    if scope.decisions:
        require(by, DISCLOSE)
        _require_known(scope.decisions)
    disclose = scope.is_narrow and holds(by, DISCLOSE)
    export_id, details = uuid7(), scope.as_json() | {"disclose": disclose}
    export = EvidenceExport.objects.create(
        id=export_id,
        scope=details,
        requested_by=by.get_username(),
        requested_at=timezone.now(),
        entry=record(subject=("audit.evidenceexport", str(export_id)), **details),
    )
    if build:
        send_on_commit(BUILD, str(export_id))
    return export


@action(Event.EXPORT_BUILT, needs="audit.archive_log")
def complete_export(
    export_id: UUID, *, by: User, sha256: str, size: int, tree_size: int, disclosed: int
) -> EvidenceExport:
    """Record the bundle that was built. Raises NoSuchExport or ExportDecided."""
    export = _undecided(export_id)
    export.state, export.built_at = EvidenceExport.State.AVAILABLE, timezone.now()
    export.sha256, export.size = sha256, size
    export.save(update_fields=["state", "built_at", "sha256", "size"])
    record(
        subject=("audit.evidenceexport", str(export_id)),
        sha256=sha256,
        size=size,
        tree_size=tree_size,
        disclosed=disclosed,
    )
    return export


@action(Event.EXPORT_FAILED, needs="audit.archive_log")
def fail_export(export_id: UUID, *, by: User, reason: str) -> EvidenceExport:
    """Record why a bundle could not be built. Raises NoSuchExport or ExportDecided."""
    export = _undecided(export_id)
    export.state, export.failure = EvidenceExport.State.FAILED, reason
    export.save(update_fields=["state", "failure"])
    record(subject=("audit.evidenceexport", str(export_id)), reason=reason)
    return export


@action(Event.EXPORT_TAKEN, needs="audit.disclose_private")
def record_taken(export_id: UUID, *, by: User) -> EvidenceExport:
    """Keep who took a bundle that discloses what people said: what leaves cannot be called back. Raises NoSuchExport."""
    export = _known(export_id)
    record(subject=("audit.evidenceexport", str(export_id)), sha256=export.sha256)
    return export


@action(Event.EXPORT_DESTROYED, needs="audit.destroy_export")
def destroy_export(export_id: UUID, reason: str, *, by: User) -> EvidenceExport:
    """Say that the file of a bundle goes, and why; whoever calls deletes it then. Raises NoSuchExport or ExportDecided."""
    export = _known(export_id)
    if export.state != EvidenceExport.State.AVAILABLE:
        raise ExportDecided(f"The export {export_id} is {export.state}.")
    export.state, export.failure = EvidenceExport.State.DESTROYED, reason
    export.save(update_fields=["state", "failure"])
    record(subject=("audit.evidenceexport", str(export_id)), reason=reason, sha256=export.sha256)
    return export


def _known(export_id: UUID) -> EvidenceExport:
    export = EvidenceExport.objects.select_for_update().filter(pk=export_id).first()
    if export is None:
        raise NoSuchExport(f"There is no export {export_id}.")
    return export


def _undecided(export_id: UUID) -> EvidenceExport:
    export = _known(export_id)
    if export.state != EvidenceExport.State.REQUESTED:
        raise ExportDecided(f"The export {export_id} is {export.state} already.")
    return export


def _require_known(decisions: tuple[str, ...]) -> None:
    unknown = [name for name in decisions if not _is_known(name)]
    if unknown:
        raise NoSuchDecision(
            f"The log holds nothing about {', '.join(unknown[:5])}.",
            errors=[
                FieldProblem("decisions", "unknown", f"{name} is not in the log.")
                for name in unknown
            ],
        )


def _is_known(name: str) -> bool:
    """By its identifier as entries write it: any other form would be found here and listed nowhere."""
    try:
        identifier = UUID(name)
    except ValueError:
        return False
    known = Entry.objects.filter(Q(subject_id=name) | Q(pk=identifier))
    return str(identifier) == name and known.exists()
