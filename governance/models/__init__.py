"""Django finds an app's tables here."""

from governance.models.access import AccessRequest
from governance.models.accounts import SignInGuard
from governance.models.cases import CaseAlert, CaseStep, CaseWarning, RetrainingCase
from governance.models.changes import Approval, ChangeRequest, EvidenceView, Seat
from governance.models.gates import GateReport, GateRun
from governance.models.incidents import Incident
from governance.models.rollbacks import Rollback

__all__ = [
    "AccessRequest",
    "Approval",
    "CaseAlert",
    "CaseStep",
    "CaseWarning",
    "ChangeRequest",
    "EvidenceView",
    "GateReport",
    "GateRun",
    "Incident",
    "RetrainingCase",
    "Rollback",
    "Seat",
    "SignInGuard",
]
