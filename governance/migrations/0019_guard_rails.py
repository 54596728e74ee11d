"""A step in the shadow is asked for like any other, and is cleared to score in the shadow alone; guard rails open incidents."""

from importlib import import_module

from django.db import migrations, models

from audit.triggers import refuse_instead

BEFORE = import_module("governance.migrations.0013_kind_triggers")

# Both databases write JSON with a space after the colon.
IS_SHADOW = """(c.kind = 'rollout' AND CAST(c.evidence AS TEXT) LIKE '%"role": "shadow"%')"""
UNASKED = BEFORE.UNASKED.replace(
    "(NEW.purpose = 'score_shadow' AND c.kind = 'promotion' AND c.target = 'staging' AND asked.id = cleared.id)",
    f"(NEW.purpose = 'score_shadow' AND ((c.kind = 'promotion' AND c.target = 'staging') OR {IS_SHADOW}) AND asked.id = cleared.id)",
).replace(
    "c.kind IN ('cut_off', 'rollout')",
    f"c.kind = 'cut_off' OR (c.kind = 'rollout' AND NOT {IS_SHADOW})",
)
STEP_UNASKED = BEFORE.STEP_UNASKED.replace(
    "g.purpose = 'score_live'",
    "g.purpose = CASE NEW.role WHEN 'shadow' THEN 'score_shadow' ELSE 'score_live' END",
)


class Migration(migrations.Migration):
    dependencies = [("governance", "0018_replays"), ("serving", "0014_shadow_triggers")]

    operations = [
        migrations.AlterField(
            model_name="incident",
            name="kind",
            field=models.CharField(choices=[("load_failure", "Load Failure"), ("explanation_failure", "Explanation Failure"), ("replay_failure", "Replay Failure"), ("probe_failure", "Probe Failure"), ("archive_alarm", "Archive Alarm"), ("witness_refusal", "Witness Refusal"), ("overdue_finding", "Overdue Finding"), ("late_recertification", "Late Recertification"), ("late_notice", "Late Notice"), ("untrue_reasons", "Untrue Reasons"), ("late_review", "Late Review"), ("guard_rail_breach", "Guard Rail Breach")], max_length=20),
        ),
        *refuse_instead(
            "registry_clearance",
            "on_request",
            "INSERT",
            BEFORE.UNASKED,
            UNASKED,
            "a clearance is granted once, by a granted change request about exactly these bytes",
        ),
        *refuse_instead(
            "serving_deployment",
            "on_request",
            "INSERT",
            BEFORE.STEP_UNASKED,
            STEP_UNASKED,
            "a step of a rollout is what a granted request asks for",
        ),
    ]
