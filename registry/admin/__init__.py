"""The registry's windows in the admin."""

from registry.admin.artefacts import ArtefactAdmin, BaselineAdmin
from registry.admin.datasets import DatasetAdmin
from registry.admin.inventory import ScoringModelAdmin
from registry.admin.policies import PolicyAdmin
from registry.admin.runs import RunAdmin
from registry.admin.versions import ClearanceAdmin, ModelVersionAdmin

__all__ = [
    "ArtefactAdmin",
    "BaselineAdmin",
    "ClearanceAdmin",
    "DatasetAdmin",
    "ModelVersionAdmin",
    "PolicyAdmin",
    "RunAdmin",
    "ScoringModelAdmin",
]
