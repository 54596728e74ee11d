"""The names of what serving writes into the log."""

from enum import StrEnum


class Event(StrEnum):
    DECISION_MADE = "serving.decision.made"
    APPLICATIONS_REFUSED = "serving.applications.refused"
    VERSION_LOAD_FAILED = "serving.version.load_failed"
    EXPLANATION_FAILED = "serving.explanation.failed"
    DEPLOYMENT_STARTED = "serving.deployment.started"
    DEPLOYMENT_ENDED = "serving.deployment.ended"
    EXPLANATION_ISSUED = "serving.explanation.issued"
    SHADOW_SCORED = "serving.shadow.scored"
    GUARD_RAILS_EVALUATED = "serving.guard_rails.evaluated"
    GUARD_RAIL_BREACHED = "serving.guard_rail.breached"
    OBSERVATIONS_DELETED = "serving.observations.deleted"
    OUTCOME_RECORDED = "serving.outcome.recorded"
    OUTCOMES_REFUSED = "serving.outcomes.refused"
    DECISION_REPLAYED = "serving.decision.replayed"
    SAMPLE_REPLAYED = "serving.sample.replayed"
    REPLAY_FAILED = "serving.replay.failed"
    PROBES_KEPT = "serving.probes.kept"
    PROBES_RENEWED = "serving.probes.renewed"
    PROBES_ANSWERED = "serving.probes.answered"
    PROBES_FAILED = "serving.probes.failed"
    NOTICE_ISSUED = "serving.notice.issued"
    NOTICE_DELIVERED = "serving.notice.delivered"
    NOTICES_DUE_SOON = "serving.notices.due_soon"
    NOTICES_LATE = "serving.notices.late"
    STATUS_RECORDED = "serving.application.status_recorded"
    APPLICATION_NOTICE_ISSUED = "serving.application.notice_issued"
    APPLICATION_NOTICE_DELIVERED = "serving.application.notice_delivered"
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
    REQUESTS_COUNTED = "serving.requests.counted"


DESCRIPTIONS = {
    Event.DECISION_MADE: "An application was decided: by which version, under which clearance and policy. What it said and what came of it is in the private part.",
    Event.APPLICATIONS_REFUSED: "Applications of a batch were not decided: their positions and what was wrong, no values.",
    Event.VERSION_LOAD_FAILED: "A cleared version could not be made ready to score: why.",
    Event.EXPLANATION_FAILED: "Base value and attributions did not add up to the margin, so an application was not decided.",
    Event.DEPLOYMENT_STARTED: "A version in staging began to decide a share of the applications, or to score it in the shadow: which share, in which role, by which clearance.",
    Event.DEPLOYMENT_ENDED: "A version's share of the applications went back to the champion: why.",
    Event.EXPLANATION_ISSUED: "A letter explained a decision to the applicant: in which language, by which policy, and the digest of what is kept of it. Digests of its page and its PDF are in the private part.",
    Event.SHADOW_SCORED: "A version in the shadow scored applications that others had decided: how many, and the digest of their ids. Nobody was told.",
    Event.GUARD_RAILS_EVALUATED: "The guard rails of a step of a rollout were evaluated: every measure with its limit, interval and size.",
    Event.GUARD_RAIL_BREACHED: "A step of a rollout met a guard rail and ended by itself: which one, and the figures.",
    Event.OBSERVATIONS_DELETED: "What an erased person's decisions were made of was deleted, with the letters that explained them and what versions in the shadow made of them: how many rows.",
    Event.OUTCOME_RECORDED: "It became known how a decided application turned out. What became of it is in the private part.",
    Event.REQUESTS_COUNTED: "What clients asked of models that a policy limits, in hours that are over: requests, decisions, and how many requests were turned away.",
    Event.OUTCOMES_REFUSED: "Outcomes of a batch were not taken: their positions and what was wrong, no values.",
    Event.DECISION_REPLAYED: "A decision was judged again from its record: equal, or the names of what differs, and by which libraries.",
    Event.SAMPLE_REPLAYED: "A random sample of a model's decisions was judged again: how it was drawn, and how many came out equal.",
    Event.REPLAY_FAILED: "A decision did not come out equal when it was judged again: the names of what differs.",
    Event.PROBES_KEPT: "The known answers of a version were taken from its archived artefact: their digest.",
    Event.PROBES_RENEWED: "Other known answers took the place of a version's: their digest, and why.",
    Event.PROBES_ANSWERED: "A version in service was asked for its known answers: what differed. Written when that changes, and once a day.",
    Event.PROBES_FAILED: "A version in service answered its probes other than was known: where.",
    Event.NOTICE_ISSUED: "The notice of a decision was composed and kept: under which notice policy, and its digest. What it says is in the private part.",
    Event.NOTICE_DELIVERED: "The bank reported that a notice was sent: by which channel and when. Its reference is in the private part.",
    Event.NOTICES_DUE_SOON: "Clocks of a model passed an alert day without the applicant being told: which day, and how many.",
    Event.NOTICES_LATE: "An applicant was not told by the due date: about which decision or application, and since when it is late.",
    Event.STATUS_RECORDED: "Something happened to an application outside of deciding it. What it was is in the private part.",
    Event.APPLICATION_NOTICE_ISSUED: "The notice of a counteroffer, or of what an application lacks, was composed and kept: under which notice policy, and its digest. Which of the two it is, and what it says, is in the private part.",
    Event.APPLICATION_NOTICE_DELIVERED: "The bank reported that a notice about an application was sent: by which channel and when. Its reference is in the private part.",
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
