"""The names of what the registry writes into the log."""

from enum import StrEnum


class Event(StrEnum):
    MODEL_REGISTERED = "registry.model.registered"
    MODEL_AMENDED = "registry.model.amended"
    TIER_CHANGED = "registry.model.tier_changed"
    DATASET_REGISTERED = "registry.dataset.registered"
    FEATURE_TABLE_DEFINED = "registry.feature_table.defined"
    FEATURES_RECORDED = "registry.features.recorded"
    FEATURES_DELETED = "registry.features.deleted"
    RUN_REQUESTED = "registry.run.requested"
    RUN_STARTED = "registry.run.started"
    RUN_SUCCEEDED = "registry.run.succeeded"
    RUN_FAILED = "registry.run.failed"
    RUN_REPRODUCED = "registry.run.reproduced"
    RUN_OPENED = "registry.run.opened"
    RUN_REPORTED = "registry.run.reported"
    RUN_HANDED_IN = "registry.run.handed_in"
    RUN_ENDED = "registry.run.ended"
    RUN_IMPORTED = "registry.run.imported"
    STAGE_WRITTEN_BACK = "registry.version.stage_written_back"
    VERSION_REGISTERED = "registry.version.registered"
    STAGE_CHANGED = "registry.version.stage_changed"
    CHAMPION_PROMOTED = "registry.version.promoted"
    POLICY_PROPOSED = "registry.policy.proposed"
    POLICY_ENDORSED = "registry.policy.endorsed"
    POLICY_ADOPTED = "registry.policy.adopted"
    POLICY_REJECTED = "registry.policy.rejected"
    CLEARANCE_GRANTED = "registry.clearance.granted"
    CLEARANCE_REVOKED = "registry.clearance.revoked"
    USE_RESTRICTED = "registry.restriction.placed"
    RESTRICTION_LIFTED = "registry.restriction.lifted"


DESCRIPTIONS = {
    Event.MODEL_REGISTERED: "A scoring model entered the inventory: its uses, its tier, its owner.",
    Event.MODEL_AMENDED: "Fields of a model's entry in the inventory changed: from what, to what, why.",
    Event.TIER_CHANGED: "A model moved to another tier: from which, to which, why.",
    Event.DATASET_REGISTERED: "A snapshot passed its checks and is kept under its digest.",
    Event.FEATURE_TABLE_DEFINED: "A feature table got a new version: its features, for how long a value counts, in whose references people are named.",
    Event.FEATURES_RECORDED: "A feature table took rows: how many, about how many people, how new, from where. No value and no reference.",
    Event.FEATURES_DELETED: "What feature tables held about erased people was deleted: how many rows there were.",
    Event.RUN_REQUESTED: "Someone asked for a model to be trained: data, algorithm, parameters, seed.",
    Event.RUN_STARTED: "A worker began to train: the code and the environment it does so with.",
    Event.RUN_SUCCEEDED: "A run left a signed artefact: its two digests and what it measured.",
    Event.RUN_FAILED: "A run left nothing: the reason.",
    Event.RUN_REPRODUCED: "A finished run was trained again from its record: whether the same model came of it, and with which code and packages.",
    Event.RUN_OPENED: "A client began to report a run that it trains outside: data, seed, and its own code and packages.",
    Event.RUN_REPORTED: "A client said something of its open run: parameters, tags, metrics, scores. None of it was measured here.",
    Event.RUN_HANDED_IN: "A client handed in the model that its run trained: its two digests. It is measured once the run has ended.",
    Event.RUN_ENDED: "A client ended its run: with a model to be measured here, without one, or with an error.",
    Event.RUN_IMPORTED: "A run came from an MLflow tracking server: which, and which model version it belongs to there.",
    Event.STAGE_WRITTEN_BACK: "An MLflow tracking server was told at which stage its version stands here, or could not be.",
    Event.VERSION_REGISTERED: "An artefact became a version of its model, with contract, baseline, cut-off and policies.",
    Event.STAGE_CHANGED: "A version moved to another stage.",
    Event.CHAMPION_PROMOTED: "A version became the champion, and the one before it was archived.",
    Event.POLICY_PROPOSED: "Someone wrote a new version of a policy.",
    Event.POLICY_ENDORSED: "Someone who did not write a policy gave their word for it; another person may adopt it.",
    Event.POLICY_ADOPTED: "A policy was approved by someone who did not write it, and replaced the one before.",
    Event.POLICY_REJECTED: "A proposed policy was turned down.",
    Event.CLEARANCE_GRANTED: "A version may be used for one purpose, with exactly these bytes.",
    Event.CLEARANCE_REVOKED: "A clearance ended before its time.",
    Event.USE_RESTRICTED: "A model or a version may not be used outside of a limit from here on.",
    Event.RESTRICTION_LIFTED: "A use restriction ended before its time, by someone who did not develop what it restricts.",
}
