"""Migration operations for tables that refuse to change, on SQLite and PostgreSQL alike, whoever asks.

SQLite drops a table's triggers when Django rebuilds the table in a later migration: repeat the operation in that migration.
A deploy check (audit.checks) and a test name every trigger that is missing.
"""

from collections.abc import Callable, Sequence

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# Table name -> trigger names, as the migrations declare them; the check compares this with the database.
DECLARED: dict[str, set[str]] = {}
Step = Callable[[BaseDatabaseSchemaEditor], None]


class DatabaseOnly(Operation):
    """A step that Django's models know nothing of. Unlike RunPython it does not make all of them anew each time."""

    reversible = True

    def __init__(self, forwards: Step, backwards: Step) -> None:
        self._forwards, self._backwards = forwards, backwards

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        """Nothing changes."""

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._forwards(schema_editor)

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        self._backwards(schema_editor)


def append_only(table: str) -> list[DatabaseOnly]:
    """UPDATE, DELETE and (on PostgreSQL) TRUNCATE are refused."""
    return [
        _trigger(table, "no_update", "UPDATE", message=f"{table} is append-only"),
        _trigger(table, "no_delete", "DELETE", message=f"{table} is append-only"),
        *_no_truncate(table),
    ]


def erasable(
    table: str, subject_column: str = "subject_id", *, updates: bool = False
) -> list[DatabaseOnly]:
    """DELETE is accepted only once the subject's erasure exists; UPDATE is refused unless `updates`."""
    condition = f"NOT EXISTS (SELECT 1 FROM audit_erasure WHERE audit_erasure.subject_id = OLD.{subject_column})"
    refused = _trigger(
        table, "no_delete", "DELETE", condition, f"{table}: the subject was not erased"
    )
    no_update = _trigger(table, "no_update", "UPDATE", message=f"{table} rows never change")
    return [refused, *([] if updates else [no_update]), *_no_truncate(table)]


def frozen(table: str, allowed: Sequence[str]) -> list[DatabaseOnly]:
    """DELETE is refused, and so is any UPDATE that changes a column other than the `allowed` ones."""
    return [
        _frozen_columns(table, allowed),
        _trigger(table, "no_delete", "DELETE", message=f"{table} rows are never deleted"),
        *_no_truncate(table),
    ]


def refuse_when(
    table: str, suffix: str, act: str, condition: str, message: str
) -> list[DatabaseOnly]:
    """INSERT or UPDATE (`act`) is refused where the SQL `condition` over NEW (and OLD) holds on both databases."""
    return [_trigger(table, suffix, act, condition, message)]


def outbox_on_insert(table: str, outbox: str) -> list[DatabaseOnly]:
    """Each inserted entry leaves a row in the outbox: no code path can forget it."""
    name = f"{table}_outbox"
    DECLARED.setdefault(table, set()).add(name)
    insert = f"INSERT INTO {outbox} (entry_id) VALUES (NEW.id);"

    def forwards(editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "sqlite":
            editor.execute(f"CREATE TRIGGER {name} AFTER INSERT ON {table} BEGIN {insert} END")
            return
        editor.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$BEGIN {insert} RETURN NULL; END$$",
            params=None,
        )
        editor.execute(
            f"CREATE TRIGGER {name} AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
        )

    return [DatabaseOnly(forwards, _drop(table, name))]


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The triggers that the migrations declare and this database lacks, by name."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute(
                "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
            )
        present = {row[0] for row in cursor.fetchall()}
    declared = {name for names in DECLARED.values() for name in names}
    if connection.vendor == "sqlite":
        declared = {name for name in declared if not name.endswith("_no_truncate")}
    return sorted(declared - present)


def _trigger(
    table: str, suffix: str, act: str, condition: str = "", message: str = ""
) -> DatabaseOnly:
    name = f"{table}_{suffix}"
    DECLARED.setdefault(table, set()).add(name)

    def forwards(editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "sqlite":
            when = f"WHEN {condition} " if condition else ""
            editor.execute(
                f"CREATE TRIGGER {name} BEFORE {act} ON {table} {when}BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        else:
            _postgresql(editor, name, table, act, condition, message)

    return DatabaseOnly(forwards, _drop(table, name))


def _frozen_columns(table: str, allowed: Sequence[str]) -> DatabaseOnly:
    name = f"{table}_no_update"
    DECLARED.setdefault(table, set()).add(name)
    message = f"{table}: only {', '.join(allowed) or 'nothing'} may change"

    def forwards(editor: BaseDatabaseSchemaEditor) -> None:
        connection = editor.connection
        columns = _columns(connection, table)
        distinct = "IS NOT" if connection.vendor == "sqlite" else "IS DISTINCT FROM"
        condition = " OR ".join(
            f'OLD."{column}" {distinct} NEW."{column}"'
            for column in columns
            if column not in allowed
        )
        if connection.vendor == "sqlite":
            editor.execute(
                f"CREATE TRIGGER {name} BEFORE UPDATE ON {table} WHEN {condition} "
                f"BEGIN SELECT RAISE(ABORT, '{message}'); END"
            )
        else:
            _postgresql(editor, name, table, "UPDATE", condition, message)

    return DatabaseOnly(forwards, _drop(table, name))


def _columns(connection: BaseDatabaseWrapper, table: str) -> list[str]:
    """By the cursor's description: Django's introspection trips over a check constraint that lists numbers."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table} WHERE 1 = 0")
        return [column[0] for column in cursor.description]


def _no_truncate(table: str) -> list[DatabaseOnly]:
    name = f"{table}_no_truncate"
    DECLARED.setdefault(table, set()).add(name)

    def forwards(editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            _postgresql(editor, name, table, "TRUNCATE", "", f"{table} is never truncated")

    def backwards(editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            _drop(table, name)(editor)

    return [DatabaseOnly(forwards, backwards)]


def _postgresql(
    editor: BaseDatabaseSchemaEditor, name: str, table: str, act: str, condition: str, message: str
) -> None:
    check = f"IF {condition} THEN " if condition else ""
    end = "END IF;" if condition else ""
    result = (
        "RETURN NULL;" if act == "TRUNCATE" else f"RETURN {'OLD' if act == 'DELETE' else 'NEW'};"
    )
    editor.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {check}"
        f"RAISE EXCEPTION '{message}' USING ERRCODE = 'integrity_constraint_violation'; {end} {result} END$$",
        params=None,
    )
    each = "STATEMENT" if act == "TRUNCATE" else "ROW"
    editor.execute(
        f"CREATE TRIGGER {name} BEFORE {act} ON {table} FOR EACH {each} EXECUTE FUNCTION {name}()"
    )


def _drop(table: str, name: str) -> Step:
    def backwards(editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "sqlite":
            editor.execute(f"DROP TRIGGER {name}")
        else:
            editor.execute(f"DROP TRIGGER {name} ON {table}")
            editor.execute(f"DROP FUNCTION {name}()")

    return backwards
