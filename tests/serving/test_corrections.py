"""Wrong data are put right by a new decision that is linked to the one before; neither is overwritten."""

import pytest
from django.db import DatabaseError, transaction

from audit import vault
from audit.errors import NotPermitted
from audit.models import Entry
from serving.actions.corrections import correct_decision
from serving.errors import CorrectionMalformed
from serving.models import Correction, Decision, Observation
from serving.resolutions import final_of
from tests.registry.builders import PROTECTED_COLUMNS, a_version
from tests.serving.builders import GOOD
from tests.serving.reviewing import a_decline

pytestmark = pytest.mark.django_db
SOURCE = "Letter of the credit bureau of 3 November."


@pytest.fixture
def decision(champion, lending):
    return a_decline(champion, by=lending)


def test_corrected_data_make_a_new_decision_about_the_same_application(decision, lending):
    before = Observation.objects.get(pk=decision.pk)
    right = {"delinquencies": 0, "dti": GOOD["dti"], "income": GOOD["income"]}

    correction = correct_decision(decision.pk, right, SOURCE, by=lending)

    new = correction.decision
    assert (correction.original, correction.features) == (
        decision,
        ["delinquencies", "dti", "income"],
    )
    assert new.outcome == "approved"
    assert (new.subject_id, new.application_id) == (decision.subject_id, decision.application_id)
    assert new.received_at == decision.received_at
    assert new.clock_basis == "completed_at"
    assert new.observation.pk == new.pk
    unchanged = Observation.objects.get(pk=decision.pk)
    assert (unchanged.pd, bytes(unchanged.packed)) == (before.pd, bytes(before.packed))
    assert final_of(decision).outcome == "declined", "A correction offers, and overwrites nothing."
    entry = Entry.objects.get(event="serving.decision.corrected")
    said = vault.open_private(entry)
    assert said["source"] == SOURCE
    assert said["features"]["delinquencies"] == {"was": 6, "is": 0}
    assert SOURCE.encode() not in bytes(entry.body)


def test_what_was_not_corrected_is_as_it_was(decision, lending):
    correction = correct_decision(decision.pk, {"delinquencies": 5}, SOURCE, by=lending)

    payload = vault.open_private(correction.decision.entry)
    assert payload["features"]["delinquencies"] == 5
    assert payload["features"]["purpose"] == "medical"
    assert payload["features"]["dti"] == vault.open_private(decision.entry)["features"]["dti"]


def test_the_champion_of_now_decides(decision, champion, lending):
    newer = a_version(champion.model, stage="production")

    correction = correct_decision(decision.pk, {"delinquencies": 5}, SOURCE, by=lending)

    assert correction.decision.version == newer
    assert correction.original.version == champion


@pytest.mark.parametrize(
    ("features", "fields"),
    [
        ({}, {"features"}),
        ({"delinquencies": 6}, {"delinquencies"}),
        ({"shoe_size": 43, PROTECTED_COLUMNS[0]: "f", "dti": "high"}, {"shoe_size", PROTECTED_COLUMNS[0], "dti"}),
    ],
)  # fmt: skip
def test_every_name_at_fault_is_named_and_nothing_is_decided(decision, lending, features, fields):
    with pytest.raises(CorrectionMalformed) as caught:
        correct_decision(decision.pk, features, SOURCE, by=lending)

    assert {problem.field for problem in caught.value.errors} == fields
    assert Decision.objects.count() == 1
    assert not Correction.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").count() == 1


def test_a_correction_says_where_the_right_values_come_from(decision, lending):
    with pytest.raises(CorrectionMalformed):
        correct_decision(decision.pk, {"delinquencies": 0}, " ", by=lending)

    assert Decision.objects.count() == 1


def test_only_the_system_that_asked_has_a_decision_corrected(champion, lending):
    other = a_decline(champion)

    with pytest.raises(NotPermitted):
        correct_decision(other.pk, {"delinquencies": 0}, SOURCE, by=lending)

    assert not Correction.objects.exists()


def test_the_answer_is_the_new_decision_with_its_receipt(decision, post):
    answer = post(
        f"decisions/{decision.pk}/corrections",
        {"features": {"delinquencies": 5}, "source": SOURCE},
    )

    assert answer.status_code == 201, answer.content
    body = answer.json()
    assert (body["original"], body["corrected"]) == (str(decision.pk), ["delinquencies"])
    assert body["decision"]["decision_id"] != str(decision.pk)
    assert body["decision"]["receipt"]["entry_id"]
    again = post(f"decisions/{decision.pk}/corrections", {"features": {"sex": 1}, "source": SOURCE})
    assert again.status_code == 422
    assert [one["field"] for one in again.json()["errors"]] == ["sex"]


def test_a_correction_is_never_changed(decision, lending):
    correct_decision(decision.pk, {"delinquencies": 5}, SOURCE, by=lending)

    with pytest.raises(DatabaseError), transaction.atomic():
        Correction.objects.update(features=[])
    with pytest.raises(DatabaseError), transaction.atomic():
        Correction.objects.all().delete()
