"""The names of what serving writes into the log."""

from enum import StrEnum


class Event(StrEnum):
    DECISION_MADE = "serving.decision.made"
    APPLICATIONS_REFUSED = "serving.applications.refused"
    VERSION_LOAD_FAILED = "serving.version.load_failed"
    EXPLANATION_FAILED = "serving.explanation.failed"
    DEPLOYMENT_STARTED = "serving.deployment.started"
    DEPLOYMENT_ENDED = "serving.deployment.ended"
    OBSERVATIONS_DELETED = "serving.observations.deleted"
    OUTCOME_RECORDED = "serving.outcome.recorded"
    OUTCOMES_REFUSED = "serving.outcomes.refused"
    NOTICE_ISSUED = "serving.notice.issued"
    NOTICE_DELIVERED = "serving.notice.delivered"
    NOTICES_DUE_SOON = "serving.notices.due_soon"
    NOTICES_LATE = "serving.notices.late"
    STATUS_RECORDED = "serving.application.status_recorded"


DESCRIPTIONS = {
    Event.DECISION_MADE: "An application was decided: by which version, under which clearance and policy. What it said and what came of it is in the private part.",
    Event.APPLICATIONS_REFUSED: "Applications of a batch were not decided: their positions and what was wrong, no values.",
    Event.VERSION_LOAD_FAILED: "A cleared version could not be made ready to score: why.",
    Event.EXPLANATION_FAILED: "Base value and attributions did not add up to the margin, so an application was not decided.",
    Event.DEPLOYMENT_STARTED: "A version in staging began to decide a share of the applications: which share, in which role, by which clearance.",
    Event.DEPLOYMENT_ENDED: "A version's share of the applications went back to the champion: why.",
    Event.OBSERVATIONS_DELETED: "What an erased person's decisions were made of was deleted: how many there were.",
    Event.OUTCOME_RECORDED: "It became known how a decided application turned out. What became of it is in the private part.",
    Event.OUTCOMES_REFUSED: "Outcomes of a batch were not taken: their positions and what was wrong, no values.",
    Event.NOTICE_ISSUED: "The notice of a decision was composed and kept: under which notice policy, and its digest. What it says is in the private part.",
    Event.NOTICE_DELIVERED: "The bank reported that a notice was sent: by which channel and when. Its reference is in the private part.",
    Event.NOTICES_DUE_SOON: "Clocks of a model passed an alert day without the applicant being told: which day, and how many.",
    Event.NOTICES_LATE: "An applicant was not told by the due date: about which decision or application, and since when it is late.",
    Event.STATUS_RECORDED: "Something happened to an application outside of deciding it. What it was is in the private part.",
}
