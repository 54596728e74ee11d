"""Facts about versions that could not decide: governance's sweep opens an incident for each."""

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from registry.models import ModelVersion
from serving.events import Event
from serving.models import ExplanationFailure, LoadFailure


@action(Event.VERSION_LOAD_FAILED, needs="serving.decide")
def record_load_failure(version_id: int, reason: str, *, by: User) -> LoadFailure:
    """Keep the fact that a cleared version could not be made ready to score, when an application was to be decided."""
    return _load_failure(version_id, reason)


@action(Event.VERSION_LOAD_FAILED, needs="serving.note_failure")
def note_load_failure(version_id: int, reason: str, *, by: User) -> LoadFailure:
    """Keep that fact where no application was to be decided: before a promotion, or when a process made versions ready."""
    return _load_failure(version_id, reason)


@action(Event.EXPLANATION_FAILED, needs="serving.decide")
def record_explanation_failure(
    version: ModelVersion, reason: str, *, by: User
) -> ExplanationFailure:
    """Keep the fact that a version's attributions missed its margin."""
    entry = record(subject=version.subject, artefact_sha256=version.artefact_id, reason=reason)
    return ExplanationFailure.objects.create(
        version=version,
        artefact_sha256=version.artefact_id,
        reason=reason,
        failed_at=timezone.now(),
        entry=entry,
    )


def _load_failure(version_id: int, reason: str) -> LoadFailure:
    version = ModelVersion.objects.select_related("model").get(pk=version_id)
    entry = record(subject=version.subject, artefact_sha256=version.artefact_id, reason=reason)
    return LoadFailure.objects.create(
        version=version,
        artefact_sha256=version.artefact_id,
        reason=reason,
        failed_at=timezone.now(),
        entry=entry,
    )
