"""Tables that do not change, and whose word counts, held by the database against everybody."""

from django.db import migrations

from audit.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("governance", "0016_seats"), ("audit", "0002_triggers")]

    operations = [
        *append_only("governance_tierchangeanswer"),
        *append_only("governance_materialityassessment"),
    ]
