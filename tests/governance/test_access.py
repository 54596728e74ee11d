"""Requests for access: what is in the copy, who may have it, and when it goes."""

import hashlib
import io
import json
import zipfile
from datetime import timedelta

import pypdf
import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from audit import keys, references
from audit.actions.exports import complete_export, request_export
from audit.actions.subjects import erase_subject
from audit.entries import parse
from audit.errors import BadSignature, NotPermitted
from audit.export import bundle_path
from audit.models import Entry
from audit.person_requests import PersonRequest
from audit.queries import service_account
from audit.scope import Scope
from governance.access import package
from governance.access.gathering import gathered
from governance.actions.access import request_access
from governance.errors import AccessAnswered
from governance.models import AccessRequest
from governance.tasks import answer_access, answer_access_requests, end_access
from serving.actions.outcomes import record_outcome
from tests.monitoring.builders import a_monitored_champion, decided, the_client
from tests.monitoring.test_protected_values import person, supplied
from tests.registry.tables import a_document, a_table, recorded

pytestmark = pytest.mark.django_db


@pytest.fixture
def decision():
    """Of somebody about whom monitoring holds attributes, and whose outcome is known."""
    [decision] = decided(a_monitored_champion(), 1)
    supplied(person(0, sex="f", age=33))
    record_outcome(
        {
            "decision_id": str(decision.pk),
            "bad": False,
            "observed_on": str(timezone.now().date()),
            "months_on_book": 1,
            "matured": False,
            "source": "core banking",
        },
        by=the_client(),
    )
    return decision


def asked(by, subject_id=None, **changes):
    fields = {
        "correspondence": "DSAR-3",
        "identity_check": "Passport seen.",
        "received_on": timezone.now().date(),
        "subject_id": subject_id,
    } | changes
    return request_access(PersonRequest(**fields), by=by)


def answered(by, subject_id=None, **changes):
    return package.answer(asked(by, subject_id, **changes), by=service_account("monitor"))


def files(request):
    with zipfile.ZipFile(package.package_path(request)) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def test_the_copy_holds_what_was_decided_on_what_and_why(decision, privacy_officer):
    request = answered(privacy_officer, decision.subject_id)

    copy = json.loads(files(request)["data.json"])

    [told] = copy["decisions"]
    assert told["decision_id"] == str(decision.pk)
    assert (told["model_name"], told["version"]) == (decision.model_name, decision.version.number)
    assert told["outcome"] == decision.outcome
    assert {row["feature"] for row in told["data_used"]} >= {"dti", "income"}
    assert all("lending of the tests" in row["source"] for row in told["data_used"])
    assert float(told["score"]["probability_of_default"]) == pytest.approx(decision.observation.pd)
    assert told["reasons"] == [
        {**reason, "contribution": repr(reason["contribution"])}
        for reason in decision.observation.reasons
    ]
    assert copy["monitoring_attributes"][0]["values"] == {"sex": "f", "age": 33}
    [outcome] = copy["other_records"]
    assert outcome["content"]["bad"] is False
    assert {row["purpose"] for row in copy["retention"]} == {"decision", "monitoring"}
    assert copy["recipients"][0]["who"] == "the lending system 'lending of the tests'"


def test_what_the_service_does_not_know_is_said_and_not_invented(decision, privacy_officer):
    copy = json.loads(files(answered(privacy_officer, decision.subject_id))["data.json"])

    assert set(copy["not_known_here"]) == {
        "legal_bases_and_consents",
        "transfers",
        "notices",
        "overrides_and_human_reviews",
        "counterfactuals",
        "inferred_attributes",
    }
    assert [redaction["reason"][:16] for redaction in copy["redactions"]]


def test_the_documents_can_be_read_and_name_the_rights(decision, privacy_officer):
    contents = files(answered(privacy_officer, decision.subject_id))

    letter, data = (text_of(contents[name]) for name in ("letter.pdf", "data.pdf"))

    assert "DSAR-3" in letter
    assert "Art. 77" in letter
    assert str(decision.pk) in data.replace("\n", "")
    assert "Trade secrets" in data
    assert "33" in data


def text_of(pdf):
    pages = pypdf.PdfReader(io.BytesIO(pdf)).pages
    return "\n".join(page.extract_text() for page in pages)


