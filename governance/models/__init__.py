"""Django finds an app's tables here."""

from governance.models.access import AccessRequest
from governance.models.accounts import SignInGuard
from governance.models.cases import CaseAlert, CaseStep, CaseWarning, RetrainingCase
from governance.models.challenge import (
    ApprovalCondition,
    ChangeComment,
    ChangeReminder,
    ConditionFinding,
    EvidenceView,
)
from governance.models.changes import Approval, ChangeRequest
from governance.models.delegations import Delegation, DelegationEnd
from governance.models.documents import Document, DocumentApproval
from governance.models.exceptions import ThresholdException
from governance.models.findings import (
    Finding,
    FindingExtension,
    FindingRestriction,
    OverdueFinding,
)
from governance.models.gates import GateReport, GateRun
from governance.models.incidents import Incident
from governance.models.oversight import (
    Attestation,
    MaterialityAssessment,
    Revalidation,
    TierChangeAnswer,
)
from governance.models.recertification import (
    LateRecertification,
    Recertification,
    RoleDecision,
    RoleHeld,
)
from governance.models.rollbacks import Rollback

__all__ = [
    "AccessRequest",
    "Approval",
    "ApprovalCondition",
    "Attestation",
    "CaseAlert",
    "CaseStep",
    "CaseWarning",
    "ChangeComment",
    "ChangeReminder",
    "ChangeRequest",
    "ConditionFinding",
    "Delegation",
    "DelegationEnd",
    "Document",
    "DocumentApproval",
    "EvidenceView",
    "Finding",
    "FindingExtension",
    "FindingRestriction",
    "GateReport",
    "GateRun",
    "Incident",
    "LateRecertification",
    "MaterialityAssessment",
    "OverdueFinding",
    "Recertification",
    "RetrainingCase",
    "Revalidation",
    "RoleDecision",
    "RoleHeld",
    "Rollback",
    "SignInGuard",
    "ThresholdException",
    "TierChangeAnswer",
]
