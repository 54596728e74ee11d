"""What applicants are told is adopted on the word of two people, whoever writes."""

from importlib import import_module

from django.db import migrations, models

from audit.triggers import refuse_instead

BEFORE = import_module("governance.migrations.0014_erasure_disputes")
OF_REASONS = """EXISTS (SELECT 1 FROM registry_policy p WHERE p.id = {change}.policy_id AND p.kind = 'reason_library')"""
SEATS = "('governance.decide_policy', 'governance.decide_reasons')"
SEAT_FREE = f"""{BEFORE.SEAT_FREE} OR (NEW.state = 'granted' AND NEW.kind = 'policy' AND {OF_REASONS.format(change="NEW")}
    AND (SELECT COUNT(*) FROM governance_approval a WHERE a.change_request_id = NEW.id AND a.seat IN {SEATS}) < 2)"""
OTHER_SEAT = BEFORE.OTHER_SEAT.replace(
    "(c.kind = 'policy' AND NEW.seat <> 'governance.decide_policy')",
    f"""(c.kind = 'policy' AND NEW.seat <> 'governance.decide_policy'
        AND NOT (NEW.seat = 'governance.decide_reasons' AND {OF_REASONS.format(change="c")}))""",
)


class Migration(migrations.Migration):

    dependencies = [
        ('governance', '0014_erasure_disputes'),
        ('registry', '0013_reason_approvals'),
    ]

    operations = [
        migrations.AlterModelOptions(
            name='changerequest',
            options={'ordering': ['-id'], 'permissions': [('request_change', 'Can request changes'), ('decide_change', 'Can approve and reject changes'), ('decide_staging', 'Can decide about staging'), ('decide_production', 'Can decide about production'), ('decide_policy', 'Can decide about policies'), ('decide_reasons', 'Can decide about what applicants are told'), ('decide_revocation', 'Can decide about revocations'), ('decide_exception', 'Can decide about exceptions from a gate policy'), ('decide_erasure_law', 'Can decide in law about disputed erasures'), ('decide_erasure_privacy', 'Can decide for privacy about disputed erasures'), ('request_erasure', 'Can ask for a disputed erasure to be settled'), ('suspend_version', 'Can suspend a version at once'), ('close_stale_changes', 'Can void and expire changes that nobody can grant any more')]},
        ),
        migrations.AlterField(
            model_name='incident',
            name='kind',
            field=models.CharField(choices=[('load_failure', 'Load Failure'), ('explanation_failure', 'Explanation Failure'), ('archive_alarm', 'Archive Alarm'), ('witness_refusal', 'Witness Refusal'), ('overdue_finding', 'Overdue Finding'), ('late_recertification', 'Late Recertification'), ('untrue_reasons', 'Untrue Reasons')], max_length=20),
        ),
        *refuse_instead(
            "governance_changerequest",
            "quorum_of_kind",
            "UPDATE",
            BEFORE.SEAT_FREE,
            SEAT_FREE,
            "two people in two seats decide about this kind of change",
        ),
        *refuse_instead(
            "governance_approval",
            "seat_of_change",
            "INSERT",
            BEFORE.OTHER_SEAT,
            OTHER_SEAT,
            "the seat is of another kind of change",
        ),
    ]
