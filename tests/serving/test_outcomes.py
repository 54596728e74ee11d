import json
from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry
from audit.vault import open_private
from serving.models import Outcome
from tests.serving.builders import a_decision

pytestmark = pytest.mark.django_db


def a_label(**changes):
    ordinary = {
        "bad": True,
        "observed_on": f"{timezone.now():%Y-%m-%d}",
        "months_on_book": 12,
        "matured": True,
        "source": "collections",
    }
    return ordinary | changes


@pytest.fixture
def decision(champion):
    return a_decision(champion)


def errors_of(problem):
    return {(error["field"], error["type"]) for error in problem["errors"]}


def test_how_a_loan_turned_out_is_kept_with_its_entry(post, decision, lending):
    response = post(f"decisions/{decision.pk}/label", a_label())

    assert response.status_code == 201
    assert response.json() == a_label() | {"decision_id": str(decision.pk)}
    outcome = Outcome.objects.get()
    assert (outcome.decision, outcome.bad, outcome.matured) == (decision, True, True)
    assert outcome.supplied_by == lending
    assert outcome.entry.event == "serving.outcome.recorded"


def test_the_log_does_not_say_in_clear_who_defaulted(post, decision):
    post(f"decisions/{decision.pk}/label", a_label())

    entry = Entry.objects.get(event="serving.outcome.recorded")
    assert json.loads(bytes(entry.body))["public"] == {}
    assert open_private(entry)["bad"] is True


def test_later_knowledge_is_a_later_row(post, decision):
    earlier = decision.decided_at.date()
    post(
        f"decisions/{decision.pk}/label",
        a_label(bad=False, matured=False, observed_on=f"{earlier}"),
    )

    again = post(f"decisions/{decision.pk}/label", a_label(observed_on=f"{earlier}"))

    assert again.status_code == 422
    assert errors_of(again.json()) == {("observed_on", "already_known")}
    assert Outcome.objects.count() == 1


def test_every_bad_field_of_a_label_is_named_in_one_answer(post, decision):
    tomorrow = timezone.now().date() + timedelta(days=2)
    label = a_label(
        bad="yes", observed_on=f"{tomorrow}", months_on_book=-1, source="", colour="red"
    )
    del label["matured"]

    response = post(f"decisions/{decision.pk}/label", label)

    assert response.status_code == 422
    assert errors_of(response.json()) == {
        ("bad", "wrong_type"),
        ("observed_on", "out_of_range"),
        ("months_on_book", "out_of_range"),
        ("source", "wrong_type"),
        ("colour", "unexpected"),
        ("matured", "missing"),
    }
    assert not Outcome.objects.exists()


def test_a_label_from_before_the_decision_is_refused(post, decision):
    response = post(f"decisions/{decision.pk}/label", a_label(observed_on="2001-01-01"))

    assert errors_of(response.json()) == {("observed_on", "out_of_range")}


def test_a_label_of_an_unknown_decision_is_refused(post, decision):
    response = post("decisions/019aa5c3-7d3e-7cc1-8d2e-5a0f3f6f2b11/label", a_label())

    assert response.status_code == 422
    assert errors_of(response.json()) == {("decision_id", "unknown")}


def test_many_labels_at_once_keep_the_good_and_name_the_bad(post, champion):
    first, second = a_decision(champion), a_decision(champion)
    good = a_label(decision_id=str(first.pk))

    response = post(
        "labels",
        {
            "labels": [
                good,
                a_label(decision_id=str(second.pk), bad=None),
                good,
                a_label(decision_id=str(second.pk), bad=False),
                7,
            ]
        },
    )

    body = response.json()
    assert response.status_code == 200
    assert (body["recorded"], body["refused"]) == (2, 3)
    assert [sorted(row) for row in body["results"]] == [
        ["label"],
        ["problem"],
        ["problem"],
        ["label"],
        ["problem"],
    ]
    assert errors_of(body["results"][2]["problem"]) == {("observed_on", "already_known")}
    assert Outcome.objects.count() == 2
    assert Entry.objects.filter(event="serving.outcome.recorded").count() == 2
    assert Entry.objects.filter(event="serving.outcomes.refused").count() == 1


@pytest.mark.parametrize("labels", [[], [{}] * 10_001])
def test_a_batch_of_labels_out_of_bounds_is_refused(post, champion, labels):
    response = post("labels", {"labels": labels})

    assert response.json()["type"] == "/problems/batch-out-of-bounds"


def test_who_does_not_supply_outcomes_is_refused(decision, auditor, signed_in):
    response = signed_in(auditor).post(
        f"/api/v1/decisions/{decision.pk}/label", a_label(), content_type="application/json"
    )

    assert response.status_code == 403
    assert not Outcome.objects.exists()
