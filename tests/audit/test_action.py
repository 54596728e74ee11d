"""The one way into the log."""

import json
from collections.abc import Sequence
from enum import StrEnum
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import DatabaseError, connection

from audit.action import action, insert_with_entries, permission_found, record
from audit.errors import (
    EntryTooLarge,
    FieldProblem,
    InvalidInput,
    NothingRecorded,
    NotInAnAct,
    NotPermitted,
    NotRecordable,
)
from audit.models import Checkpoint, Entry, Outbox, Subject


class Event(StrEnum):
    NOTED = "tests.noted"
    NOTED_WITHIN = "tests.noted_within"


TOO_OLD = FieldProblem("age", "out_of_range", "Too old.")


def note(
    by: User,
    *,
    text: str = "x",
    refuse: bool = False,
    silent: bool = False,
    problems: Sequence[FieldProblem] = (),
) -> None:
    _note(by=by, text=text, silent=silent, problems=[TOO_OLD] if refuse else problems)


@action(Event.NOTED, needs="audit.write_heartbeat")
def _note(*, by: User, text: str, silent: bool, problems: Sequence[FieldProblem]) -> None:
    Group.objects.create(name=f"made by {by}")
    if not silent:
        record(subject=("tests.note", "1"), text=text, ratio=0.1)
    if problems:
        raise InvalidInput("No.", errors=problems)


@action(Event.NOTED, needs="audit.write_heartbeat")
def note_beside(row: Subject, *, by: User, refuse: bool = False) -> int:
    """How many rows are there while it lasts."""
    record(subject=("tests.note", "beside"))
    insert_with_entries(row)
    if refuse:
        raise InvalidInput("No.", errors=[TOO_OLD])
    return Subject.objects.count()


@action(Event.NOTED_WITHIN, needs="audit.write_heartbeat")
def note_beside_twice(first: Subject, second: Subject, *, by: User) -> None:
    record(subject=("tests.note", "outer"))
    note_beside(first, by=by)
    with pytest.raises(InvalidInput):
        note_beside(second, by=by, refuse=True)


@action(Event.NOTED_WITHIN, needs="audit.write_heartbeat")
def note_twice(*, by: User, inner_fails: bool = False) -> None:
    record(subject=("tests.note", "outer"))
    try:
        note(by, text="inner", refuse=inner_fails)
    except InvalidInput:
        record(subject=("tests.note", "after"))


@action(Event.NOTED, needs="audit.write_heartbeat", is_done_again=True)
def try_to_note(*, by: User, finds: str = "", fails: bool = False) -> None:
    Group.objects.create(name=f"made by {by}")
    if finds:
        permission_found(finds)
    record(subject=("tests.note", "tried"))
    if fails:
        raise InvalidInput("No.", errors=[TOO_OLD])


@pytest.fixture
def keeper(db: None) -> User:
    """Someone whose role allows the act under test."""
    user = User.objects.create_user("keeper")
    role = Group.objects.create(name="keeper of the tests")
    role.permissions.add(Permission.objects.get(codename="write_heartbeat"))
    user.groups.add(role)
    return user


def made(by: User) -> bool:
    return Group.objects.filter(name=f"made by {by}").exists()


def test_an_act_changes_state_and_is_recorded_with_its_outbox_row(keeper: User) -> None:
    note(keeper, text="it happened")

    entry = Entry.objects.get()
    body = json.loads(bytes(entry.body))
    assert made(keeper)
    assert body["event"] == "tests.noted"
    assert body["actor"]["name"] == "keeper"
    assert body["public"] == {"text": "it happened", "ratio": "0.1"}
    assert Outbox.objects.get().entry_id == entry.id


def test_a_refusal_leaves_nothing_changed_and_is_recorded_by_type_and_field_name(
    keeper: User,
) -> None:
    with pytest.raises(InvalidInput):
        note(keeper, refuse=True)

    body = json.loads(bytes(Entry.objects.get().body))
    assert not made(keeper)
    assert body["event"] == "audit.action_refused"
    assert body["public"] == {
        "attempted": "tests.noted",
        "problem": "invalid-input",
        "fields": ["age"],
        "types": ["out_of_range"],
    }


def test_an_act_that_records_nothing_is_rolled_back(keeper: User) -> None:
    with pytest.raises(NothingRecorded):
        note(keeper, silent=True)

    assert not made(keeper)
    assert not Entry.objects.exists()


def test_where_the_entry_cannot_be_written_nothing_is(keeper: User) -> None:
    with pytest.raises(EntryTooLarge):
        note(keeper, text="x" * 60_000)

    assert not made(keeper)
    assert [entry.event for entry in Entry.objects.all()] == ["audit.action_refused"]


