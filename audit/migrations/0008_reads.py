"""What windows and exports keep."""

from django.db import migrations
from django.db.migrations.operations.base import Operation


class Migration(migrations.Migration):
    dependencies = [("audit", "0007_write_path")]

    operations: list[Operation] = []
