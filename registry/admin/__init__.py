"""The registry's windows in the admin."""

from registry.admin.artefacts import ArtefactAdmin, BaselineAdmin
from registry.admin.datasets import DatasetAdmin
from registry.admin.feature_tables import FeatureTableAdmin
from registry.admin.inventory import ModelRecordAdmin, ScoringModelAdmin
from registry.admin.policies import PolicyAdmin
from registry.admin.restrictions import RestrictionLiftAdmin, UseRestrictionAdmin
from registry.admin.runs import RunAdmin
from registry.admin.tracking import RunReportAdmin, TrackedRunAdmin, WriteBackAdmin
from registry.admin.versions import ClearanceAdmin, ModelVersionAdmin, StageChangeAdmin

__all__ = [
    "ArtefactAdmin",
    "BaselineAdmin",
    "ClearanceAdmin",
    "DatasetAdmin",
    "FeatureTableAdmin",
    "ModelRecordAdmin",
    "ModelVersionAdmin",
    "PolicyAdmin",
    "RestrictionLiftAdmin",
    "RunAdmin",
    "RunReportAdmin",
    "ScoringModelAdmin",
    "StageChangeAdmin",
    "TrackedRunAdmin",
    "UseRestrictionAdmin",
    "WriteBackAdmin",
]
