"""Reports and alerts never change, passes only end, protected values go only with the person."""

from django.db import migrations

from audit.triggers import append_only, erasable, frozen


class Migration(migrations.Migration):
    dependencies = [("monitoring", "0001_initial"), ("audit", "0002_triggers")]

    operations = [
        *append_only("monitoring_report"),
        *append_only("monitoring_alert"),
        *frozen("monitoring_monitoringpass", ["state", "problem", "finished_at"]),
        *erasable("monitoring_protectedvalue", purpose="monitoring"),
    ]
