"""Giving every share of a model's applications back to the champion, within the act that changes who that is."""

from django.contrib.auth.models import User

from registry.models import ModelVersion, ScoringModel
from serving.actions.deployments import end_deployment
from serving.in_service import running_deployments


def end_rollouts(
    model: ScoringModel, reason: str, *, by: User, version: ModelVersion | None = None
) -> None:
    """Of one version, or of every version of the model: they were approved beside the champion of that time."""
    for step in running_deployments(model):
        if version is None or step.version_id == version.pk:
            end_deployment(step.pk, reason, by=by)
