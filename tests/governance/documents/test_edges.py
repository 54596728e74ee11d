"""Documents over REST, in the admin and from a terminal: the acts decide, the edges ask."""

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from audit.models import Entry
from governance.models import Document
from registry.actions.models import amend_model
from tests.governance.builders import WHY
from tests.governance.documents.builders import a_document, overwrite, text_of
from tests.governance.test_api import get, post

pytestmark = pytest.mark.django_db


def where(version) -> str:
    return f"models/{version.model.name}/versions/{version.number}/documents"


def test_a_document_over_http_from_generated_to_approved(version, developer, validator):
    made = post(developer, where(version), kind="model_card")
    assert made.status_code == 201
    assert (made.json()["number"], made.json()["is_stale"], made.json()["approved_by"]) == (1, False, None)  # fmt: skip

    approved = post(validator, f"{where(version)}/model_card/approvals", number=1, rationale=WHY)
    assert (approved.status_code, approved.json()["approved_by"]) == (201, "victor")

    listed = get(developer, where(version)).json()
    assert [row["kind"] for row in listed["results"]] == ["model_card"]
    page = get(developer, f"{where(version)}/model_card?format=html")
    pdf = get(developer, f"{where(version)}/model_card?format=pdf&number=1")
    assert page["Content-Type"].startswith("text/html")
    assert "default-src 'none'" in page["Content-Security-Policy"]
    assert version.artefact_id in page.content.decode()
    assert pdf["Content-Type"] == "application/pdf"
    assert version.artefact_id in text_of(pdf.content)


def test_refusals_over_http_name_the_reason(version, developer, validator, auditor):
    post(developer, where(version), kind="model_card")
    report = f"{where(version)}/validation_report"

    assert post(developer, where(version), kind="horoscope").status_code == 422
    assert post(developer, where(version)).json()["errors"][0]["field"] == "kind"
    again = post(developer, where(version), kind="model_card")
    assert (again.status_code, again.json()["type"].rpartition("/")[2]) == (409, "document-unchanged")  # fmt: skip
    own = post(developer, where(version), kind="validation_report")
    assert (own.status_code, own.json()["type"].rpartition("/")[2]) == (403, "developer-cannot-judge")  # fmt: skip
    assert post(auditor, where(version), kind="model_card").status_code == 403
    assert post(developer, f"{where(version)}/model_card/approvals", number=1, rationale=WHY).status_code == 403  # fmt: skip
    assert get(developer, report).status_code == 404
    assert get(developer, f"{where(version)}/horoscope").status_code == 422
    assert get(developer, f"{where(version)}/model_card?number=2").status_code == 404
    wrong = get(developer, f"{where(version)}/model_card?format=docx&number=no")
    assert {error["field"] for error in wrong.json()["errors"]} == {"format", "number"}

    post(validator, where(version), kind="validation_report")
    assert get(developer, f"{report}?format=json").status_code == 200
    assert get(developer, f"{report}?format=html").status_code == 403
    assert get(developer, f"{report}?format=pdf").status_code == 403
    assert get(auditor, f"{report}?format=pdf").status_code == 200
    assert Document.objects.count() == 2


def test_forged_bytes_are_not_served(version, developer):
    document = a_document(version, by=developer)
    overwrite(document.pdf_sha256, b"%PDF-1.7 forged")

    answer = get(developer, f"{where(version)}/model_card?format=pdf")

    assert answer.status_code >= 400
    assert b"forged" not in answer.content


def test_a_stale_document_is_said_to_be_stale_wherever_it_is_shown(
    version, developer, validator, signed_in
):
    document = a_document(version, by=developer)
    amend_model(version.model, {"limitations": "Not for thin files."}, "Learned.", by=developer)
    client = signed_in(validator)

    window = client.get(reverse("admin:governance_document_change", args=[document.pk]))
    of_version = client.get(reverse("admin:registry_modelversion_change", args=[version.pk]))

    assert get(developer, f"{where(version)}/model_card").json()["is_stale"] is True
    assert "The record has moved on" in window.content.decode()
    assert ">stale<" in of_version.content.decode().replace("\n", "").replace(" ", "")


def test_a_document_is_generated_and_approved_in_the_admin(
    version, developer, validator, signed_in
):
    dana, victor = signed_in(developer), signed_in(validator)
    generating = reverse("registry_modelversion_generate-document", args=[version.pk])

    done = dana.post(generating, {"kind": "development_document"}, follow=True)
    document = Document.objects.get()
    approving = reverse("governance_document_approve", args=[document.pk])
    own = dana.post(approving, {"rationale": WHY})
    empty = victor.post(approving, {"rationale": ""})
    victor.post(approving, {"rationale": WHY})

    assert "Generated: development document 1" in done.content.decode()
    assert (own.status_code, empty.status_code) == (403, 422)
    document = Document.objects.get()
    assert document.approval.approver == validator
    window = victor.get(reverse("admin:governance_document_change", args=[document.pk]))
    assert "number=1&amp;format=pdf" in window.content.decode()


def test_what_a_reader_may_not_open_is_not_linked_for_them(
    version, developer, validator, signed_in
):
    document = a_document(version, "validation_report", by=validator)
    address = reverse("admin:governance_document_change", args=[document.pk])

    told = signed_in(developer).get(address).content.decode()

    assert "for those who may see fairness reports" in told
    assert "format=pdf" not in told
    assert "format=pdf" in signed_in(validator).get(address).content.decode()


def test_documents_from_a_terminal(version, developer, validator, tmp_path, capsys):
    model = version.model.name

    call_command("documents", model, 1, "--kind", "model_card", "--kind", "validation_report", "--out", tmp_path)  # fmt: skip
    first = capsys.readouterr().out
    call_command("documents", model, 1, "--kind", "model_card")
    again = capsys.readouterr().out
    call_command("documents", model, 1, "--kind", "validation_report", "--out", tmp_path, "--as", "victor")  # fmt: skip

    assert "not written" in first
    assert "unchanged" in again
    assert version.artefact_id in text_of((tmp_path / f"{model}-1-model_card-1.pdf").read_bytes())
    assert (tmp_path / f"{model}-1-validation_report-1.html").read_bytes().startswith(b"<!doctype")
    assert not Entry.objects.filter(event="audit.action_refused").exists()
    with pytest.raises(CommandError, match="no document"):
        call_command("documents", model, 1, "--kind", "horoscope")
    with pytest.raises(CommandError, match="no folder"):
        call_command("documents", model, 1, "--out", tmp_path / "nowhere")
