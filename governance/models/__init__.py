"""Django finds an app's tables here."""

from governance.models.access import AccessRequest
from governance.models.accounts import SignInGuard
from governance.models.cases import CaseAlert, CaseStep, CaseWarning, RetrainingCase
from governance.models.changes import Approval, ChangeRequest, EvidenceView
from governance.models.documents import Document, DocumentApproval
from governance.models.findings import Finding, FindingExtension, OverdueFinding
from governance.models.gates import GateReport, GateRun
from governance.models.incidents import Incident
from governance.models.oversight import Attestation, Revalidation
from governance.models.rollbacks import Rollback

__all__ = [
    "AccessRequest",
    "Approval",
    "Attestation",
    "CaseAlert",
    "CaseStep",
    "CaseWarning",
    "ChangeRequest",
    "Document",
    "DocumentApproval",
    "EvidenceView",
    "Finding",
    "FindingExtension",
    "GateReport",
    "GateRun",
    "Incident",
    "OverdueFinding",
    "RetrainingCase",
    "Revalidation",
    "Rollback",
    "SignInGuard",
]
