"""Cosignatures, publications and timestamp tokens."""

import django.db.models.deletion
from django.db import migrations, models

from audit.triggers import append_only

ID = (
    "id",
    models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID"),
)
ENTRY = models.OneToOneField(
    on_delete=django.db.models.deletion.PROTECT, related_name="+", to="audit.entry"
)


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_signing")]

    operations = [
        migrations.CreateModel(
            name="Publication",
            fields=[
                ID,
                ("note", models.TextField()),
                ("published_at", models.DateTimeField()),
                (
                    "checkpoint",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="publication",
                        to="audit.checkpoint",
                    ),
                ),
            ],
            options={"ordering": ["-id"]},
        ),
        migrations.CreateModel(
            name="Cosignature",
            fields=[
                ID,
                ("witness", models.CharField(max_length=255)),
                ("key_id", models.CharField(max_length=300)),
                ("line", models.TextField()),
                ("cosigned_at", models.DateTimeField()),
                ("received_at", models.DateTimeField()),
                (
                    "checkpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cosignatures",
                        to="audit.checkpoint",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("checkpoint", "key_id"), name="audit_one_cosignature_per_key"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="WitnessRefusal",
            fields=[
                ID,
                ("witness", models.CharField(max_length=255)),
                ("witness_size", models.BigIntegerField(null=True)),
                ("reason", models.TextField()),
                ("refused_at", models.DateTimeField()),
                (
                    "checkpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="audit.checkpoint",
                    ),
                ),
                ("entry", ENTRY),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("record_witness_refusal", "Can record that a witness refused")],
            },
        ),
        migrations.CreateModel(
            name="TimestampToken",
            fields=[
                ID,
                ("authority", models.CharField(max_length=500)),
                ("response", models.BinaryField()),
                ("stamped_at", models.DateTimeField()),
                ("entry", ENTRY),
                (
                    "publication",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="timestamp",
                        to="audit.publication",
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
                "permissions": [("timestamp_checkpoint", "Can have checkpoints timestamped")],
            },
        ),
        *append_only("audit_publication"),
        *append_only("audit_cosignature"),
        *append_only("audit_witnessrefusal"),
        *append_only("audit_timestamptoken"),
    ]
