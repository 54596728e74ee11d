"""PostgreSQL stores the bytes of entries without trying to compress them: most are ciphertext, and it never succeeds."""

from django.apps.registry import Apps
from django.db import migrations
from django.db.backends.base.schema import BaseDatabaseSchemaEditor

_STORED = "ALTER TABLE audit_entry ALTER COLUMN body SET STORAGE "


def _leave(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(_STORED + "EXTERNAL")


def _compress(apps: Apps, editor: BaseDatabaseSchemaEditor) -> None:
    if editor.connection.vendor == "postgresql":
        editor.execute(_STORED + "EXTENDED")


class Migration(migrations.Migration):
    dependencies = [("audit", "0008_erasure_disputes")]

    operations = [migrations.RunPython(_leave, _compress)]