def test_nobody_acts_without_the_permission_and_a_superuser_has_none(superuser: User) -> None:
    with pytest.raises(NotPermitted):
        note(superuser)

    assert not made(superuser)
    assert Entry.objects.get().event == "audit.action_refused"


def test_someone_who_was_deactivated_holds_nothing(keeper: User) -> None:
    keeper.is_active = False
    keeper.save()

    with pytest.raises(NotPermitted):
        note(keeper)


@pytest.mark.parametrize("finds", ["", "audit.read_private"])
@pytest.mark.parametrize("fails", [False, True])
def test_an_act_that_is_done_again_asks_at_its_end_whether_it_was_permitted(
    superuser: User, finds: str, fails: bool
) -> None:
    with pytest.raises(NotPermitted):
        try_to_note(by=superuser, finds=finds, fails=fails)

    assert not made(superuser)
    assert [entry.event for entry in Entry.objects.all()] == ["audit.action_refused"]


def test_what_is_refused_in_an_act_that_is_done_again_is_not_on_record_twice(keeper: User) -> None:
    with pytest.raises(InvalidInput):
        try_to_note(by=keeper, fails=True)

    assert not made(keeper)
    assert not Entry.objects.exists()


def test_a_permission_that_the_act_s_own_query_found_is_not_asked_for_again(keeper: User) -> None:
    Group.objects.all().delete()  # whoever asks now finds no role

    try_to_note(by=keeper, finds="audit.write_heartbeat")

    assert Entry.objects.get().subject_id == "tried"


def test_an_act_within_an_act_joins_its_transaction(keeper: User) -> None:
    note_twice(by=keeper)

    assert sorted(Entry.objects.values_list("event", flat=True)) == [
        "tests.noted",
        "tests.noted_within",
    ]


def test_an_inner_act_that_is_refused_takes_its_entries_and_rows_with_it(keeper: User) -> None:
    note_twice(by=keeper, inner_fails=True)

    assert not made(keeper)
    assert list(Entry.objects.values_list("subject_id", flat=True).order_by("id")) == [
        "outer",
        "after",
    ]


def test_rows_that_go_with_the_entries_are_there_when_the_act_ends(keeper: User) -> None:
    row = Subject(id=uuid4())

    assert note_beside(row, by=keeper) == 0

    assert Subject.objects.get() == row


def test_an_inner_act_that_is_refused_takes_the_rows_with_it_that_wait_for_the_end(
    keeper: User,
) -> None:
    kept, refused = Subject(id=uuid4()), Subject(id=uuid4())

    note_beside_twice(kept, refused, by=keeper)

    assert list(Subject.objects.all()) == [kept]


def test_rows_wait_for_the_end_only_of_an_act() -> None:
    with pytest.raises(NotInAnAct):
        insert_with_entries(Subject(id=uuid4()))


def test_record_works_only_within_an_act() -> None:
    with pytest.raises(NotInAnAct):
        record(subject=("tests.note", "1"))


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET event = 'other'", "DELETE FROM audit_entry"]
)
def test_the_database_itself_refuses_to_change_an_entry(keeper: User, statement: str) -> None:
    note(keeper)

    with pytest.raises(DatabaseError), connection.cursor() as cursor:
        cursor.execute(statement)


def test_checkpoints_refuse_to_change_too(db: None) -> None:
    from django.utils import timezone

    Checkpoint.objects.create(
        origin="o", size=1, root=b"r" * 32, note="n", signed_at=timezone.now()
    )

    with pytest.raises(DatabaseError):
        Checkpoint.objects.update(size=2)


@pytest.mark.parametrize("text", ["\ud800", {"ключ": 1}, 2**60, [float("nan")]])
def test_what_has_no_canonical_form_is_a_refusal_and_is_recorded(
    keeper: User, text: object
) -> None:
    with pytest.raises(NotRecordable):
        note(keeper, text=text)  # type: ignore[arg-type]  # what a caller may send

    assert not made(keeper)
    assert Entry.objects.get().event == "audit.action_refused"


def test_names_that_the_caller_made_up_are_not_kept_in_the_log(keeper: User) -> None:
    problems = [
        FieldProblem("dti", "out_of_range", "No."),
        FieldProblem("params.max_depth", "wrong_type", "No."),
        FieldProblem("Ann Example", "unexpected", "No."),
        FieldProblem("body.078-05-1120\0", "wrong_type", "No."),
    ]

    with pytest.raises(InvalidInput):
        note(keeper, problems=problems)

    public = json.loads(bytes(Entry.objects.get().body))["public"]
    assert public["fields"] == ["dti", "params.max_depth"]
    assert public["types"] == ["out_of_range", "unexpected", "wrong_type"]
