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
    REQUESTS_COUNTED = "serving.requests.counted"


DESCRIPTIONS = {
    Event.DECISION_MADE: "An application was decided: by which version, under which clearance and policy. What it said and what came of it is in the private part.",
    Event.APPLICATIONS_REFUSED: "Applications of a batch were not decided: their positions and what was wrong, no values.",
    Event.VERSION_LOAD_FAILED: "A cleared version could not be made ready to score: why.",
    Event.EXPLANATION_FAILED: "Base value and attributions did not add up to the margin, so an application was not decided.",
    Event.DEPLOYMENT_STARTED: "A version in staging began to decide a share of the applications: which share, in which role, by which clearance.",
    Event.DEPLOYMENT_ENDED: "A version's share of the applications went back to the champion: why.",
    Event.OBSERVATIONS_DELETED: "What an erased person's decisions were made of was deleted: how many there were.",
    Event.OUTCOME_RECORDED: "It became known how a decided application turned out. What became of it is in the private part.",
    Event.REQUESTS_COUNTED: "What clients asked of models that a policy limits, in hours that are over: requests, decisions, and how many requests were turned away.",
    Event.OUTCOMES_REFUSED: "Outcomes of a batch were not taken: their positions and what was wrong, no values.",
}
