"""Locked objects, restores, holds and listings."""

from django.db import migrations
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0004_witnesses")]

    operations: list[Operation] = []
