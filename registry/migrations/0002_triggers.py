"""Rows that refuse to change, and rows of which only named columns may."""

from django.db import migrations

from audit.triggers import append_only, frozen


class Migration(migrations.Migration):
    dependencies = [("registry", "0001_initial"), ("audit", "0002_triggers")]

    operations = [
        *append_only("registry_dataset"),
        *append_only("registry_artefact"),
        *append_only("registry_baseline"),
        *append_only("registry_clearance"),
        *frozen("registry_scoringmodel", allowed=[]),
        *frozen(
            "registry_run",
            allowed=[
                "status",
                "error",
                "metrics",
                "plots",
                "code_revision",
                "environment_sha256",
                "artefact_sha256",
                "content_sha256",
                "started_at",
                "finished_at",
            ],
        ),
        *frozen("registry_policy", allowed=["status", "approved_by_id", "approved_at", "effective_to"]),
        *frozen("registry_modelversion", allowed=["stage", "stage_changed_at"]),
    ]
