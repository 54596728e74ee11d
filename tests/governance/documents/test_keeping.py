"""A document is kept as it was generated: signed, the same for the same record, and refused where its bytes were changed."""

import hashlib
from datetime import timedelta
from io import BytesIO

import pypdf
import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.canonical import canonical_json
from audit.entries import parse
from audit.errors import BadSignature, NotPermitted, NotStored, StoredBytesDiffer
from audit.keys import verify_signature
from audit.models import Entry
from audit.store import content_store
from governance.actions.documents import generate_document
from governance.document_drafts import generate
from governance.documents.composing import compose, content_bytes, kind_named
from governance.documents.content import Rendered
from governance.documents.kinds import Kind
from governance.documents.rendering import render
from governance.documents.standing import is_stale
from governance.errors import (
    DeveloperCannotJudge,
    DocumentStale,
    DocumentUnchanged,
    UnknownDocumentKind,
)
from governance.models import Document
from governance.queries.documents import document_of, page_of, pdf_of
from registry.actions.models import amend_model
from tests.governance.builders import a_report
from tests.governance.documents.builders import a_document, a_drawn_document, overwrite

pytestmark = pytest.mark.django_db


def refused(problem: str) -> bool:
    entry = Entry.objects.order_by("-id").first()
    public = parse(bytes(entry.body))["public"]
    return entry.event == "audit.action_refused" and public["problem"].endswith(problem)


def test_a_document_is_generated_and_the_log_says_what_of(version, developer):
    document = a_drawn_document(version, by=developer)

    public = parse(bytes(document.entry.body))["public"]
    assert (document.entry.event, document.number) == ("governance.document.generated", 1)
    for name in ("sha256", "content_sha256", "html_sha256", "pdf_sha256", "signature"):
        assert public[name] == getattr(document, name)
    assert public["entries_cited"] == 6
    assert hashlib.sha256(page_of(document, reader=developer)).hexdigest() == document.html_sha256
    assert hashlib.sha256(pdf_of(document, reader=developer)).hexdigest() == document.pdf_sha256


def test_the_pdf_says_of_itself_that_it_is_archival_and_of_which_day(version, developer):
    document = a_drawn_document(version, by=developer)

    reader = pypdf.PdfReader(BytesIO(pdf_of(document, reader=developer)))

    declared = reader.xmp_metadata.stream.get_data().decode()
    assert "<pdfaid:part>2</pdfaid:part>" in declared
    assert "<pdfaid:conformance>A</pdfaid:conformance>" in declared
    assert reader.metadata.creation_date == document.as_of.replace(microsecond=0)


def test_the_page_stands_alone(version, validator):
    page = page_of(a_drawn_document(version, "validation_report", by=validator), reader=validator)

    assert b"<svg" in page
    for outside in (b"<script", b"<link", b"src=", b"@import", b"url(http"):
        assert outside not in page


def test_the_same_record_gives_the_same_bytes_at_another_time(version, clock):
    kind, now = Kind.VALIDATION_REPORT, timezone.now()
    content = compose(version, kind, now)
    sha256 = hashlib.sha256(content_bytes(content)).hexdigest()
    first = render(content, sha256)
    clock(now + timedelta(days=3))

    again = compose(version, kind, timezone.now())

    assert content_bytes(again) == content_bytes(content)
    assert render(again, sha256) == first


def test_what_says_nothing_new_is_not_generated_again(version, developer):
    a_document(version, by=developer)

    with pytest.raises(DocumentUnchanged):
        a_document(version, by=developer)

    assert Document.objects.count() == 1
    assert refused("document-unchanged")


def test_a_document_is_overtaken_by_the_record_and_the_next_one_is_not(version, developer):
    first = a_document(version, by=developer)
    assert not is_stale(first, timezone.now())

    amend_model(version.model, {"limitations": "Not for thin files."}, "Learned.", by=developer)

    assert is_stale(first, timezone.now())
    second = a_document(version, by=developer)
    assert (second.number, is_stale(second, timezone.now())) == (2, False)
    assert document_of(version, "model_card") == second
    assert document_of(version, "model_card", 1) == first
    assert first.sha256 != second.sha256


