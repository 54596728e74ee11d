"""Who may close, extend and validate, held by the database against everybody; and tables that do not change."""

from django.db import migrations

from audit.triggers import append_only, frozen, refuse_when

FINDING = "governance_finding"
EXTENSION = "governance_findingextension"
REVALIDATION = "governance_revalidation"
THIS_FINDING = f"SELECT 1 FROM {FINDING} f WHERE f.id = NEW.finding_id"

OTHER_MODEL = """NEW.version_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM registry_modelversion v WHERE v.id = NEW.version_id AND v.model_id = NEW.model_id)"""
CLOSED_BY_DEVELOPER = """NEW.closed_by_id IS NOT NULL AND EXISTS (
    SELECT 1 FROM registry_modelversion v WHERE v.model_id = NEW.model_id
    AND (NEW.version_id IS NULL OR v.id = NEW.version_id) AND v.developed_by_id = NEW.closed_by_id)"""
WITHOUT_REMEDIATION = "NEW.state = 'closed' AND OLD.state = 'open'"
WITHOUT_EXTENSION = f"""NEW.due_on <> OLD.due_on AND NOT EXISTS (
    SELECT 1 FROM {EXTENSION} e WHERE e.finding_id = NEW.id
    AND e.was_due_on = OLD.due_on AND e.due_on = NEW.due_on)"""
COMPLETED_BY_DEVELOPER = """NEW.completed_by_id IS NOT NULL AND EXISTS (
    SELECT 1 FROM registry_modelversion v
    WHERE v.model_id = NEW.model_id AND v.developed_by_id = NEW.completed_by_id)"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0005_findings"), ("audit", "0002_triggers")]

    operations = [
        *append_only(EXTENSION),
        *append_only("governance_overduefinding"),
        *append_only("governance_attestation"),
        *frozen(
            FINDING,
            [
                "due_on",
                "state",
                "remediation",
                "remediated_at",
                "rejection",
                "closed_by_id",
                "closed_at",
                "closing_rationale",
            ],
        ),
        *frozen(
            REVALIDATION,
            ["state", "outcome", "summary", "completed_by_id", "completed_at", "next_due_on"],
        ),
        *refuse_when(
            FINDING, "of_its_model", "INSERT", OTHER_MODEL, "the version is not of the model"
        ),
        *refuse_when(
            FINDING, "begins_open", "INSERT", "NEW.state <> 'open'", "a finding begins open"
        ),
        *refuse_when(
            FINDING, "closed_once", "UPDATE", "OLD.state = 'closed'", "the finding is closed"
        ),
        *refuse_when(
            FINDING, "remediated_first", "UPDATE", WITHOUT_REMEDIATION, "the finding is not remediated"
        ),
        *refuse_when(
            FINDING,
            "closed_by_other",
            "UPDATE",
            CLOSED_BY_DEVELOPER,
            "whoever developed a version cannot close a finding about it",
        ),
        *refuse_when(
            FINDING, "extended", "UPDATE", WITHOUT_EXTENSION, "nobody gave the finding more time"
        ),
        *refuse_when(
            EXTENSION,
            "not_by_owner",
            "INSERT",
            f"EXISTS ({THIS_FINDING} AND f.owner_id = NEW.approved_by_id)",
            "the owner of a finding cannot extend it",
        ),
        *refuse_when(
            EXTENSION,
            "of_this_date",
            "INSERT",
            f"NOT EXISTS ({THIS_FINDING} AND f.due_on = NEW.was_due_on AND f.state <> 'closed')",
            "the finding is closed or due at another date",
        ),
        *refuse_when(
            REVALIDATION, "begins_open", "INSERT", "NEW.state <> 'open'", "a revalidation begins open"
        ),
        *refuse_when(
            REVALIDATION,
            "completed_once",
            "UPDATE",
            "OLD.state <> 'open'",
            "the revalidation is completed",
        ),
        *refuse_when(
            REVALIDATION,
            "by_other",
            "UPDATE",
            COMPLETED_BY_DEVELOPER,
            "whoever developed a model cannot validate it again",
        ),
    ]
