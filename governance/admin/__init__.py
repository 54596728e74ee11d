"""Governance's windows in the admin, and its buttons on every floor's windows."""

from governance.admin.accounts import RoleAdmin, SignInGuardAdmin, TokenAdmin, UserAdmin
from governance.admin.cases import (
    CaseAlertAdmin,
    CaseStepAdmin,
    CaseWarningAdmin,
    IncidentAdmin,
    RetrainingCaseAdmin,
)
from governance.admin.changes import ApprovalAdmin, ChangeRequestAdmin
from governance.admin.gates import GateReportAdmin, GateRunAdmin

__all__ = [
    "ApprovalAdmin",
    "CaseAlertAdmin",
    "CaseStepAdmin",
    "CaseWarningAdmin",
    "ChangeRequestAdmin",
    "GateReportAdmin",
    "GateRunAdmin",
    "IncidentAdmin",
    "RetrainingCaseAdmin",
    "RoleAdmin",
    "SignInGuardAdmin",
    "TokenAdmin",
    "UserAdmin",
]
