"""Erasure cases, legal holds and retention."""

from django.db import migrations
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0005_archive")]

    operations: list[Operation] = []
