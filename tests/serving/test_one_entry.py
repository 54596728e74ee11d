"""The database itself refuses a decision without an entry, and one entry for two decisions: whoever writes the SQL."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit.ids import uuid7
from serving.models import Decision
from tests.serving.builders import a_decision

pytestmark = pytest.mark.django_db


def copy_of(decision: Decision, **changes: object) -> None:
    """A second decision, in plain SQL, like the first but for its own id and `changes`."""
    values = {f.column: getattr(decision, f.attname) for f in Decision._meta.fields}
    values |= {"id": uuid7(), **changes}
    made = [f.get_db_prep_save(values[f.column], connection) for f in Decision._meta.fields]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO serving_decision ({', '.join(values)}) VALUES ({', '.join(['%s'] * len(values))})",
            made,
        )


def refused(words: str, decision: Decision, **changes: object) -> None:
    """Refused by the commit at the latest: the checks that wait for it are made at once."""
    with pytest.raises(DatabaseError, match=words), transaction.atomic():
        _insert_and_check(decision, **changes)


def _insert_and_check(decision: Decision, **changes: object) -> None:
    copy_of(decision, **changes)
    connection.check_constraints()


def test_a_decision_without_an_entry_cannot_commit(champion):
    decision = a_decision(champion)

    refused(
        "FOREIGN KEY|foreign key|not about this row|invalid foreign key", decision, entry_id=uuid7()
    )


def test_a_decision_with_no_entry_named_cannot_even_be_inserted(champion):
    decision = a_decision(champion)

    refused("(?i)not.null", decision, entry_id=None)


def test_no_entry_serves_two_decisions(champion):
    decision = a_decision(champion)

    refused("another row|not about this row", decision)


def test_a_decision_cannot_take_the_entry_of_something_else(champion):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite knows that an entry is used once, and not what it is about")
    decision = a_decision(champion)

    refused("not about this row", decision, entry_id=champion.entry_id)
