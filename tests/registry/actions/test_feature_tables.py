"""Feature tables: who defines them, what they take, and when rows go."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from audit import references
from audit.actions.subjects import erase_subject
from audit.errors import NotPermitted
from audit.models import Entry
from registry import feature_tables
from registry.actions.feature_tables import define_feature_table, record_features
from registry.errors import (
    FeatureRowsRefused,
    FeaturesDifferFromTable,
    FeatureTableRefused,
    ProtectedColumn,
    UnknownFeatureTable,
)
from registry.models import FeatureIngest, FeatureRow, FeatureTable
from registry.tasks import forget_erased
from tests.registry.builders import CONTRACT, a_dataset, a_description
from tests.registry.tables import BUREAU, a_document, a_table, recorded

pytestmark = pytest.mark.django_db


def refused_rows(table: FeatureTable, *documents: object) -> dict[str, str]:
    """Type of each problem by its field; nothing was taken."""
    with pytest.raises(FeatureRowsRefused) as refusal:
        recorded(table, *documents)  # type: ignore[arg-type]
    assert not FeatureRow.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").exists()
    return {problem.field: problem.type for problem in refusal.value.errors}


def test_a_table_is_defined_in_versions_and_the_log_says_what_it_holds(lending: User) -> None:
    first = a_table(lending, "bureau")
    second = a_table(lending, "bureau", ttl_seconds=60)

    assert (str(first), str(second)) == ("bureau/1", "bureau/2")
    assert feature_tables.table_named("bureau") == second
    assert second.entry.event == "registry.feature_table.defined"
    assert "utilisation" in bytes(second.entry.body).decode()
    with pytest.raises(DatabaseError), transaction.atomic():
        FeatureTable.objects.filter(pk=first.pk).update(ttl_seconds=1)


def test_a_developer_defines_a_table_and_does_not_fill_it(
    developer: User, operator: User, lending: User
) -> None:
    table = define_feature_table("bureau", BUREAU, 60, lending, "The bureau", by=developer)
    rows = [a_document("C-1", timezone.now())]

    with pytest.raises(NotPermitted):
        record_features(table, rows, "tests", by=developer)
    with pytest.raises(NotPermitted):
        define_feature_table("bureau", BUREAU, 60, lending, "The bureau", by=operator)

    assert record_features(table, rows, "tests", by=operator).rows == 1


def test_everything_wrong_with_a_definition_is_named(lending: User) -> None:
    looks_up = {"features": [{**BUREAU["features"][0], "table": "other/1"}]}

    with pytest.raises(FeatureTableRefused) as refusal:
        a_table(lending, "Not A Slug", features=looks_up, ttl_seconds=0, source=" ")

    assert {problem.field for problem in refusal.value.errors} == {
        "name", "ttl_seconds", "source", "features.utilisation.table",
    }  # fmt: skip
    assert not FeatureTable.objects.exists()


def test_a_protected_attribute_is_no_feature(lending: User) -> None:
    """Neither one that the definer names, nor one that was split off any data set."""
    a_dataset(protected_columns=("sex",))
    feature = {"name": "Sex", "type": "category", "categories": ["f", "m"]}
    other = {"name": "tribe", "type": "category", "categories": ["x"]}

    for features, declared in (([feature], ()), ([other], ("TRIBE",))):
        with pytest.raises(ProtectedColumn):
            a_table(lending, features={"features": features}, protected_columns=declared)

    assert not FeatureTable.objects.exists()


def test_rows_are_taken_with_their_batch_and_the_log_holds_no_value_and_no_reference(
    lending: User,
) -> None:
    table, now = a_table(lending), timezone.now()

    ingest = recorded(
        table,
        a_document("secret-person", now - timedelta(days=2), utilisation=1.2345),
        a_document("secret-person", now - timedelta(days=1), now, utilisation=1.2345),
    )

    body = bytes(ingest.entry.body).decode()
    assert "secret-person" not in body
    assert "1.2345" not in body
    assert (ingest.rows, FeatureRow.objects.count()) == (2, 2)
    [subject] = set(FeatureRow.objects.values_list("subject_id", flat=True))
    assert references.find("lending", "subject", ["secret-person"]) == {"secret-person": subject}
    late, dated = FeatureRow.objects.order_by("pk")
    assert late.created_at == ingest.recorded_at
    assert dated.created_at == now


def test_every_fault_of_a_row_is_named_by_its_position_and_no_row_is_taken(lending: User) -> None:
    table, now = a_table(lending), timezone.now()
    good = a_document("C-1", now - timedelta(days=1))

    assert refused_rows(
        table,
        good,
        "not an object",
        a_document("", now + timedelta(days=1)),
        a_document("C-2", now, now - timedelta(days=1)),
        {**good, "event_at": "2026-01-01", "surplus": 1},
        {"subject_ref": "C-3", "features": {"utilisation": 3, "accounts": 1.5, "extra": 1}},
    ) == {
        "rows.1.row": "wrong_type",
        "rows.2.subject_ref": "wrong_type",
        "rows.2.event_at": "out_of_range",
        "rows.3.created_at": "out_of_range",
        "rows.4.row": "unexpected",
        "rows.4.event_at": "wrong_type",
        "rows.5.event_at": "missing",
        "rows.5.features.utilisation": "out_of_range",
        "rows.5.features.accounts": "wrong_type",
        "rows.5.features.grade": "missing",
        "rows.5.features.extra": "unexpected",
    }
    assert refused_rows(table) == {"rows": "out_of_range"}
    assert not FeatureIngest.objects.exists()


def test_a_protected_name_declared_later_keeps_rows_out(lending: User) -> None:
    features = {"features": [{"name": "sex", "type": "category", "categories": ["f", "m"]}]}
    table = a_table(lending, features=features)
    a_dataset(protected_columns=("sex",))
    row = {"subject_ref": "C-1", "event_at": timezone.now().isoformat(), "features": {"sex": "f"}}

    assert refused_rows(table, row) == {"rows.0.features.sex": "protected_attribute"}


def test_rows_never_change_and_go_only_with_the_erased_person(
    lending: User, privacy_officer: User
) -> None:
    table, now = a_table(lending), timezone.now()
    recorded(table, a_document("C-1", now), a_document("C-2", now))
    gone = references.find("lending", "subject", ["C-1"])["C-1"]
    for statement in (
        "UPDATE registry_featurerow SET packed = packed",
        "DELETE FROM registry_featurerow",
        "DELETE FROM registry_featureingest",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)

    erase_subject(gone, by=privacy_officer, legal_basis="GDPR 17(1)(a)", reason="Asked.")
    forget_erased()

    assert FeatureRow.objects.get().subject_id != gone
    assert FeatureIngest.objects.get().rows == 2
    assert Entry.objects.filter(event="registry.features.deleted").count() == 1
    forget_erased()
    assert Entry.objects.filter(event="registry.features.deleted").count() == 1


def test_a_data_set_whose_contract_and_table_differ_is_refused(lending: User) -> None:
    a_table(lending, "bureau", features={"features": [CONTRACT.as_json()["features"][0]]})

    def described(**changes: object) -> dict:
        first, *others = CONTRACT.as_json()["features"]
        contract = {"features": [{**first, "table": "bureau/1", **changes}, *others]}
        return a_description(contract=contract)

    with pytest.raises(FeaturesDifferFromTable) as refusal:
        a_dataset(description=described(unit="EUR"))
    [problem] = refusal.value.errors
    assert problem.field == "features.dti"
    assert "unit" in problem.detail
    with pytest.raises(UnknownFeatureTable):
        a_dataset(description=described(table="bureau/2"))
    assert a_dataset(description=described()).rows == 1200


def test_freshness_counts_people_by_the_age_of_their_newest_row(lending: User) -> None:
    table, now = a_table(lending), timezone.now()
    ages = {"C-1": 1, "C-2": 10, "C-3": 20, "C-4": 29, "C-5": 31, "C-6": 80}
    recorded(table, *(a_document(ref, now - timedelta(days=age)) for ref, age in ages.items()))
    recorded(table, a_document("C-1", now - timedelta(days=70)))

    fresh = feature_tables.freshness(table, now)

    assert fresh.entities == (1, 1, 1, 1, 2)
    assert (fresh.rows, fresh.past_ttl_share) == (7, pytest.approx(1 / 3))
    assert fresh.newest_event_at == now - timedelta(days=1)
    assert feature_tables.freshness(a_table(lending), now).past_ttl_share is None
