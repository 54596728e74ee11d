"""Addresses of this floor, under /api/v1/."""

from django.urls import path

from serving.api.application_notices import (
    ApplicationNoticeDeliveries,
    NoticeOfApplication,
    StatusNotice,
    StatusNoticeDeliveries,
)
from serving.api.applications import ApplicationStatuses
from serving.api.decisions import DecisionBatches, DecisionDetail, Decisions
from serving.api.deployments import DeploymentEnd, Deployments, Rollout
from serving.api.explanations import DecisionExplanation
from serving.api.labels import DecisionLabel, Labels
from serving.api.notices import DecisionNotice, DueNotices, NoticeDeliveries
from serving.api.proofs import DecisionProof
from serving.api.replays import DecisionReplay, Probes, ReplayRuns
from serving.api.resolutions import DecisionCorrections, DecisionResolution, Overrides
from serving.api.reviews import (
    DecisionReviews,
    ReviewClosure,
    ReviewDetail,
    ReviewEvidence,
    ReviewFiguresOfModel,
    ReviewList,
    ReviewsDue,
    ReviewSteps,
)

urlpatterns = [
    path("models/<slug:model>/decisions", Decisions.as_view()),
    path("models/<slug:model>/decisions/batch", DecisionBatches.as_view()),
    path("models/<slug:model>/deployments", Deployments.as_view()),
    path("models/<slug:model>/replays", ReplayRuns.as_view()),
    path("models/<slug:model>/probes", Probes.as_view()),
    path("models/<slug:model>/rollout", Rollout.as_view()),
    path("deployments/<int:deployment_id>/end", DeploymentEnd.as_view()),
    path("decisions/<uuid:decision_id>", DecisionDetail.as_view()),
    path("decisions/<uuid:decision_id>/explanation", DecisionExplanation.as_view()),
    path("decisions/<uuid:decision_id>/proof", DecisionProof.as_view()),
    path("decisions/<uuid:decision_id>/replay", DecisionReplay.as_view()),
    path("decisions/<uuid:decision_id>/label", DecisionLabel.as_view()),
    path("decisions/<uuid:decision_id>/notice", DecisionNotice.as_view(), name="notice"),
    path("decisions/<uuid:decision_id>/notice/deliveries", NoticeDeliveries.as_view()),
    path("notices/due", DueNotices.as_view()),
    path("applications/<path:application_ref>/status", ApplicationStatuses.as_view()),
    path("applications/<path:application_ref>/notice", NoticeOfApplication.as_view()),
    path(
        "applications/<path:application_ref>/notice/deliveries",
        ApplicationNoticeDeliveries.as_view(),
    ),
    path("statuses/<uuid:status_id>/notice", StatusNotice.as_view(), name="status-notice"),
    path("statuses/<uuid:status_id>/notice/deliveries", StatusNoticeDeliveries.as_view()),
    path("labels", Labels.as_view()),
    path("decisions/<uuid:decision_id>/resolution", DecisionResolution.as_view()),
    path("decisions/<uuid:decision_id>/corrections", DecisionCorrections.as_view()),
    path("decisions/<uuid:decision_id>/reviews", DecisionReviews.as_view()),
    path("models/<slug:model>/overrides", Overrides.as_view()),
    path("models/<slug:model>/review-figures", ReviewFiguresOfModel.as_view()),
    path("reviews", ReviewList.as_view()),
    path("reviews/due", ReviewsDue.as_view()),
    path("reviews/<uuid:review_id>", ReviewDetail.as_view()),
    path("reviews/<uuid:review_id>/steps", ReviewSteps.as_view()),
    path("reviews/<uuid:review_id>/evidence", ReviewEvidence.as_view()),
    path("reviews/<uuid:review_id>/closure", ReviewClosure.as_view()),
]
