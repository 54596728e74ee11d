"""A document is approved by somebody who neither made nor asked for what it is about, and is evidence from then on."""

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.entries import parse
from audit.errors import NotPermitted, StoredBytesDiffer
from audit.models import Entry
from governance.actions.changes import approve_change
from governance.actions.documents import approve_document
from governance.errors import (
    DeveloperCannotApprove,
    DocumentApproved,
    DocumentStale,
    EvidenceChanged,
    GeneratorCannotApprove,
    RationaleMissing,
    RequesterCannotApprove,
)
from governance.models import ChangeRequest, Document, DocumentApproval
from governance.queries.changes import version_evidence
from registry.actions.models import amend_model
from tests.conftest import a_person
from tests.governance.builders import WHY, a_request
from tests.governance.documents.builders import a_document, an_approved_document, overwrite

pytestmark = pytest.mark.django_db


def last_problem() -> str:
    entry = Entry.objects.filter(event="audit.action_refused").order_by("-id").first()
    return parse(bytes(entry.body))["public"]["problem"].rpartition("/")[2]


def test_somebody_else_approves_and_the_log_says_under_which_digest(version, developer, validator):
    document = a_document(version, by=developer)

    approval = approve_document(document.pk, WHY, by=validator)

    public = parse(bytes(approval.entry.body))["public"]
    assert approval.entry.event == "governance.document.approved"
    assert public["sha256"] == document.sha256 == approval.document_sha256
    assert (public["rationale"], public["generated_by"]) == (WHY, "dana")


def test_whoever_generated_it_does_not_approve_it(version, validator):
    document = a_document(version, "validation_report", by=validator)

    with pytest.raises(GeneratorCannotApprove):
        approve_document(document.pk, WHY, by=validator)

    assert not DocumentApproval.objects.exists()
    assert last_problem() == "generator-cannot-approve"


def test_whoever_built_the_version_or_asked_for_it_does_not_approve(version, validator, developer):
    document = a_document(version, by=validator)
    a_request(developer, version)
    both = a_person("bo", "validator", "model developer")
    a_request_of = ChangeRequest.objects.get()

    developer.groups.add(*validator.groups.all())
    with pytest.raises(DeveloperCannotApprove):
        approve_document(document.pk, WHY, by=developer)
    ChangeRequest.objects.filter(pk=a_request_of.pk).update(
        state="withdrawn", decided_at=timezone.now()
    )
    a_request(both, version)
    with pytest.raises(RequesterCannotApprove):
        approve_document(document.pk, WHY, by=both)

    assert not DocumentApproval.objects.exists()


def test_an_approval_needs_words_and_is_given_once(version, developer, validator, approver):
    document = a_document(version, by=developer)

    with pytest.raises(RationaleMissing):
        approve_document(document.pk, "  ", by=validator)
    approve_document(document.pk, WHY, by=validator)
    with pytest.raises(DocumentApproved):
        approve_document(document.pk, WHY, by=approver)

    assert DocumentApproval.objects.count() == 1


def test_nobody_approves_what_they_may_not_read(version, validator):
    document = a_document(version, "validation_report", by=validator)
    blind = a_person("nils", "validator")
    group = blind.groups.get()
    group.permissions.remove(group.permissions.get(codename="view_fairness_report"))

    with pytest.raises(NotPermitted):
        approve_document(document.pk, WHY, by=blind)

    assert not DocumentApproval.objects.exists()


def test_a_stale_document_is_not_approved(version, developer, validator):
    document = a_document(version, by=developer)
    amend_model(version.model, {"limitations": "Not for thin files."}, "Learned.", by=developer)

    with pytest.raises(DocumentStale):
        approve_document(document.pk, WHY, by=validator)

    assert last_problem() == "document-stale"


@pytest.mark.parametrize("part", ["content_sha256", "html_sha256", "pdf_sha256"])
def test_a_document_whose_bytes_were_changed_is_not_approved(version, developer, validator, part):
    document = a_document(version, by=developer)
    overwrite(getattr(document, part), b"forged")

    with pytest.raises(StoredBytesDiffer):
        approve_document(document.pk, WHY, by=validator)

    assert not DocumentApproval.objects.exists()


def approval_by(person, document: Document, **changes) -> None:
    """Straight to the table, past every act."""
    fields = {
        "document": document, "document_sha256": document.sha256, "approver": person, "rationale": "Fine.",
        "approved_at": timezone.now(), "entry": document.version.entry, **changes,
    }  # fmt: skip
    with transaction.atomic():
        DocumentApproval.objects.create(**fields)


def test_the_database_refuses_whoever_made_or_asked_for_it(version, developer, validator, approver):
    document = a_document(version, by=validator)
    registrar = version.developed_by.__class__.objects.get(username="builder")
    asker = a_person("asa", "model developer")
    a_request(asker, version)

    for person in (validator, developer, registrar, asker):
        with pytest.raises(IntegrityError, match="does not approve a document"):
            approval_by(person, document)
    with pytest.raises(IntegrityError, match="another digest"):
        approval_by(approver, document, document_sha256="f" * 64)
    assert not DocumentApproval.objects.exists()
    approval_by(approver, document)


def test_an_approval_does_not_change(version, developer, validator, approver):
    document = an_approved_document(version, by=developer, approved_by=validator)

    with pytest.raises(IntegrityError), transaction.atomic():
        DocumentApproval.objects.filter(document=document).update(approver=approver)
    with pytest.raises(IntegrityError), transaction.atomic():
        DocumentApproval.objects.filter(document=document)._raw_delete("default")


def test_approved_documents_are_evidence_and_drafts_are_not(version, developer, validator):
    now = timezone.now()
    assert version_evidence(version, "staging", now)["documents"] is None

    draft = a_document(version, by=developer)
    assert version_evidence(version, "staging", now)["documents"] is None
    approve_document(draft.pk, WHY, by=validator)

    assert version_evidence(version, "staging", now)["documents"] == {"model_card": draft.sha256}


def test_a_newly_approved_document_voids_the_request_and_a_draft_does_not(
    version, developer, validator, second_validator
):
    change = a_request(developer, version)

    document = a_document(version, by=developer)
    change.refresh_from_db()
    assert change.state == "open"
    approve_document(document.pk, WHY, by=validator)

    change.refresh_from_db()
    assert change.state == "void"


def test_a_change_is_not_granted_on_documents_it_was_not_asked_on(
    version, developer, validator, second_validator
):
    """The sweep or the act would void it; whoever is faster is refused by the evidence itself."""
    change = a_request(developer, version)
    document = a_document(version, by=developer)
    approval_by(validator, document)

    with pytest.raises(EvidenceChanged):
        approve_change(change.pk, WHY, by=second_validator)


def test_a_committee_pack_is_about_the_request_and_voids_nothing(
    version, developer, validator, approver
):
    change = a_request(developer, version)

    an_approved_document(version, "committee_pack", by=validator, approved_by=approver)

    change.refresh_from_db()
    assert change.state == "open"
