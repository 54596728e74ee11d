"""Migration operations for tables that refuse to change, on SQLite and PostgreSQL alike, whoever asks.

SQLite drops a table's triggers when Django rebuilds the table in a later migration: repeat the operation in that migration.
A deploy check (audit.checks) and a test name every trigger that is missing.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.base.schema import BaseDatabaseSchemaEditor
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

# Table name -> trigger names, as the migrations declare them; the check compares this with the database.
DECLARED: dict[str, set[str]] = {}
SHARD_IS_CLOSED = "audit_entry: the shard is closed"
Step = Callable[[BaseDatabaseSchemaEditor], None]


class DatabaseOnly(Operation):
    """A step that Django's models know nothing of. Unlike RunPython it does not make all of them anew each time."""

    reversible = True

    def __init__(self, forwards: Step, backwards: Step) -> None:
        self._forwards, self._backwards = forwards, backwards

    def undone(self) -> "DatabaseOnly":
        """The same step the other way round."""
        return DatabaseOnly(self._backwards, self._forwards)

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


class KeepingTriggers(Operation):
    """Operations that rebuild a table on SQLite, with every trigger set aside meanwhile and put back as it was.

    SQLite drops a table's triggers with the table, and does not rename one that triggers of another table read.
    """

    reversible = True

    def __init__(self, *operations: Operation) -> None:
        self._operations = operations

    def state_forwards(self, app_label: str, state: ProjectState) -> None:
        for operation in self._operations:
            operation.state_forwards(app_label, state)

    def database_forwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        with _set_aside(schema_editor):
            for operation in self._operations:
                after = from_state.clone()
                operation.state_forwards(app_label, after)
                operation.database_forwards(app_label, schema_editor, from_state, after)
                from_state = after

    def database_backwards(
        self,
        app_label: str,
        schema_editor: BaseDatabaseSchemaEditor,
        from_state: ProjectState,
        to_state: ProjectState,
    ) -> None:
        states = [to_state]  # as migrations count: backwards, `to_state` is the one before
        for operation in self._operations:
            states.append(states[-1].clone())
            operation.state_forwards(app_label, states[-1])
        with _set_aside(schema_editor):
            for place, operation in reversed(list(enumerate(self._operations))):
                operation.database_backwards(
                    app_label, schema_editor, states[place + 1], states[place]
                )


@contextmanager
def _set_aside(editor: BaseDatabaseSchemaEditor) -> Iterator[None]:
    kept: list[tuple[str, str]] = []
    if editor.connection.vendor == "sqlite":
        with editor.connection.cursor() as cursor:
            cursor.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
            kept = cursor.fetchall()
        for name, _ in kept:
            editor.execute(f"DROP TRIGGER {name}")
    yield
    for _, sql in kept:
        editor.execute(sql, params=None)


def append_only(table: str) -> list[DatabaseOnly]:
    """UPDATE, DELETE and (on PostgreSQL) TRUNCATE are refused."""
    return [
        _trigger(table, "no_update", "UPDATE", message=f"{table} is append-only"),
        _trigger(table, "no_delete", "DELETE", message=f"{table} is append-only"),
        *_no_truncate(table),
    ]


def erasable(
    table: str,
    subject_column: str = "subject_id",
    *,
    purpose: str | None = "decision",
    updates: bool = False,
) -> list[DatabaseOnly]:
    """DELETE is accepted only once the subject was erased for this purpose; UPDATE is refused unless `updates`.

    `purpose` None: the row's own column of that name says which.
    """
    wanted = f"'{purpose}'" if purpose else "OLD.purpose"
    condition = (
        "NOT EXISTS (SELECT 1 FROM audit_erasure WHERE "
        f"audit_erasure.subject_id = OLD.{subject_column} AND audit_erasure.purpose = {wanted})"
    )
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


def thawed(table: str, allowed: Sequence[str]) -> list[DatabaseOnly]:
    """Undo `frozen(table, allowed)`, for a migration that changes the columns and freezes the table anew."""
    return [operation.undone() for operation in reversed(frozen(table, allowed))]


def refuse_when(
    table: str, suffix: str, act: str, condition: str, message: str
) -> list[DatabaseOnly]:
    """INSERT or UPDATE (`act`) is refused where the SQL `condition` over NEW (and OLD) holds on both databases."""
    return [_trigger(table, suffix, act, condition, message)]


def refuse_instead(
    table: str, suffix: str, act: str, before: str, condition: str, message: str
) -> list[DatabaseOnly]:
    """Puts another condition in the place of `before`, the one an earlier migration gave `refuse_when`."""
    return [
        _trigger(table, suffix, act, before, message).undone(),
        _trigger(table, suffix, act, condition, message),
    ]


