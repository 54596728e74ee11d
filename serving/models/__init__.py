"""Django finds an app's tables here."""

from serving.models.decisions import Decision, Observation
from serving.models.deployments import Deployment
from serving.models.failures import ExplanationFailure, LoadFailure
from serving.models.letters import ExplanationLetter
from serving.models.notices import (
    ApplicationNotice,
    ApplicationNoticeDelivery,
    ApplicationStatus,
    LateNotice,
    Notice,
    NoticeAlert,
    NoticeCount,
    NoticeDelivery,
)
from serving.models.outcomes import Outcome
from serving.models.probes import ProbeFailure, ProbeResult, ProbeSet
from serving.models.replays import Replay, ReplayFailure, ReplayRun
from serving.models.requests import ClientMinute, IdempotencyRecord
from serving.models.resolutions import Correction, Resolution
from serving.models.reviews import LateReview, Review, ReviewStep
from serving.models.rollouts import GuardRailBreach, GuardRailEvaluation, ShadowPass, ShadowScore

__all__ = [
    "ApplicationNotice",
    "ApplicationNoticeDelivery",
    "ApplicationStatus",
    "ClientMinute",
    "Correction",
    "Decision",
    "Deployment",
    "ExplanationFailure",
    "ExplanationLetter",
    "GuardRailBreach",
    "GuardRailEvaluation",
    "IdempotencyRecord",
    "LateNotice",
    "LateReview",
    "LoadFailure",
    "Notice",
    "NoticeAlert",
    "NoticeCount",
    "NoticeDelivery",
    "Observation",
    "Outcome",
    "ProbeFailure",
    "ProbeResult",
    "ProbeSet",
    "Replay",
    "ReplayFailure",
    "ReplayRun",
    "Resolution",
    "Review",
    "ReviewStep",
    "ShadowPass",
    "ShadowScore",
]
