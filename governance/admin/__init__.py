"""Governance's windows in the admin, and its buttons on every floor's windows."""

from governance.admin import building, letters, notices, replays, resolving, restrictions
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
from governance.admin.delegations import DelegationAdmin, DelegationEndAdmin
from governance.admin.documents import DocumentAdmin, DocumentApprovalAdmin
from governance.admin.erasures import ErasureCaseAdmin
from governance.admin.findings import (
    FindingAdmin,
    FindingExtensionAdmin,
    FindingRestrictionAdmin,
    OverdueFindingAdmin,
)
from governance.admin.gates import GateReportAdmin, GateRunAdmin
from governance.admin.holds import LegalHoldAdmin
from governance.admin.inventory import MaterialityAssessmentAdmin, TierChangeAnswerAdmin
from governance.admin.oversight import AttestationAdmin, RevalidationAdmin
from governance.admin.recertification import (
    LateRecertificationAdmin,
    RecertificationAdmin,
    RoleDecisionAdmin,
    RoleHeldAdmin,
)
from governance.admin.requests import ThresholdExceptionAdmin

__all__ = [
    "AccessRequestAdmin",
    "ApprovalAdmin",
    "AttestationAdmin",
    "CaseAlertAdmin",
    "CaseStepAdmin",
    "CaseWarningAdmin",
    "ChangeRequestAdmin",
    "DelegationAdmin",
    "DelegationEndAdmin",
    "DocumentAdmin",
    "DocumentApprovalAdmin",
    "ErasureCaseAdmin",
    "FindingAdmin",
    "FindingExtensionAdmin",
    "FindingRestrictionAdmin",
    "GateReportAdmin",
    "GateRunAdmin",
    "IncidentAdmin",
    "LateRecertificationAdmin",
    "LegalHoldAdmin",
    "MaterialityAssessmentAdmin",
    "OverdueFindingAdmin",
    "RecertificationAdmin",
    "RetrainingCaseAdmin",
    "RevalidationAdmin",
    "RoleAdmin",
    "RoleDecisionAdmin",
    "RoleHeldAdmin",
    "SignInGuardAdmin",
    "ThresholdExceptionAdmin",
    "TierChangeAnswerAdmin",
    "TokenAdmin",
    "UserAdmin",
    "building",
    "letters",
    "notices",
    "replays",
    "resolving",
    "restrictions",
]
