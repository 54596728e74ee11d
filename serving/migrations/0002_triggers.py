"""Decisions and outcomes never change; observations go only with the person."""

from django.db import migrations

from audit.triggers import append_only, erasable, one_row_per_entry


class Migration(migrations.Migration):
    dependencies = [("serving", "0001_initial")]

    operations = [
        *append_only("serving_decision"),
        *one_row_per_entry("serving_decision", "serving.decision"),
        *append_only("serving_outcome"),
        *append_only("serving_loadfailure"),
        *append_only("serving_explanationfailure"),
        *erasable("serving_observation"),
    ]
