"""Rules of maker and checker that the database holds against everybody, and tables that do not change."""

from django.db import migrations

from audit.triggers import append_only, frozen, refuse_when

CHANGE = "governance_changerequest"
APPROVAL = "governance_approval"
THIS_CHANGE = f"SELECT 1 FROM {CHANGE} c WHERE c.id = NEW.change_request_id"

OWN_CHANGE = f"EXISTS ({THIS_CHANGE} AND NEW.approver_id IN (c.requested_by_id, c.made_by_id))"
NOT_OPEN = f"EXISTS ({THIS_CHANGE} AND c.state <> 'open')"
CLEARED_STAGING = f"""EXISTS (
    SELECT 1 FROM {CHANGE} c
    JOIN {CHANGE} earlier ON earlier.version_id = c.version_id AND earlier.target = 'staging'
    JOIN {APPROVAL} a ON a.change_request_id = earlier.id AND a.decision = 'approve'
    WHERE c.id = NEW.change_request_id AND c.target = 'production' AND a.approver_id = NEW.approver_id)"""
WRONG_DEVELOPER = """NEW.version_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM registry_modelversion v
    WHERE v.id = NEW.version_id AND v.developed_by_id = NEW.made_by_id)"""
WRONG_AUTHOR = """NEW.policy_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM registry_policy p WHERE p.id = NEW.policy_id AND p.proposed_by_id = NEW.made_by_id)"""
UNAPPROVED = f"""NEW.state = 'granted' AND NOT EXISTS (
    SELECT 1 FROM {APPROVAL} a WHERE a.change_request_id = NEW.id AND a.decision = 'approve')"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0001_initial"), ("audit", "0002_triggers")]

    operations = [
        *append_only("governance_gatereport"),
        *append_only(APPROVAL),
        *append_only("governance_casealert"),
        *append_only("governance_casewarning"),
        *frozen("governance_gaterun", ["state", "error", "started_at", "finished_at"]),
        *frozen(CHANGE, ["state", "decided_at", "closing_reason"]),
        *frozen(
            "governance_retrainingcase",
            ["state", "closed_at", "closing_reason", "candidate_version_id"],
        ),
        *frozen(
            "governance_casestep", ["actor_id", "held_until", "finished_at", "outcome", "detail"]
        ),
        *frozen("governance_incident", ["state", "closed_at", "cause"]),
        *refuse_when(
            APPROVAL, "not_by_maker", "INSERT", OWN_CHANGE, "the maker of a change cannot decide it"
        ),
        *refuse_when(APPROVAL, "while_open", "INSERT", NOT_OPEN, "the change is not open"),
        *refuse_when(
            APPROVAL,
            "two_checkers",
            "INSERT",
            CLEARED_STAGING,
            "whoever cleared a version for staging cannot put it in production",
        ),
        *refuse_when(
            CHANGE,
            "developer",
            "INSERT",
            WRONG_DEVELOPER,
            "made_by is not the version''s developer",
        ),
        *refuse_when(
            CHANGE, "author", "INSERT", WRONG_AUTHOR, "made_by is not the policy''s author"
        ),
        *refuse_when(
            CHANGE, "begins_open", "INSERT", "NEW.state <> 'open'", "a change begins open"
        ),
        *refuse_when(
            CHANGE, "closed_once", "UPDATE", "OLD.state <> 'open'", "the change is closed"
        ),
        *refuse_when(
            CHANGE, "granted_by_someone", "UPDATE", UNAPPROVED, "nobody approved the change"
        ),
    ]
