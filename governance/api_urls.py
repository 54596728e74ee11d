"""Addresses of this floor, under /api/v1/."""

from django.urls import path

from governance.api.access import AccessDetail, AccessFile, AccessList
from governance.api.cases import CaseDetail, CaseList
from governance.api.challenge import CommentList, ComparisonDetail, EvidenceDetail
from governance.api.changes import (
    ApprovalList,
    ChangeDetail,
    ChangeList,
    Withdrawal,
)
from governance.api.datasets import DatasetList, DatasetsFromSources
from governance.api.delegations import DelegationEnding, DelegationList
from governance.api.documents import DocumentApprovals, DocumentDetail, DocumentList
from governance.api.effective_challenge import EffectiveChallengeDetail, EffectiveChallengeFile
from governance.api.erasures import (
    ErasureDecision,
    ErasureDetail,
    ErasureDisputing,
    ErasureExtension,
    ErasureList,
)
from governance.api.findings import (
    FindingClosure,
    FindingDetail,
    FindingExtensionList,
    FindingList,
    Remediation,
    RemediationRejection,
)
from governance.api.gates import GateReportDetail, GateReportList, GateRunDetail
from governance.api.holds import HoldDetail, HoldList, HoldRelease
from governance.api.incidents import IncidentDetail, IncidentList
from governance.api.lineage import DatasetLineage, DecisionLineage
from governance.api.oversight import (
    AttestationList,
    MaterialityList,
    RevalidationCompletion,
    RevalidationDetail,
    RevalidationList,
)
from governance.api.recertification import (
    RecertificationDetail,
    RecertificationList,
    RoleDecisionCreation,
)
from governance.api.rehearsals import DecisionRehearsal, RehearsalList
from governance.api.versions import RollingBack, Suspension

VERSION = "models/<slug:model>/versions/<int:number>"

urlpatterns = [
    path("datasets", DatasetList.as_view()),
    path("datasets/from-source", DatasetsFromSources.as_view()),
    path("datasets/<int:dataset_id>/lineage", DatasetLineage.as_view()),
    path("decisions/<uuid:decision_id>/lineage", DecisionLineage.as_view()),
    path(f"{VERSION}/gate-reports", GateReportList.as_view()),
    path(f"{VERSION}/gate-reports/<int:report_id>", GateReportDetail.as_view()),
    path(f"{VERSION}/documents", DocumentList.as_view()),
    path(f"{VERSION}/documents/<slug:kind>", DocumentDetail.as_view(), name="governance-document"),
    path(f"{VERSION}/documents/<slug:kind>/approvals", DocumentApprovals.as_view()),
    path(f"{VERSION}/suspension", Suspension.as_view()),
    path("models/<slug:model>/rollback", RollingBack.as_view()),
    path("gate-runs/<uuid:run_id>", GateRunDetail.as_view(), name="governance-gate-run"),
    path("policies/<int:policy_id>/rehearsal", RehearsalList.as_view()),
    path("policies/<int:policy_id>/rehearsal/decisions", DecisionRehearsal.as_view()),
    path("change-requests", ChangeList.as_view()),
    path("change-requests/<uuid:change_id>", ChangeDetail.as_view()),
    path("change-requests/<uuid:change_id>/approvals", ApprovalList.as_view()),
    path("change-requests/<uuid:change_id>/comparison", ComparisonDetail.as_view()),
    path("change-requests/<uuid:change_id>/evidence/<str:part>", EvidenceDetail.as_view()),
    path("change-requests/<uuid:change_id>/comments", CommentList.as_view()),
    path("change-requests/<uuid:change_id>/withdrawal", Withdrawal.as_view()),
    path("effective-challenge", EffectiveChallengeDetail.as_view()),
    path(
        "effective-challenge.csv",
        EffectiveChallengeFile.as_view(),
        name="effective-challenge-file",
    ),
    path("delegations", DelegationList.as_view()),
    path("delegations/<uuid:delegation_id>/end", DelegationEnding.as_view()),
    path("retraining-cases", CaseList.as_view()),
    path("retraining-cases/<uuid:case_id>", CaseDetail.as_view()),
    path("subject-access-requests", AccessList.as_view()),
    path("subject-access-requests/<uuid:request_id>", AccessDetail.as_view(), name="access"),
    path(
        "subject-access-requests/<uuid:request_id>/file", AccessFile.as_view(), name="access-file"
    ),
    path("erasure-cases", ErasureList.as_view()),
    path("erasure-cases/<uuid:case_id>", ErasureDetail.as_view()),
    path("erasure-cases/<uuid:case_id>/decision", ErasureDecision.as_view()),
    path("erasure-cases/<uuid:case_id>/dispute", ErasureDisputing.as_view()),
    path("erasure-cases/<uuid:case_id>/extension", ErasureExtension.as_view()),
    path("legal-holds", HoldList.as_view()),
    path("legal-holds/<uuid:hold_id>", HoldDetail.as_view()),
    path("legal-holds/<uuid:hold_id>/release", HoldRelease.as_view()),
    path("incidents", IncidentList.as_view()),
    path("incidents/<uuid:incident_id>", IncidentDetail.as_view()),
    path("findings", FindingList.as_view()),
    path("findings/<uuid:finding_id>", FindingDetail.as_view()),
    path("findings/<uuid:finding_id>/remediation", Remediation.as_view()),
    path("findings/<uuid:finding_id>/rejection", RemediationRejection.as_view()),
    path("findings/<uuid:finding_id>/closure", FindingClosure.as_view()),
    path("findings/<uuid:finding_id>/extensions", FindingExtensionList.as_view()),
    path("models/<slug:model>/materiality", MaterialityList.as_view()),
    path("attestations", AttestationList.as_view()),
    path("recertifications", RecertificationList.as_view()),
    path("recertifications/<uuid:recertification_id>", RecertificationDetail.as_view()),
    path("recertifications/roles/<uuid:held_id>/decision", RoleDecisionCreation.as_view()),
    path("revalidations", RevalidationList.as_view()),
    path("revalidations/<uuid:revalidation_id>", RevalidationDetail.as_view()),
    path("revalidations/<uuid:revalidation_id>/completion", RevalidationCompletion.as_view()),
]
