"""Shards, reconciliation and partitions."""

from django.db import migrations
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0006_vault")]

    operations: list[Operation] = []
