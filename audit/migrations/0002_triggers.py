"""Tables that refuse to change, and the outbox that no code path can forget."""

from django.db import migrations

from audit.triggers import (
    append_only,
    erasable,
    frozen,
    lock_against_inserts,
    outbox_on_insert,
)


class Migration(migrations.Migration):
    dependencies = [("audit", "0001_initial")]

    operations = [
        *append_only("audit_entry"),
        *append_only("audit_leaf"),
        *append_only("audit_tile"),
        *append_only("audit_checkpoint"),
        *append_only("audit_subject"),
        *append_only("audit_erasure"),
        *erasable("audit_reference"),
        *erasable("audit_subjectsecret", purpose=None),
        *frozen("audit_evidenceexport", allowed=["state", "built_at", "sha256", "size", "failure"]),
        *frozen("audit_logpass", allowed=["state", "finished_at", "summary"]),
        *append_only("audit_shardclose"),
        *outbox_on_insert("audit_entry", "audit_outbox", "audit_shardclose"),
        *lock_against_inserts("audit_entry"),
    ]
