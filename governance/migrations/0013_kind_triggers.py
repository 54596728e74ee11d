"""Two seats wherever two are asked for, whatever the kind; and what each kind of granted request clears."""

from importlib import import_module

from django.db import migrations

from audit.triggers import append_only, refuse_instead, refuse_when

BEFORE = import_module("governance.migrations.0007_change_kinds")
SEATS_BEFORE = import_module("governance.migrations.0011_seat_triggers")
CHANGE = "governance_changerequest"
EXCEPTION = "governance_thresholdexception"

# As in 0003 and 0007: a request names its version once per purpose. Only a break-glass request clears for an emergency.
ASKED = """EXISTS (
    SELECT 1 FROM governance_changerequest c
    JOIN registry_modelversion asked ON asked.id = c.version_id
    JOIN registry_modelversion cleared ON cleared.id = NEW.version_id
    WHERE REPLACE(CAST(c.id AS TEXT), '-', '') = REPLACE(NEW.change_request_id, '-', '')
    AND c.state = 'granted' AND c.evidence_digest = NEW.evidence_digest
    AND cleared.artefact_id = NEW.artefact_sha256
    AND (NOT NEW.is_break_glass OR c.kind = 'break_glass')
    AND ((NEW.purpose = 'score_shadow' AND c.kind = 'promotion' AND c.target = 'staging' AND asked.id = cleared.id)
        OR (NEW.purpose = 'score_live' AND asked.id = cleared.id
            AND ((c.kind = 'promotion' AND c.target = 'production') OR c.kind IN ('cut_off', 'rollout')
                OR (c.kind = 'break_glass' AND NEW.is_break_glass)))
        OR (NEW.purpose = 'rollback' AND asked.model_id = cleared.model_id
            AND ((c.kind = 'promotion' AND c.target = 'production') OR c.kind IN ('cut_off', 'break_glass')))))"""
UNASKED = f"NEW.kind = 'grant' AND (NOT {ASKED} OR ({BEFORE.GRANTED_BEFORE} AND NOT {BEFORE.ROLLED_BACK}))"
SEAT_FREE = """NEW.state = 'granted' AND ((
        (NEW.kind IN ('break_glass', 'cut_off') OR (NEW.kind = 'rollout' AND EXISTS (
            SELECT 1 FROM registry_modelversion v JOIN registry_scoringmodel m ON m.id = v.model_id
            WHERE v.id = NEW.version_id AND m.tier = 1)))
        AND (SELECT COUNT(*) FROM governance_approval a WHERE a.change_request_id = NEW.id
            AND a.seat IN ('governance.decide_staging', 'governance.decide_production')) < 2)
    OR (NEW.kind = 'exception' AND EXISTS (
            SELECT 1 FROM registry_modelversion v JOIN registry_scoringmodel m ON m.id = v.model_id
            WHERE v.id = NEW.version_id AND m.tier = 1)
        AND (SELECT COUNT(*) FROM governance_approval a WHERE a.change_request_id = NEW.id
            AND a.seat IN ('governance.decide_staging', 'governance.decide_exception')) < 2))"""
EXCEPTION_UNASKED = """NOT EXISTS (
    SELECT 1 FROM governance_changerequest c JOIN registry_modelversion v ON v.id = c.version_id
    WHERE c.id = NEW.change_request_id AND c.kind = 'exception' AND c.state = 'granted'
    AND v.model_id = NEW.model_id AND (NEW.version_id IS NULL OR NEW.version_id = c.version_id))"""
# A share of the applications is not the place of the champion.
CHAMPION_UNASKED = """NEW.stage = 'production' AND OLD.stage = 'staging' AND NOT EXISTS (
    SELECT 1 FROM registry_clearance g
    JOIN governance_changerequest c
        ON REPLACE(CAST(c.id AS TEXT), '-', '') = REPLACE(g.change_request_id, '-', '')
    WHERE g.version_id = NEW.id AND g.kind = 'grant' AND g.purpose = 'score_live' AND c.kind <> 'rollout'
    AND NOT EXISTS (SELECT 1 FROM registry_clearance x WHERE x.grant_id = g.id))"""
CLEARED_STAGING = """EXISTS (
    SELECT 1 FROM governance_changerequest c
    JOIN governance_changerequest earlier ON earlier.version_id = c.version_id AND earlier.target = 'staging'
    JOIN governance_approval a ON a.change_request_id = earlier.id AND a.decision = 'approve'
    WHERE c.id = NEW.change_request_id AND c.kind = 'rollout' AND a.approver_id = NEW.approver_id)"""
