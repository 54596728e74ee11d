"""Protected attributes: stored encrypted, read by few, never echoed, gone with the person."""

import pytest
from django.db import DatabaseError, transaction

from audit.actions.subjects import erase_subject
from audit.entries import parse
from audit.errors import NotPermitted
from audit.models import Entry
from monitoring.actions.protected_values import (
    forget_erased_people,
    record_demographics,
    record_protected_values,
)
from monitoring.errors import ProtectedValuesRefused, ProtectedValueUnreadable
from monitoring.execution import forget_erased
from monitoring.models import ProtectedValue
from monitoring.protected_key import make_protected_key
from monitoring.queries.protected_values import attributes_of_rows, attributes_of_subjects
from tests.monitoring.builders import (
    a_monitored_champion,
    applications,
    decided,
    known_rows,
    the_monitor,
    the_supplier,
)
from tests.serving.builders import the_client

pytestmark = pytest.mark.django_db
DIGEST = "d" * 64
COLUMNS = ("sex", "age")


def supplied(*rows, **options):
    return record_demographics(
        rows, by=the_supplier(), client=the_client().get_username(), **options
    )


def person(place=0, **values):
    return {"subject_ref": f"C-5-False-{place}", "values": values or {"sex": "f", "age": 33}}


def known_of(decision):
    [row] = attributes_of_subjects([decision.subject_id], COLUMNS, reader=the_monitor()).to_dict(
        "records"
    )
    return row


def test_values_are_stored_encrypted_and_the_log_says_which_attributes_of_how_many():
    decided(a_monitored_champion(), 2)

    assert supplied(person(0), person(1, sex="f")) == [None, None]

    stored = ProtectedValue.objects.order_by("pk")
    assert [value.attributes for value in stored] == [["age", "sex"], ["sex"]]
    assert not any(b"sex" in bytes(value.ciphertext) for value in stored)
    entry = Entry.objects.get(event="monitoring.protected_values.recorded")
    assert b'"people":2' in bytes(entry.body)
    assert b'"attributes":["age","sex"]' in bytes(entry.body)
    public = parse(bytes(entry.body))["public"]
    assert "f" not in str(public).split("'")
    assert "33" not in str(public)


def test_they_are_read_again_by_whoever_may():
    [decision] = decided(a_monitored_champion(), 1)
    supplied(person())

    assert known_of(decision) == {"sex": "f", "age": 33}


def test_a_person_may_be_named_by_an_application():
    version = a_monitored_champion()
    [decision] = decided(version, 1)
    reference = applications(1)[0]["application_ref"]

    assert supplied({"application_ref": reference, "values": {"sex": "m"}}) == [None]
    assert known_of(decision)["sex"] == "m"


def test_what_is_supplied_later_counts_and_what_came_before_stays():
    [decision] = decided(a_monitored_champion(), 1)
    supplied(person(sex="f", age=33))
    supplied(person(age=34))

    assert known_of(decision) == {"sex": "f", "age": 34}
    assert ProtectedValue.objects.count() == 2


def test_rows_about_unknown_people_and_attributes_are_refused_one_by_one_without_a_value():
    decided(a_monitored_champion(), 1)

    results = supplied(
        person(0),
        {"subject_ref": "nobody", "values": {"sex": "f"}},
        person(0, shoe_size="sekrit"),
        person(0, sex=["sekrit"]),
        {"subject_ref": "C-5-False-0", "application_ref": "A-5-False-0", "values": {"sex": "f"}},
        "sekrit",
    )

    assert results[0] is None
    assert [
        [(problem.field, problem.type) for problem in result.errors] for result in results[1:]
    ] == [
        [("subject_ref", "unknown")],
        [("values.shoe_size", "unknown_attribute")],
        [("values.sex", "wrong_type")],
        [("subject_ref", "missing")],
        [("row", "wrong_type")],
    ]
    assert ProtectedValue.objects.count() == 1
    assert "sekrit" not in repr([(str(r), r.errors) for r in results[1:]])
    assert b"sekrit" not in b"".join(map(bytes, Entry.objects.values_list("body", flat=True)))


def test_a_reference_of_one_client_names_nobody_for_another():
    decided(a_monitored_champion(), 1)

    [result] = record_demographics([person()], by=the_supplier(), client="somebody else")

    assert [problem.type for problem in result.errors] == ["unknown"]


@pytest.mark.parametrize("rows", [0, 10_001])
def test_an_empty_or_endless_list_is_refused(rows):
    with pytest.raises(ProtectedValuesRefused):
        record_demographics([person()] * rows, by=the_supplier())


def test_rows_of_a_data_set_are_stored_under_its_digest():
    assert record_protected_values(DIGEST, {"1": {"sex": "m"}, "2": {}}, by=the_supplier()) == 1

    found = attributes_of_rows(DIGEST, ["2", "1"], COLUMNS, reader=the_monitor())
    assert found["sex"].isna().tolist() == [True, False]
    assert found["sex"].iloc[1] == "m"


