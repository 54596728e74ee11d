"""The registry's tables."""

from registry.models.artefacts import Artefact, Baseline
from registry.models.clearances import Clearance
from registry.models.datasets import Dataset
from registry.models.feature_tables import FeatureIngest, FeatureRow, FeatureTable
from registry.models.history import ModelRecord, StageChange
from registry.models.inventory import ScoringModel
from registry.models.policies import Policy, PolicyEndorsement
from registry.models.restrictions import RestrictionLift, UseRestriction
from registry.models.runs import Reproduction, Run, RunReport
from registry.models.tracking import TrackedRun, WriteBack
from registry.models.versions import ModelVersion, Stage

__all__ = [
    "Artefact",
    "Baseline",
    "Clearance",
    "Dataset",
    "FeatureIngest",
    "FeatureRow",
    "FeatureTable",
    "ModelRecord",
    "ModelVersion",
    "Policy",
    "PolicyEndorsement",
    "Reproduction",
    "RestrictionLift",
    "Run",
    "RunReport",
    "ScoringModel",
    "Stage",
    "StageChange",
    "TrackedRun",
    "UseRestriction",
    "WriteBack",
]