# An exception for the whole model is about everybody's versions.
DEVELOPED_ANOTHER = """EXISTS (
    SELECT 1 FROM governance_changerequest c
    JOIN registry_modelversion asked ON asked.id = c.version_id
    JOIN registry_modelversion v ON v.model_id = asked.model_id
    WHERE c.id = NEW.change_request_id AND c.kind = 'exception' AND v.developed_by_id = NEW.approver_id
    AND CAST(c.evidence AS TEXT) LIKE '%"whole_model": true%')"""
# Both databases write JSON with a space after the colon; the number ends with a comma or a brace.
STEP_UNASKED = """NOT EXISTS (
    SELECT 1 FROM registry_clearance g
    JOIN governance_changerequest c
        ON REPLACE(CAST(c.id AS TEXT), '-', '') = REPLACE(g.change_request_id, '-', '')
    WHERE g.id = NEW.clearance_id AND g.version_id = NEW.version_id AND g.kind = 'grant' AND g.purpose = 'score_live'
    AND g.change_request_id = NEW.change_request_id AND c.kind = 'rollout' AND c.state = 'granted'
    AND CAST(c.evidence AS TEXT) LIKE '%"role": "' || NEW.role || '"%'
    AND (CAST(c.evidence AS TEXT) LIKE '%"share_percent": ' || CAST(NEW.share_percent AS TEXT) || ',%'
        OR CAST(c.evidence AS TEXT) LIKE '%"share_percent": ' || CAST(NEW.share_percent AS TEXT) || '}%')
    AND NOT EXISTS (SELECT 1 FROM registry_clearance x WHERE x.grant_id = g.id))"""

OTHER_SEAT = f"""{SEATS_BEFORE.OTHER_SEAT} OR NEW.seat IS NOT NULL AND EXISTS ({SEATS_BEFORE.THIS_CHANGE} AND (
    (c.kind IN ('break_glass', 'cut_off', 'rollout')
        AND NEW.seat NOT IN ('governance.decide_staging', 'governance.decide_production'))
    OR (c.kind = 'rollback' AND NEW.seat <> 'governance.decide_production')
    OR (c.kind = 'exception' AND NEW.seat NOT IN ('governance.decide_staging', 'governance.decide_exception'))))"""
# As before, and a rollout lets a version decide like production does.
SAME_PERSON = SEATS_BEFORE.SAME_PERSON.replace(
    "(c.target = 'production' AND", "((c.target = 'production' OR c.kind = 'rollout') AND"
)


class Migration(migrations.Migration):
    dependencies = [("governance", "0012_kinds_of_change"), ("registry", "0010_break_glass"), ("serving", "0005_deployments")]

    operations = [
        *append_only(EXCEPTION),
        *refuse_when(
            EXCEPTION,
            "on_request",
            "INSERT",
            EXCEPTION_UNASKED,
            "an exception rests on a granted request about this version",
        ),
        *refuse_when(
            CHANGE,
            "quorum_of_kind",
            "UPDATE",
            SEAT_FREE,
            "two people in two seats decide about this kind of change",
        ),
        *refuse_instead(
            "registry_clearance",
            "on_request",
            "INSERT",
            BEFORE.WITHOUT_REQUEST_OR_ROLLBACK,
            UNASKED,
            "a clearance is granted once, by a granted change request about exactly these bytes",
        ),
        *refuse_when(
            "registry_modelversion",
            "promoted_on_request",
            "UPDATE",
            CHAMPION_UNASKED,
            "a version in staging becomes the champion by a granted request for that",
        ),
        *refuse_when(
            "governance_approval",
            "two_checkers_of_rollout",
            "INSERT",
            CLEARED_STAGING,
            "whoever cleared a version for staging cannot let it decide a share",
        ),
        *refuse_when(
            "governance_approval",
            "not_by_developer_of_model",
            "INSERT",
            DEVELOPED_ANOTHER,
            "whoever developed a version of the model cannot except all of them",
        ),
        *refuse_instead(
            "governance_approval",
            "seat_of_change",
            "INSERT",
            SEATS_BEFORE.OTHER_SEAT,
            OTHER_SEAT,
            "the seat is of another kind of change",
        ),
        *refuse_instead(
            "governance_approval",
            "two_people",
            "INSERT",
            SEATS_BEFORE.SAME_PERSON,
            SAME_PERSON,
            "one person stands behind one seat of a version",
        ),
        *refuse_when(
            "serving_deployment",
            "on_request",
            "INSERT",
            STEP_UNASKED,
            "a step of a rollout is what a granted request asks for",
        ),
    ]
