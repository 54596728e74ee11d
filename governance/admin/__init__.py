"""Governance's windows in the admin, and its buttons on every floor's windows."""

from governance.admin import building, restrictions
from governance.admin.access import AccessRequestAdmin
from governance.admin.accounts import RoleAdmin, SignInGuardAdmin, TokenAdmin, UserAdmin
from governance.admin.cases import (
    CaseAlertAdmin,
    CaseStepAdmin,
    CaseWarningAdmin,
    IncidentAdmin,
    RetrainingCaseAdmin,
)
from governance.admin.changes import ApprovalAdmin, ChangeRequestAdmin
from governance.admin.documents import DocumentAdmin, DocumentApprovalAdmin
from governance.admin.erasures import ErasureCaseAdmin
from governance.admin.findings import FindingAdmin, FindingExtensionAdmin, OverdueFindingAdmin
from governance.admin.gates import GateReportAdmin, GateRunAdmin
from governance.admin.holds import LegalHoldAdmin
from governance.admin.oversight import AttestationAdmin, RevalidationAdmin

__all__ = [
    "AccessRequestAdmin",
    "ApprovalAdmin",
    "AttestationAdmin",
    "CaseAlertAdmin",
    "CaseStepAdmin",
    "CaseWarningAdmin",
    "ChangeRequestAdmin",
    "DocumentAdmin",
    "DocumentApprovalAdmin",
    "ErasureCaseAdmin",
    "FindingAdmin",
    "FindingExtensionAdmin",
    "GateReportAdmin",
    "GateRunAdmin",
    "IncidentAdmin",
    "LegalHoldAdmin",
    "OverdueFindingAdmin",
    "RetrainingCaseAdmin",
    "RevalidationAdmin",
    "RoleAdmin",
    "SignInGuardAdmin",
    "TokenAdmin",
    "UserAdmin",
    "building",
    "restrictions",
]