def test_the_manifest_lists_every_file_and_is_signed(decision, privacy_officer):
    request = answered(privacy_officer, decision.subject_id)
    contents = files(request)
    manifest = json.loads(contents["manifest.json"])
    signed = json.loads(contents["manifest.sig"])

    for name in ("letter.pdf", "data.pdf", "data.json"):
        assert manifest["files"][name]["sha256"] == hashlib.sha256(contents[name]).hexdigest()
    assert set(manifest["files"]) == set(contents) - {"manifest.json", "manifest.sig"}
    proof = (signed["key_id"], signed["signature"])
    keys.verify_signature(package.DOMAIN, contents["manifest.json"], *proof)
    with pytest.raises(BadSignature):
        keys.verify_signature(package.DOMAIN, contents["manifest.json"] + b" ", *proof)
    assert signed["delegation"].startswith("credence-delegation/v1")
    assert package.package_path(request).stat().st_mode & 0o777 == 0o600


def test_the_log_says_what_was_read_and_nothing_personal(decision, privacy_officer):
    request = answered(privacy_officer, decision.subject_id)

    entries = Entry.objects.filter(subject_id=str(request.pk)).order_by("pk")

    assert [entry.event for entry in entries] == [
        "governance.access.requested",
        "governance.access.answered",
    ]
    said = parse(bytes(entries[1].body))["public"]
    assert (said["decisions"], said["protected_rows_read"]) == (1, 1)
    assert said["sha256"] == request.sha256


def test_somebody_unknown_is_told_that_nothing_is_held(privacy_officer):
    request = answered(privacy_officer, client="lending", subject_ref="nobody")

    contents = files(request)

    assert request.state == "available"
    assert json.loads(contents["data.json"])["decisions"] == []
    assert "Nothing is held" in text_of(contents["letter.pdf"]).replace("\n", " ")


def test_a_bundle_that_disclosed_the_person_is_among_the_recipients(
    decision, privacy_officer, auditor
):
    export = request_export(Scope(decisions=(str(decision.pk),)), by=auditor)
    bundle_path(export).parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(bundle_path(export), "w") as made:
        made.writestr(f"disclosed/{decision.entry_id}.json", "{}")
    complete_export(
        export.pk, by=service_account("archiver"), sha256="0" * 64, size=1, tree_size=1, disclosed=1
    )

    request = asked(privacy_officer, decision.subject_id)
    copy = gathered(request, reader=service_account("monitor"), made_at=timezone.now())

    assert copy["recipients"][-1]["who"].startswith("auditor, in an evidence bundle")


def test_erased_decisions_are_named_as_erased(decision, privacy_officer):
    erase_subject(
        decision.subject_id, by=privacy_officer, legal_basis="GDPR Art. 17(1)", reason="Asked."
    )

    copy = json.loads(files(answered(privacy_officer, decision.subject_id))["data.json"])

    [told] = copy["decisions"]
    assert "nobody can read it" in told["erased"]
    assert copy["monitoring_attributes"] == []
    assert copy["retention"] == []


def test_a_copy_goes_with_the_person_and_when_its_time_is_over(
    decision, privacy_officer, monkeypatch
):
    expiring = answered(privacy_officer, client="lending", subject_ref="nobody")
    of_person = answered(privacy_officer, decision.subject_id)
    erase_subject(
        decision.subject_id, by=privacy_officer, legal_basis="GDPR Art. 17(1)", reason="Asked."
    )

    end_access()

    of_person.refresh_from_db()
    assert of_person.state == "destroyed"
    assert not package.package_path(of_person).exists()
    assert package.package_path(expiring).exists()
    later = timezone.now() + timedelta(days=31)
    monkeypatch.setattr(
        package, "timezone", type("clock", (), {"now": staticmethod(lambda: later)})
    )
    end_access()
    expiring.refresh_from_db()
    assert expiring.state == "expired"
    assert not package.package_path(expiring).exists()
    assert Entry.objects.filter(event="governance.access.ended").count() == 2


