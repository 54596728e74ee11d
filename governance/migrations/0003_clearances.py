"""What the scorer trusts rests on a granted request, and whoever registered a version decides nothing about it."""

from django.db import migrations

from audit.triggers import refuse_when

# A request names its version once per purpose; taking another's place also leaves the former champion a way back.
# SQLite keeps a UUID without hyphens.
WITHOUT_REQUEST = """NEW.kind = 'grant' AND (NOT EXISTS (
    SELECT 1 FROM governance_changerequest c
    JOIN registry_modelversion asked ON asked.id = c.version_id
    JOIN registry_modelversion cleared ON cleared.id = NEW.version_id
    WHERE REPLACE(CAST(c.id AS TEXT), '-', '') = REPLACE(NEW.change_request_id, '-', '')
    AND c.kind = 'promotion' AND c.state = 'granted' AND c.evidence_digest = NEW.evidence_digest
    AND cleared.artefact_id = NEW.artefact_sha256
    AND ((NEW.purpose = 'score_shadow' AND c.target = 'staging' AND asked.id = cleared.id)
        OR (NEW.purpose = 'score_live' AND c.target = 'production' AND asked.id = cleared.id)
        OR (NEW.purpose = 'rollback' AND c.target = 'production' AND asked.model_id = cleared.model_id)))
    OR (NEW.purpose <> 'rollback' AND EXISTS (
        SELECT 1 FROM registry_clearance g
        WHERE g.kind = 'grant' AND g.purpose = NEW.purpose AND g.version_id = NEW.version_id
        AND REPLACE(g.change_request_id, '-', '') = REPLACE(NEW.change_request_id, '-', ''))))"""
OWN_REGISTRATION = """EXISTS (
    SELECT 1 FROM governance_changerequest c
    JOIN registry_modelversion v ON v.id = c.version_id
    JOIN audit_entry e ON e.id = v.entry_id
    WHERE c.id = NEW.change_request_id AND e.actor_id = CAST(NEW.approver_id AS TEXT))"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0002_triggers"), ("registry", "0002_triggers")]

    operations = [
        *refuse_when(
            "registry_clearance",
            "on_request",
            "INSERT",
            WITHOUT_REQUEST,
            "a clearance is granted once, by a granted change request about exactly these bytes",
        ),
        *refuse_when(
            "governance_approval",
            "not_by_registrar",
            "INSERT",
            OWN_REGISTRATION,
            "whoever registered a version cannot decide about it",
        ),
    ]
