"""Replays, known answers and what came of them never change."""

from django.db import migrations

from audit.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [("serving", "0011_replays")]

    operations = [
        *append_only("serving_replayrun"),
        *append_only("serving_replay"),
        *append_only("serving_replayfailure"),
        *append_only("serving_probeset"),
        *append_only("serving_proberesult"),
        *append_only("serving_probefailure"),
    ]
