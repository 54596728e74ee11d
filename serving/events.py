"""The names of what serving writes into the log."""

from enum import StrEnum


class Event(StrEnum):
    DECISION_MADE = "serving.decision.made"
    APPLICATIONS_REFUSED = "serving.applications.refused"
    VERSION_LOAD_FAILED = "serving.version.load_failed"
    EXPLANATION_FAILED = "serving.explanation.failed"
    DEPLOYMENT_STARTED = "serving.deployment.started"
    DEPLOYMENT_ENDED = "serving.deployment.ended"
    SHADOW_SCORED = "serving.shadow.scored"
    GUARD_RAILS_EVALUATED = "serving.guard_rails.evaluated"
    GUARD_RAIL_BREACHED = "serving.guard_rail.breached"
    OBSERVATIONS_DELETED = "serving.observations.deleted"
    OUTCOME_RECORDED = "serving.outcome.recorded"
    OUTCOMES_REFUSED = "serving.outcomes.refused"


DESCRIPTIONS = {
    Event.DECISION_MADE: "An application was decided: by which version, under which clearance and policy. What it said and what came of it is in the private part.",
    Event.APPLICATIONS_REFUSED: "Applications of a batch were not decided: their positions and what was wrong, no values.",
    Event.VERSION_LOAD_FAILED: "A cleared version could not be made ready to score: why.",
    Event.EXPLANATION_FAILED: "Base value and attributions did not add up to the margin, so an application was not decided.",
    Event.DEPLOYMENT_STARTED: "A version in staging began to decide a share of the applications, or to score it in the shadow: which share, in which role, by which clearance.",
    Event.DEPLOYMENT_ENDED: "A version's share of the applications went back to the champion: why.",
    Event.SHADOW_SCORED: "A version in the shadow scored applications that others had decided: how many, and the digest of their ids. Nobody was told.",
    Event.GUARD_RAILS_EVALUATED: "The guard rails of a step of a rollout were evaluated: every measure with its limit, interval and size.",
    Event.GUARD_RAIL_BREACHED: "A step of a rollout met a guard rail and ended by itself: which one, and the figures.",
    Event.OBSERVATIONS_DELETED: "What an erased person's decisions were made of was deleted, and how versions in the shadow scored them: how many rows.",
    Event.OUTCOME_RECORDED: "It became known how a decided application turned out. What became of it is in the private part.",
    Event.OUTCOMES_REFUSED: "Outcomes of a batch were not taken: their positions and what was wrong, no values.",
}
