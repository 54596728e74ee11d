"""Bundles that disclose somebody do not outlive their erasure, and whoever takes one is on record."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from audit.actions.exports import ExportDecided, destroy_export, request_export
from audit.actions.subjects import erase_subject
from audit.disclosures import disclosing, sweep_exports
from audit.export import build_export, bundle_path
from audit.models import Entry, EvidenceExport, SubjectSecret
from audit.scope import Scope
from tests.audit.people import a_known_person

TODAY = datetime.now(UTC).date()
NARROW = Scope(begin=TODAY - timedelta(days=1), end=TODAY + timedelta(days=1))


@pytest.fixture
def person(log: str, keeper: User) -> UUID:
    return a_known_person(keeper)


def a_bundle(by: User, scope: Scope = NARROW) -> EvidenceExport:
    export = request_export(scope, by=by)
    build_export(export, by=by)
    export.refresh_from_db()
    return export


def erase(person: UUID, by: User) -> None:
    erase_subject(person, by=by, legal_basis="GDPR Art. 17(1)", reason="Asked.")


def test_a_bundle_that_discloses_an_erased_person_is_destroyed_and_says_why(
    person: UUID, keeper: User
) -> None:
    disclosed, encrypted = a_bundle(keeper), a_bundle(keeper, Scope())
    erase(person, keeper)

    assert sweep_exports(by=keeper) == 1

    disclosed.refresh_from_db()
    assert (disclosed.state, disclosed.failure) == (
        "destroyed",
        "It disclosed people who were erased since: 1 of its payloads.",
    )
    assert not bundle_path(disclosed).exists()
    assert bundle_path(encrypted).exists()
    assert Entry.objects.filter(event="audit.export.destroyed").count() == 1
    assert sweep_exports(by=keeper) == 0


def test_a_bundle_that_does_not_disclose_the_person_stays(person: UUID, keeper: User) -> None:
    other = a_known_person(keeper, "customer-78")
    about_other = Entry.objects.filter(event="tests.noted").order_by("pk").last()
    assert about_other is not None
    export = a_bundle(keeper, Scope(decisions=(str(about_other.pk),)))
    erase(person, keeper)

    assert sweep_exports(by=keeper) == 0

    assert bundle_path(export).exists()
    keys = SubjectSecret.objects.filter(subject=other).values_list("pk", flat=True)
    assert [found.pk for found in disclosing(keys)] == [export.pk]


def test_a_file_whose_deletion_was_cut_short_goes_with_the_next_sweep(
    person: UUID, keeper: User
) -> None:
    export = a_bundle(keeper)
    destroy_export(export.pk, "It disclosed somebody.", by=keeper)
    assert bundle_path(export).exists()

    sweep_exports(by=keeper)

    assert not bundle_path(export).exists()
    with pytest.raises(ExportDecided):
        destroy_export(export.pk, "Again.", by=keeper)


def test_whoever_downloads_what_people_said_is_on_record(person: UUID, keeper: User) -> None:
    client = Client()
    client.force_login(keeper)
    disclosed, encrypted = a_bundle(keeper), a_bundle(keeper, Scope())

    for export in (disclosed, encrypted):
        answer = client.get(f"/api/v1/exports/{export.pk}/file")
        assert answer.status_code == 200
        answer.getvalue()

    taken = Entry.objects.get(event="audit.export.taken")
    assert (taken.subject_id, taken.actor_name) == (str(disclosed.pk), "keeper")


def test_a_destroyed_bundle_is_not_downloaded(person: UUID, keeper: User) -> None:
    client = Client()
    client.force_login(keeper)
    export = a_bundle(keeper)
    destroy_export(export.pk, "It disclosed somebody.", by=keeper)

    answer = client.get(f"/api/v1/exports/{export.pk}/file")

    assert answer.status_code == 409
    assert "It disclosed somebody" in answer.json()["detail"]


def test_a_copy_by_command_is_on_record_too(person: UUID, keeper: User, tmp_path) -> None:  # type: ignore[no-untyped-def]
    out = tmp_path / "bundle.zip"
    call_command(
        "export_evidence", out=out, begin=NARROW.begin, end=NARROW.end, acting_user="keeper"
    )

    assert Entry.objects.get(event="audit.export.taken").actor_name == "keeper"
