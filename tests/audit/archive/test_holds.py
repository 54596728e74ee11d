"""The archive follows the vault's legal holds, in the store itself."""

from collections.abc import Callable
from datetime import date

import pytest
from django.contrib.auth.models import User

from audit.actions.archive_holds import NothingHeld, hold_archive, release_archive
from audit.actions.holds import HoldOrder, place_hold, release_hold
from audit.archive.holds import carry_out_holds, follow_holds
from audit.archive.listing import check_listing
from audit.archive.passes import archive_pass
from audit.archive.stores import archive_store
from audit.models import ArchivedObject, Entry, ObjectHold
from audit.references import people_for
from audit.sequencer import seal
from audit.vault import Private
from tests.audit.acts import some_entries
from tests.audit.archive.servers import Bucket


def held() -> list[bool]:
    store = archive_store()
    rows = ArchivedObject.objects.exclude(epoch=None).order_by("epoch__first")
    return [store.state(row.key, row.version_id).held for row in rows]


def an_order(scope: str = "everything", **more: object) -> HoldOrder:
    named = {"matter": "M-1", "custodian": "counsel", "reason": "A suit.", **more}
    return HoldOrder(scope=scope, review_on=date(2099, 1, 1), **named)  # type: ignore[arg-type]


def test_a_hold_is_put_on_in_the_store_and_lifted_when_it_is_released(
    s3_archive: Bucket, archived_log: str, keeper: User
) -> None:
    hold = place_hold(an_order(), by=keeper)
    follow_holds(by=keeper)
    assert held() == [True]
    assert ObjectHold.objects.get().in_force_at is not None
    some_entries(1, by=keeper)
    seal()
    archive_pass(by=keeper)
    follow_holds(by=keeper)
    assert held() == [True, True]

    release_hold(hold.pk, "Settled.", by=keeper)
    follow_holds(by=keeper)

    assert held() == [False, False]
    assert not ObjectHold.objects.filter(lifted_at=None).exists()
    assert Entry.objects.filter(event="audit.archive.released").count() == 1


def test_a_hold_that_somebody_took_off_is_an_alarm(
    s3_archive: Bucket, archived_log: str, keeper: User
) -> None:
    place_hold(an_order(), by=keeper)
    follow_holds(by=keeper)
    row = ArchivedObject.objects.exclude(epoch=None).get()

    archive_store().release(row.key, row.version_id)

    assert [(f.kind, f.key) for f in check_listing(by=keeper).findings] == [("hold_off", row.key)]


def test_an_object_that_two_matters_hold_stays_until_both_are_released(
    archived_log: str, keeper: User
) -> None:
    rows = list(ArchivedObject.objects.exclude(epoch=None))
    hold_archive("one", rows, by=keeper)
    hold_archive("two", rows, by=keeper)
    carry_out_holds(by=keeper)

    release_archive("one", by=keeper)
    carry_out_holds(by=keeper)
    assert held() == [True]
    release_archive("two", by=keeper)
    carry_out_holds(by=keeper)

    assert held() == [False]


def test_a_sweep_without_anything_to_do_writes_nothing(archived_log: str, keeper: User) -> None:
    place_hold(an_order(), by=keeper)
    follow_holds(by=keeper)
    entries = Entry.objects.count()

    follow_holds(by=keeper)

    assert Entry.objects.count() == entries


def test_a_hold_on_a_person_holds_only_the_epochs_with_entries_about_them(
    archived_log: str, keeper: User
) -> None:
    person = people_for("tests", ["P-1"])["P-1"].subject_id
    some_entries(2, by=keeper, private=Private(person, {"n": 1}))
    seal()
    archive_pass(by=keeper)

    place_hold(an_order("subject", subject_id=person), by=keeper)
    follow_holds(by=keeper)

    assert held() == [False, True]


@pytest.mark.parametrize(
    "act",
    [
        lambda rows, by: hold_archive("one", rows, by=by),
        lambda rows, by: release_archive("none", by=by),
    ],
)
def test_holding_twice_or_releasing_what_is_not_held_is_refused(
    archived_log: str, keeper: User, act: Callable[..., object]
) -> None:
    rows = list(ArchivedObject.objects.exclude(epoch=None))
    hold_archive("one", rows, by=keeper)

    with pytest.raises(NothingHeld):
        act(rows, keeper)

    assert ObjectHold.objects.count() == 1
    assert Entry.objects.filter(event="audit.action_refused").count() == 1
