"""Addresses of this floor, under /api/v1/."""

from django.urls import path

from serving.api.decisions import DecisionBatches, DecisionDetail, Decisions
from serving.api.deployments import DeploymentEnd, Deployments, Rollout
from serving.api.labels import DecisionLabel, Labels
from serving.api.proofs import DecisionProof

urlpatterns = [
    path("models/<slug:model>/decisions", Decisions.as_view()),
    path("models/<slug:model>/decisions/batch", DecisionBatches.as_view()),
    path("models/<slug:model>/deployments", Deployments.as_view()),
    path("models/<slug:model>/rollout", Rollout.as_view()),
    path("deployments/<int:deployment_id>/end", DeploymentEnd.as_view()),
    path("decisions/<uuid:decision_id>", DecisionDetail.as_view()),
    path("decisions/<uuid:decision_id>/proof", DecisionProof.as_view()),
    path("decisions/<uuid:decision_id>/label", DecisionLabel.as_view()),
    path("labels", Labels.as_view()),
]
