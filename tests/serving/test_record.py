"""No decision without an entry, no entry without a decision, and neither ever changes."""

import pytest
from django.db import DatabaseError, connection, transaction

from audit.actions.subjects import erase_subject
from audit.models import Entry
from registry.contract import FeatureContract
from serving.in_service import bytes_of
from serving.models import Decision, ExplanationFailure, Observation, Outcome
from serving.scoring import loaded
from serving.tasks import forget_erased
from tests.registry.builders import CONTRACT, a_dataset, a_run
from tests.serving.builders import BAD, a_champion, a_decision, an_application

pytestmark = pytest.mark.django_db


def refuse_inserts(table):
    """From here on the database takes no row into that table."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute(
                f"CREATE TEMP TRIGGER full BEFORE INSERT ON {table} "
                "BEGIN SELECT RAISE(ABORT, 'the disk is full'); END"
            )
        else:
            cursor.execute(
                "CREATE FUNCTION pg_temp.full() RETURNS trigger LANGUAGE plpgsql AS "
                "$$BEGIN RAISE EXCEPTION 'the disk is full'; END$$"
            )
            cursor.execute(
                f"CREATE TRIGGER is_full BEFORE INSERT ON {table} "
                "FOR EACH ROW EXECUTE FUNCTION pg_temp.full()"
            )


@pytest.mark.parametrize(
    "table", ["audit_entry", "audit_outbox", "serving_decision", "serving_observation"]
)
def test_what_cannot_be_kept_in_full_is_not_kept_at_all(decide_over_http, table):
    before = Entry.objects.count()
    refuse_inserts(table)

    response = decide_over_http(an_application(), key="k-1")

    assert response.status_code == 500
    assert "the disk is full" not in response.content.decode()
    assert Entry.objects.count() == before
    assert not Decision.objects.exists()
    assert not Observation.objects.exists()


def refused(statement):
    with pytest.raises(DatabaseError), transaction.atomic():
        statement()


def test_a_decision_is_never_changed_or_deleted(champion):
    a_decision(champion)

    refused(lambda: Decision.objects.update(outcome="approved"))
    refused(lambda: Observation.objects.update(pd=0.0))
    refused(lambda: _delete("serving_decision"))
    refused(lambda: _delete("serving_observation"))


def _delete(table):
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {table}")


def test_an_outcome_is_never_changed_or_deleted(champion, lending, post):
    decision = a_decision(champion)
    label = {
        "bad": True,
        "observed_on": f"{decision.decided_at:%Y-%m-%d}",
        "months_on_book": 12,
        "matured": True,
        "source": "collections",
    }
    assert post(f"decisions/{decision.pk}/label", label).status_code == 201

    refused(lambda: Outcome.objects.update(bad=False))
    refused(lambda: _delete("serving_outcome"))


def test_an_observation_goes_only_with_the_erased_person(
    decide_over_http, privacy_officer, client_of_lending
):
    kept = decide_over_http(an_application(**BAD)).json()
    gone = decide_over_http(an_application()).json()
    subject = Decision.objects.get(pk=gone["decision_id"]).subject_id
    refused(lambda: Observation.objects.filter(subject_id=subject).delete())

    erase_subject(subject, by=privacy_officer, legal_basis="GDPR 17(1)(a)", reason="Asked.")
    forget_erased()

    assert str(Observation.objects.get().decision_id) == kept["decision_id"]
    assert Entry.objects.filter(event="serving.observations.deleted").exists()
    response = client_of_lending.get(f"/api/v1/decisions/{gone['decision_id']}")
    assert response.status_code == 410
    assert response.json()["type"] == "/problems/already-erased"


def test_a_decision_refers_to_its_own_entry(champion):
    decision = a_decision(champion)

    assert Entry.objects.get(subject_id=str(decision.pk)) == decision.entry
    assert decision.decided_at == decision.entry.occurred_at


def test_the_database_itself_refuses_a_knockout_that_approves(champion):
    decision = a_decision(champion)
    decision.pk = "019aa5c3-7d3e-7cc1-8d2e-5a0f3f6f2b11"
    decision.outcome, decision.decision_path = "approved", "knockout"

    refused(lambda: decision.save(force_insert=True))


@pytest.fixture
def unbounded():
    """A champion whose contract bounds no feature, so that doubles can be made to run out."""
    features = [
        {**feature, "minimum": None, "maximum": None} for feature in CONTRACT.as_json()["features"]
    ]
    contract = FeatureContract.from_json({"features": features})
    return a_champion(run=a_run(dataset=a_dataset(contract=contract)))


def test_attributions_that_miss_the_margin_decide_nothing_and_leave_a_fact(post, unbounded):
    # Two features of 1e18 that cancel out leave a margin made of rounding.
    scorer = loaded(bytes_of(unbounded)).judge.scorer
    dti, income = scorer.coefficients[:2]
    application = an_application(dti=1e18, income=-1e18 * dti / income)

    response = post(f"models/{unbounded.model.name}/decisions", application)

    assert response.status_code == 503
    assert response.json()["type"] == "/problems/explanation-does-not-add-up"
    assert not Decision.objects.exists()
    failure = ExplanationFailure.objects.get()
    assert failure.version == unbounded
    assert failure.entry.event == "serving.explanation.failed"
    assert "1e+18" not in bytes(failure.entry.body).decode()