def test_a_copy_is_asked_for_made_and_taken_over_http(decision, privacy_officer, signed_in):
    client = signed_in(privacy_officer)
    body = {
        "correspondence": "DSAR-4",
        "identity_check": "Passport seen.",
        "received_on": str(timezone.now().date()),
        "subject_id": str(decision.subject_id),
    }

    answer = client.post(
        "/api/v1/subject-access-requests", json.dumps(body), content_type="application/json"
    )
    assert answer.status_code == 202
    place = answer.headers["Location"]
    assert client.get(f"{place}/file").status_code == 409
    answer_access(answer.json()["id"])
    answer_access(answer.json()["id"])
    ready = client.get(place).json()
    taken = client.get(ready["file"])

    data = b"".join(taken.streaming_content)
    assert hashlib.sha256(data).hexdigest() == ready["sha256"]
    assert Entry.objects.get(event="governance.access.taken").actor_name == "petra"
    assert client.get("/api/v1/subject-access-requests").json()["count"] == 1


def test_nobody_else_asks_for_a_copy_or_takes_one(decision, privacy_officer, auditor, signed_in):
    request = answered(privacy_officer, decision.subject_id)

    with pytest.raises(NotPermitted):
        asked(auditor, decision.subject_id)
    client = signed_in(auditor)
    assert client.get(f"/api/v1/subject-access-requests/{request.pk}").status_code == 200
    assert client.get(f"/api/v1/subject-access-requests/{request.pk}/file").status_code == 403


def test_the_sweep_makes_what_was_forgotten_once(decision, privacy_officer):
    request = asked(privacy_officer, decision.subject_id)

    answer_access_requests()
    answer_access_requests()

    request.refresh_from_db()
    assert request.state == "available"
    with pytest.raises(AccessAnswered):
        package.answer(request, by=service_account("monitor"))


def test_without_the_key_the_reason_is_kept_and_nothing_is_made(
    decision, privacy_officer, settings, tmp_path, monkeypatch
):
    request = asked(privacy_officer, decision.subject_id)
    monkeypatch.setattr("monitoring.protected_key.FILE_NAME", "lost.key")

    failed = package.answer(request, by=service_account("monitor"))

    assert (failed.state, "cannot be read" in failed.note) == ("failed", True)
    assert not package.package_path(request).exists()


def test_a_request_is_recorded_on_its_page_and_its_window_opens(
    decision, privacy_officer, signed_in
):
    client = signed_in(privacy_officer)
    answer = client.post(
        "/governance/accessrequest/record/",
        {
            "correspondence": "DSAR-5",
            "received_on": str(timezone.now().date()),
            "identity_check": "Passport seen.",
            "subject_id": str(decision.subject_id),
        },
        follow=True,
    )
    assert 'data-outcome="done"' in answer.content.decode()
    answer_access_requests()

    request = AccessRequest.objects.get()
    page = client.get(f"/governance/accessrequest/{request.pk}/change/").content.decode()

    assert "Download the copy" in page
    assert "Record a request" in client.get("/governance/accessrequest/").content.decode()


def test_the_command_writes_the_package(decision, privacy_officer, tmp_path, capsys):
    out = tmp_path / "copy.zip"
    words = [
        "--out", str(out), "--correspondence", "DSAR-6", "--identity-check", "Passport.",
        "--received-on", str(timezone.now().date()), "--subject-id", str(decision.subject_id),
    ]  # fmt: skip

    call_command("dsar", "--as", "petra", *words)

    assert "manifest.sig" in zipfile.ZipFile(out).namelist()
    assert out.stat().st_mode & 0o777 == 0o600
    assert Entry.objects.filter(event="governance.access.taken").exists()
    with pytest.raises(CommandError, match="does not hold"):
        call_command("dsar", *words)


def test_the_copy_holds_what_feature_tables_keep_whether_or_not_it_was_used(privacy_officer):
    table, since = a_table(the_client(), "bureau"), timezone.now() - timedelta(days=400)
    recorded(table, a_document("C-1", since, accounts=7), a_document("C-2", since, accounts=8))
    subject = references.find(the_client().get_username(), "subject", ["C-1"])["C-1"]

    request = answered(privacy_officer, subject)

    [held] = json.loads(files(request)["data.json"])["feature_values"]
    assert held["table"] == "bureau/1"
    assert held["source"] == table.source
    assert held["values"]["accounts"] == 7
    text = "".join(
        page.extract_text()
        for page in pypdf.PdfReader(io.BytesIO(files(request)["data.pdf"])).pages
    )
    assert "accounts" in text
