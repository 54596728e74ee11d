"""Cosignatures, publications and timestamp tokens."""

from django.db import migrations
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0003_signing")]

    operations: list[Operation] = []
