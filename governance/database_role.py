"""What the service may do in its PostgreSQL database, where it does not own the tables.

`MIGRATE_DATABASE_URL` names the owner, `DATABASE_URL` the role that everything else runs as. `manage.py migrate` connects as
the owner and leaves the other role exactly the rights that the lists in each floor's `apps.py` ask for. Triggers refuse the
owner as well; but the owner could drop a trigger.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.recorder import MigrationRecorder

RIGHTS: dict[str, tuple[str, ...]] = {
    "append_only": ("SELECT", "INSERT"),
    "governed": ("SELECT", "INSERT", "UPDATE"),
    "erasable": ("SELECT", "INSERT", "DELETE"),
    "plain": ("SELECT", "INSERT", "UPDATE", "DELETE"),
}
# Rows of these are locked while something is decided about them. PostgreSQL lets only those lock a row who may update a
# column of it; the trigger refuses the update itself.
LOCKED = ("audit.Subject", "audit.SubjectSecret", "registry.Clearance")
OWNERS_FUNCTIONS = ("audit_entry_lock()",)


@contextmanager
def as_owner(alias: str = DEFAULT_DB_ALIAS) -> Iterator[None]:
    """Within the block the connection is the owner's, where MIGRATE_DATABASE_URL names one."""
    owner: dict[str, Any] | None = settings.CREDENCE_OWNER_DATABASE
    if owner is None:
        yield
        return
    connection = connections[alias]
    given = {name: connection.settings_dict[name] for name in ("USER", "PASSWORD")}
    connection.close()
    connection.settings_dict.update({name: owner[name] for name in given})
    try:
        yield
        grant(connection, role=given["USER"])
    finally:
        connection.close()
        connection.settings_dict.update(given)


def rights() -> dict[str, tuple[str, ...]]:
    """Table -> what the running service may do with its rows."""
    given: dict[str, tuple[str, ...]] = {MigrationRecorder.Migration._meta.db_table: ("SELECT",)}
    for model in apps.get_models(include_auto_created=True):
        config = apps.get_app_config(model._meta.app_label)
        kinds = [kind for kind in RIGHTS if model.__name__ in getattr(config, kind, ())]
        # Django's own tables, and those of libraries, are theirs to change.
        given[model._meta.db_table] = RIGHTS[kinds[0] if kinds else "plain"]
    return given


def grant(connection: BaseDatabaseWrapper, role: str) -> None:
    """Leave the role these rights and no others. As the owner of the tables."""
    if connection.vendor != "postgresql":
        return
    present, name = set(connection.introspection.table_names()), connection.ops.quote_name(role)
    with transaction.atomic(using=connection.alias), connection.cursor() as cursor:
        cursor.execute(f"REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {name}")
        cursor.execute(f"GRANT USAGE ON SCHEMA public TO {name}")
        cursor.execute(f"GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO {name}")
        for table, given in rights().items():
            if table in present:
                cursor.execute(f'GRANT {", ".join(given)} ON "{table}" TO {name}')
        for label in LOCKED:
            meta = apps.get_model(label)._meta
            assert meta.pk is not None
            if meta.db_table in present:
                cursor.execute(f'GRANT UPDATE ("{meta.pk.column}") ON "{meta.db_table}" TO {name}')
        for function in OWNERS_FUNCTIONS:
            cursor.execute(f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC")
            cursor.execute(f"GRANT EXECUTE ON FUNCTION {function} TO {name}")