def test_a_new_gate_report_overtakes_the_validation_report(version, validator):
    document = a_document(version, "validation_report", by=validator)

    a_report(version)

    assert is_stale(document, timezone.now())


def test_words_that_the_record_does_not_say_are_not_kept(version, developer):
    forged = Rendered(b"<p>AUC 0.99</p>", b"%PDF", "by hand")

    with pytest.raises(DocumentStale):
        generate_document(version, Kind.MODEL_CARD, forged, "0" * 64, by=developer)

    assert not Document.objects.exists()
    assert refused("document-stale")


def test_whoever_built_a_version_does_not_write_its_validation_report(version, developer):
    with pytest.raises(DeveloperCannotJudge):
        generate(version, Kind.VALIDATION_REPORT, by=developer)

    assert refused("developer-cannot-judge")
    assert not Document.objects.exists()


def test_somebody_without_the_permission_is_refused_on_record_before_anything_is_drawn(
    version, auditor
):
    with pytest.raises(NotPermitted):
        generate(version, Kind.MODEL_CARD, by=auditor)

    assert refused("not-permitted")


def test_an_unknown_kind_is_named(version):
    with pytest.raises(UnknownDocumentKind, match="committee_pack"):
        kind_named("horoscope")


def test_a_stranger_can_check_the_signature_from_the_row(version, developer):
    document = a_document(version, by=developer)
    signed = canonical_json(
        {
            "schema": "credence-document-manifest/1", "kind": "model_card", "model": version.model.name,
            "version": version.number, "content_sha256": document.content_sha256, "html_sha256": document.html_sha256,
            "pdf_sha256": document.pdf_sha256, "renderer": document.renderer,
        }
    )  # fmt: skip

    verify_signature("credence-document/v1", signed, document.key_id, document.signature)
    assert hashlib.sha256(signed).hexdigest() == document.sha256
    with pytest.raises(BadSignature):
        verify_signature("credence-artefact/v1", signed, document.key_id, document.signature)


def test_bytes_that_were_changed_on_disk_are_refused(version, developer):
    document = a_document(version, by=developer)
    overwrite(document.pdf_sha256, b"%PDF-1.7 forged")
    overwrite(document.html_sha256, b"<p>AUC 0.99</p>")

    with pytest.raises(StoredBytesDiffer):
        pdf_of(document, reader=developer)
    with pytest.raises(StoredBytesDiffer):
        page_of(document, reader=developer)
    content_store().path("documents", document.pdf_sha256).unlink()
    with pytest.raises(NotStored):
        pdf_of(document, reader=developer)


def test_a_row_that_names_other_bytes_is_refused_by_its_signature(version, developer):
    """Somebody who could get past the triggers puts a page of their own in the store and its digest into the row."""
    document = a_document(version, by=developer)
    document.html_sha256 = content_store().put("documents", b"<p>AUC 0.99</p>")

    with pytest.raises(BadSignature):
        page_of(document, reader=developer)


def test_who_may_not_see_fairness_reports_reads_no_document_that_compares_groups(
    version, developer, validator
):
    card = a_document(version, "model_card", by=developer)
    report = a_document(version, "validation_report", by=validator)

    assert page_of(card, reader=developer)
    with pytest.raises(NotPermitted):
        page_of(report, reader=developer)
    with pytest.raises(NotPermitted):
        pdf_of(report, reader=developer)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE governance_document SET html_sha256 = 'x'",
        "UPDATE governance_document SET generated_by_id = 1",
        "DELETE FROM governance_document",
    ],
)
def test_a_document_does_not_change_whoever_asks_the_database(version, developer, statement):
    a_document(version, by=developer)

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_the_database_refuses_a_validation_report_by_whoever_built_the_version(
    version, developer, validator
):
    document = a_document(version, "validation_report", by=validator)
    entry = version.entry

    with pytest.raises(IntegrityError, match="validation report"), transaction.atomic():
        Document.objects.create(
            version=version, kind="validation_report", number=2, as_of=document.as_of, content_sha256="a" * 64,
            html_sha256="a" * 64, pdf_sha256="a" * 64, renderer="-", sha256="a" * 64, key_id="-", signature="-",
            generated_by=developer, generated_at=timezone.now(), entry=entry,
        )  # fmt: skip
