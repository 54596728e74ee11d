"""The gate can ask for the documents that come before it, and says which are not complete."""

import pytest
from django.utils import timezone

from audit.queries import service_account
from governance.actions.documents import approve_document
from governance.actions.gates import request_gates
from governance.documents.kinds import Kind
from governance.documents.standing import development_documents
from governance.errors import GatePolicyMalformed
from governance.gate_policy import read_policy
from governance.gate_runs import carry_out
from governance.gates import judge, passed
from governance.measured import Standing
from governance.rehearsal import rehearse
from registry.actions.models import amend_model
from tests.governance.builders import WHY, a_check, a_gate_policy, what_was_measured
from tests.governance.documents.builders import a_document
from tests.registry.builders import a_run, a_version

BOTH = ["model_card", "development_document"]


def verdict(documents, kinds=("model_card",), severity="block", **settings):
    checks = read_policy({"checks": [a_check("documents_complete", severity, kinds=list(kinds), **settings)]})  # fmt: skip
    found = judge(what_was_measured(documents=documents), checks)
    return found[0], passed(found)


def test_a_document_that_was_never_generated_is_missing_evidence_and_blocks():
    found, passes = verdict({"model_card": Standing.APPROVED}, BOTH)

    assert (found.status, passes) == ("insufficient_data", False)
    assert found.why == "Never generated: development document."


@pytest.mark.parametrize(
    ("standing", "why"),
    [
        (Standing.GENERATED, "Not complete: model card (not approved)."),
        (Standing.STALE, "Not complete: model card (the record has moved on)."),
    ],
)
def test_a_document_that_nobody_approved_or_that_is_overtaken_is_not_complete(standing, why):
    found, passes = verdict({"model_card": standing, "development_document": Standing.APPROVED}, BOTH)  # fmt: skip

    assert (found.status, found.value, found.n, passes) == ("fail", 1.0, 2, False)
    assert found.why == why


def test_approved_documents_are_complete():
    found, passes = verdict(dict.fromkeys(BOTH, Standing.APPROVED), BOTH)

    assert (found.status, found.value, found.n, passes) == ("pass", 2.0, 2, True)
    assert found.threshold == "model card, development document approved"


def test_a_policy_may_be_content_with_documents_that_nobody_approved_yet():
    generated = {"model_card": Standing.GENERATED}

    assert verdict(generated, approved=False)[0].status == "pass"
    assert verdict({"model_card": Standing.STALE}, approved=False)[0].status == "fail"
    assert verdict(generated, severity="watch")[0].status == "watch"


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({}, "checks.0.kinds"),
        ({"kinds": []}, "checks.0.kinds"),
        ({"kinds": "model_card"}, "checks.0.kinds"),
        ({"kinds": ["validation_report"]}, "checks.0.kinds"),
        ({"kinds": ["committee_pack", "model_card"]}, "checks.0.kinds"),
        ({"kinds": [["model_card"]]}, "checks.0.kinds"),
        ({"kinds": ["model_card", "model_card"]}, "checks.0.kinds"),
        ({"kinds": ["model_card"], "approved": "yes"}, "checks.0.approved"),
        ({"kinds": ["model_card"], "minimum": 1}, "checks.0.minimum"),
    ],
)
def test_a_policy_that_asks_for_what_cannot_be_there_is_refused_by_field(settings, field):
    with pytest.raises(GatePolicyMalformed) as refusal:
        read_policy({"checks": [a_check("documents_complete", **settings)]})

    assert [problem.field for problem in refusal.value.errors] == [field]


def test_a_rehearsal_does_not_answer_for_documents_it_was_not_asked_about():
    taken = read_policy({"checks": [a_check("documents_complete", kinds=["model_card"])]})
    wanted = read_policy({"checks": [a_check("documents_complete", kinds=BOTH)]})
    results = [each.as_json() for each in judge(what_was_measured(documents={"model_card": Standing.APPROVED}), taken)]  # fmt: skip

    assert rehearse(results, taken, taken)[0].status == "pass"
    assert not rehearse(results, taken, wanted)[0].measured


@pytest.mark.django_db
def test_a_version_is_measured_by_how_its_documents_stand(developer, validator):
    a_gate_policy(checks=[a_check("documents_complete", kinds=BOTH)])
    version = a_version(run=a_run(requested_by=developer))

    def measured():
        run = request_gates(version, by=developer)
        return carry_out(run.pk, by=service_account("retrainer")).results[0]

    assert measured()["status"] == "insufficient_data"
    documents = [a_document(version, kind, by=developer) for kind in BOTH]
    assert measured()["status"] == "fail"
    for document in documents:
        approve_document(document.pk, WHY, by=validator)
    complete = measured()
    assert complete["status"] == "pass"
    assert measured()["status"] == "pass", "The report itself makes no document stale."

    amend_model(version.model, {"limitations": "Not for thin files."}, "Learned.", by=developer)
    assert development_documents(version, timezone.now()) == dict.fromkeys(BOTH, Standing.STALE)
    assert measured()["status"] == "fail"


@pytest.mark.django_db
def test_a_newer_draft_of_the_same_record_takes_nothing_from_an_approved_document(
    developer, validator
):
    version = a_version(run=a_run(requested_by=developer))
    first = a_document(version, by=developer)
    approve_document(first.pk, WHY, by=validator)

    assert development_documents(version, timezone.now()) == {Kind.MODEL_CARD: Standing.APPROVED}