def outbox_on_insert(table: str, outbox: str, closed: str) -> list[DatabaseOnly]:
    """Each inserted entry leaves a row in the outbox: no code path can forget it.

    An entry of an origin that has a row in `closed` is refused, but for the one that closes it.
    """
    name = f"{table}_outbox"
    DECLARED.setdefault(table, set()).add(name)
    is_closed = f"EXISTS (SELECT 1 FROM {closed} WHERE origin = NEW.origin AND entry_id <> NEW.id)"

    def forwards(editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "sqlite":
            editor.execute(
                f"CREATE TRIGGER {name} AFTER INSERT ON {table} BEGIN "
                f"SELECT RAISE(ABORT, '{SHARD_IS_CLOSED}') WHERE {is_closed}; "
                f"INSERT INTO {outbox} (entry_id, origin) VALUES (NEW.id, NEW.origin); END"
            )
            return
        # One statement for both: what it costs is paid by every act.
        editor.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
            f"INSERT INTO {outbox} (entry_id, origin) SELECT NEW.id, NEW.origin WHERE NOT {is_closed}; "
            f"IF NOT FOUND THEN RAISE EXCEPTION '{SHARD_IS_CLOSED}' "
            "USING ERRCODE = 'object_not_in_prerequisite_state'; END IF; RETURN NULL; END$$",
            params=None,
        )
        editor.execute(
            f"CREATE TRIGGER {name} AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()"
        )

    return [DatabaseOnly(forwards, _drop(table, name))]


def lock_against_inserts(table: str) -> list[DatabaseOnly]:
    """A function `<table>_lock()` that holds off every insert until its caller's transaction ends (PostgreSQL).

    It runs with the rights of the owner: a role that may only insert and select may not take that lock by itself.
    """
    name = f"{table}_lock"

    def forwards(editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(
                f"CREATE FUNCTION {name}() RETURNS void LANGUAGE plpgsql SECURITY DEFINER "
                f"SET search_path FROM CURRENT AS $$BEGIN LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE; END$$",
                params=None,
            )

    def backwards(editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "postgresql":
            editor.execute(f"DROP FUNCTION {name}()")

    return [DatabaseOnly(forwards, backwards)]


def one_row_per_entry(table: str, subject_type: str) -> list[DatabaseOnly]:
    """No two rows have the same entry.

    A table in monthly parts cannot have that as a unique constraint. There the row's entry must name the row as its
    subject when the transaction commits: it names one, and it never changes.
    """
    name = f"{table}_one_entry"
    DECLARED.setdefault(table, set()).add(name)

    def forwards(editor: BaseDatabaseSchemaEditor) -> None:
        if editor.connection.vendor == "sqlite":
            editor.execute(
                f"CREATE TRIGGER {name} BEFORE INSERT ON {table} "
                f"WHEN EXISTS (SELECT 1 FROM {table} WHERE entry_id = NEW.entry_id) "
                f"BEGIN SELECT RAISE(ABORT, '{table}: the entry belongs to another row'); END"
            )
            return
        editor.execute(
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN "
            "IF NOT EXISTS (SELECT 1 FROM audit_entry WHERE id = NEW.entry_id "
            f"AND subject_type = '{subject_type}' AND subject_id = NEW.id::text) THEN "
            f"RAISE EXCEPTION '{table}: the entry is not about this row' "
            "USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NULL; END$$",
            params=None,
        )
        editor.execute(
            f"CREATE CONSTRAINT TRIGGER {name} AFTER INSERT ON {table} "
            f"DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION {name}()"
        )

    return [DatabaseOnly(forwards, _drop(table, name))]


def partitions(connection: BaseDatabaseWrapper) -> dict[str, list[str]]:
    """Table -> the names of its parts, where PostgreSQL keeps it in parts."""
    found: dict[str, list[str]] = {}
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT parent.relname, part.relname FROM pg_inherits "
                "JOIN pg_class parent ON parent.oid = inhparent AND parent.relkind = 'p' "
                "JOIN pg_class part ON part.oid = inhrelid AND part.relkind = 'r' "
                "WHERE pg_table_is_visible(parent.oid) ORDER BY 1, 2"
            )
            for table, part in cursor.fetchall():
                found.setdefault(table, []).append(part)
    return found


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The triggers that the migrations declare and this database lacks, by name.

    On PostgreSQL each part of a partitioned table must have them all as well: someone could address the part itself.
    """
    if connection.vendor == "sqlite":
        return sorted(
            {name for name in _declared() if not name.endswith("_no_truncate")}
            - _present(connection)
        )
    parts, present = partitions(connection), _present(connection)
    absent = []
    for table, names in DECLARED.items():
        absent += [name for name in names if f"{name} on {table}" not in present]
        for part in parts.get(table, ()):
            absent += [f"{name} on {part}" for name in names if f"{name} on {part}" not in present]
    return sorted(absent)


def _declared() -> set[str]:
    return {name for names in DECLARED.values() for name in names}


def _present(connection: BaseDatabaseWrapper) -> set[str]:
    """By name; on PostgreSQL by name and table, as `name on table`."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")
        else:
            cursor.execute(
                "SELECT tgname || ' on ' || relname FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid "
                "WHERE NOT tgisinternal AND tgenabled IN ('O', 'A')"
            )
        return {row[0] for row in cursor.fetchall()}


def refuse_truncate_of_part(connection: BaseDatabaseWrapper, table: str, part: str) -> None:
    """PostgreSQL gives a new part the row triggers of its table, but not this one."""
    name = f"{table}_no_truncate"
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {part} FOR EACH STATEMENT EXECUTE FUNCTION {name}()"
        )


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
            for part in partitions(editor.connection).get(table, ()):
                refuse_truncate_of_part(editor.connection, table, part)

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
            editor.execute(f"DROP FUNCTION {name}() CASCADE")  # and its triggers, on every part

    return backwards
