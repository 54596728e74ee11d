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
    DECISION_RESOLVED = "serving.decision.resolved"
    DECISION_CORRECTED = "serving.decision.corrected"
    REVIEW_OPENED = "serving.review.opened"
    REVIEW_ACKNOWLEDGED = "serving.review.acknowledged"
    REVIEW_ASSIGNED = "serving.review.assigned"
    REVIEW_INFORMATION_REQUESTED = "serving.review.information_requested"
    REVIEW_INFORMATION_RECEIVED = "serving.review.information_received"
    REVIEW_EVIDENCE_OPENED = "serving.review.evidence_opened"
    REVIEW_CLOSED = "serving.review.closed"
    REVIEW_LATE = "serving.review.late"


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
    Event.DECISION_RESOLVED: "A person decided a referred case, or against the outcome that stood, alone or after a review. Outcome, reasons and rationale are in the private part.",
    Event.DECISION_CORRECTED: "An application was decided anew with corrected data: which decision it was, which it is, and the names of what was corrected.",
    Event.REVIEW_OPENED: "An applicant contests a decision: when that came, by when it is answered, and by which policy. The grounds are in the private part.",
    Event.REVIEW_ACKNOWLEDGED: "The applicant was told that the contest was received.",
    Event.REVIEW_ASSIGNED: "A review was given to somebody who had no part in the decision.",
    Event.REVIEW_INFORMATION_REQUESTED: "The reviewer asked the applicant for something. What for is in the private part.",
    Event.REVIEW_INFORMATION_RECEIVED: "The applicant answered the reviewer, in the private part.",
    Event.REVIEW_EVIDENCE_OPENED: "The reviewer opened what the decision rests on and what was said since: the digest of what was shown.",
    Event.REVIEW_CLOSED: "A review ended. Its result and the letter to the applicant are in the private part.",
    Event.REVIEW_LATE: "A review was not closed by its day.",
}
