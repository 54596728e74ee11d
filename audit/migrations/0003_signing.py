"""Keys of the log: their introduction, rotation and end."""

from django.db import migrations
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0002_triggers")]

    operations: list[Operation] = []
