"""The top floor: it decides."""

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class GovernanceConfig(AppConfig):
    name = "governance"
    verbose_name = "Governance"

    append_only = [
        "GateReport",
        "Approval",
        "CaseAlert",
        "CaseWarning",
        "FindingExtension",
        "OverdueFinding",
        "Attestation",
        "EvidenceView",
        "ChangeComment",
        "ApprovalCondition",
        "ConditionFinding",
        "ChangeReminder",
        "Rollback",
        "TierChangeAnswer",
        "MaterialityAssessment",
        "FindingRestriction",
        "Recertification",
        "RoleHeld",
        "RoleDecision",
        "LateRecertification",
        "Delegation",
        "DelegationEnd",
        "ThresholdException",
        "Document",
        "DocumentApproval",
    ]
    governed = [
        "AccessRequest",
        "GateRun",
        "ChangeRequest",
        "RetrainingCase",
        "CaseStep",
        "Incident",
        "Finding",
        "Revalidation",
    ]
    erasable: list[str] = []
    plain = ["SignInGuard"]  # counts that reset; the entries stay

    def ready(self) -> None:
        from django.contrib import admin

        from audit.holdings import SWEEPS
        from audit.recorded import recorded_table
        from governance import celery as celery  # whoever sends a task sends it to our broker
        from governance import sign_in
        from governance.provisioning import provision

        for name in (*self.append_only, *self.governed):
            recorded_table(self.get_model(name))
        SWEEPS.append("governance.end_access")  # copies of data go with the person
        post_migrate.connect(provision, sender=self, dispatch_uid="governance.provision")
        sign_in.connect()
        admin.site.index_template = "governance/desk.html"
        admin.site.index_title = "Desk"