def test_a_data_set_that_is_taken_in_again_brings_its_values_again():
    for sex in ("m", "f"):
        record_protected_values(DIGEST, {"1": {"sex": sex}}, by=the_supplier())

    found = attributes_of_rows(DIGEST, ["1"], COLUMNS, reader=the_monitor())

    assert found["sex"].tolist() == ["f"]


def test_a_row_made_of_a_decision_has_the_attributes_of_its_person():
    [decision] = decided(a_monitored_champion(), 1)
    supplied(person())
    row_id = f"{decision.subject_id}/{decision.pk}"

    found = attributes_of_rows(DIGEST, [row_id], COLUMNS, reader=the_monitor())

    assert found.to_dict("records") == [{"sex": "f", "age": 33}]


def test_unfit_values_of_a_data_set_are_named_by_attribute_and_nothing_is_stored():
    with pytest.raises(ProtectedValuesRefused) as refused:
        record_protected_values(DIGEST, {"1": {"sex": float("nan")}}, by=the_supplier())

    assert [problem.field for problem in refused.value.errors] == ["values.sex"]
    assert not ProtectedValue.objects.exists()
    assert Entry.objects.get().event == "audit.action_refused"


@pytest.mark.parametrize("who", ["lending", "developer", "validator", "operator", "superuser"])
def test_nobody_reads_them_without_the_permission(who, request):
    person_ = request.getfixturevalue(who)

    with pytest.raises(NotPermitted):
        attributes_of_subjects([], COLUMNS, reader=person_)
    with pytest.raises(NotPermitted):
        attributes_of_rows(DIGEST, [], COLUMNS, reader=person_)


@pytest.mark.parametrize("who", ["validator", "superuser"])
def test_supplying_them_needs_its_own_permission(who, request):
    with pytest.raises(NotPermitted):
        record_protected_values(DIGEST, {"1": {"sex": "f"}}, by=request.getfixturevalue(who))

    assert not ProtectedValue.objects.exists()
    assert Entry.objects.get().event == "audit.action_refused"


def test_without_the_key_nothing_is_stored(settings, tmp_path):
    settings.CREDENCE_KEYS, keys = tmp_path, settings.CREDENCE_KEYS
    for file in ("producer.key", "log.json", "vault.key"):
        (tmp_path / file).write_bytes((keys / file).read_bytes())
    (tmp_path / "delegations").symlink_to(keys / "delegations")

    with pytest.raises(Exception, match=r"protected\.key"):
        record_protected_values(DIGEST, {"1": {"sex": "f"}}, by=the_supplier())

    assert not ProtectedValue.objects.exists()


def test_values_of_a_lost_key_name_the_key_they_need(settings, tmp_path):
    record_protected_values(DIGEST, {"1": {"sex": "f"}}, by=the_supplier())
    settings.CREDENCE_KEYS = tmp_path
    make_protected_key(tmp_path / "protected.key")

    with pytest.raises(ProtectedValueUnreadable, match="need the key"):
        attributes_of_rows(DIGEST, ["1"], COLUMNS, reader=the_monitor())


def test_an_erased_person_is_unknown_at_once_and_gone_after_the_sweep(privacy_officer):
    first, second = decided(a_monitored_champion(), 2)
    supplied(person(0), person(1))
    erase_subject(
        first.subject_id,
        by=privacy_officer,
        legal_basis="GDPR 17(1)(b)",
        reason="Consent withdrawn.",
    )

    found = attributes_of_subjects(
        [first.subject_id, second.subject_id], COLUMNS, reader=the_monitor()
    )

    assert found["sex"].isna().tolist() == [True, False]
    assert forget_erased(by=the_monitor()) == 1
    assert ProtectedValue.objects.get().subject_id == second.subject_id
    assert Entry.objects.filter(event="monitoring.protected_values.forgotten").count() == 1


def test_the_sweep_is_silent_where_nobody_was_erased():
    assert forget_erased(by=the_monitor()) == 0
    assert not Entry.objects.filter(event="monitoring.protected_values.forgotten").exists()


def test_forgetting_needs_its_own_permission(approver):
    with pytest.raises(NotPermitted):
        forget_erased_people(by=approver)


def test_the_database_refuses_to_change_or_remove_them():
    version = a_monitored_champion()
    decided(version, 1)
    supplied(person())
    known_rows(version, by=the_supplier())
    of_person = ProtectedValue.objects.filter(scope="client")
    of_row = ProtectedValue.objects.filter(scope="dataset")

    for attempt in (
        lambda: of_person.update(key_id="x"),
        lambda: of_person.delete(),
        lambda: of_row.delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


def test_a_value_is_about_a_person_or_a_row_and_never_both():
    [decision] = decided(a_monitored_champion(), 1)
    supplied(person())
    value = ProtectedValue.objects.get()
    value.pk, value.dataset_sha256, value.row_id = None, DIGEST, "1"

    with pytest.raises(DatabaseError), transaction.atomic():
        value.save(force_insert=True)
    assert value.subject_id == decision.subject_id
