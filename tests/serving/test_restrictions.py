"""An application outside of a use restriction is refused and never scored, from the next one on."""

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.entries import parse
from audit.errors import Refusal
from audit.ids import uuid7
from audit.models import Entry
from registry.actions.restrictions import lift_restriction, restrict_use
from serving.actions.decisions import decide_batch
from serving.in_service import limits_on
from serving.models import Decision
from tests.registry.builders import a_version, the_builder, the_checker
from tests.serving.builders import BAD, a_decision, an_application, the_client

pytestmark = pytest.mark.django_db


def restricted(on, kind, **limits):
    return restrict_use(on, kind, limits, "Untested outside.", by=the_builder())


def refusal_of(response):
    body = response.json()
    return response.status_code, body["type"], [e["field"] for e in body.get("errors", [])]


def test_an_amount_above_the_limit_is_refused_and_one_at_the_limit_is_decided(
    decide_over_http, champion
):
    restricted(champion, "max_amount", feature="income", max=60_000)

    above = decide_over_http(an_application(income=60_000.5))
    at_limit = decide_over_http(an_application(income=60_000.0))

    assert refusal_of(above) == (409, "/problems/use-restricted", ["features.income"])
    assert at_limit.status_code == 201
    assert Decision.objects.count() == 1
    assert Entry.objects.filter(event="audit.action_refused").count() == 1


def test_only_the_allowed_values_of_a_feature_are_decided(decide_over_http, champion):
    restricted(champion.model, "allowed_values", feature="purpose", values=["car"])

    assert decide_over_http(an_application(purpose="car")).status_code == 201
    refused = decide_over_http(an_application(purpose="medical"))

    assert refusal_of(refused)[1:] == ("/problems/use-restricted", ["features.purpose"])
    assert Decision.objects.count() == 1


def test_a_restriction_counts_whatever_number_it_has(decide_over_http, champion):
    other = a_version()
    for _ in range(champion.pk + 1):  # none of them concerns the champion
        restricted(other, "no_new_decisions")

    assert decide_over_http(an_application()).status_code == 201
    restricted(champion.model, "no_new_decisions")
    assert decide_over_http(an_application()).status_code == 503


def test_a_closed_model_decides_nothing_until_the_restriction_is_lifted(decide_over_http, champion):
    closed = restricted(champion.model, "no_new_decisions")

    assert refusal_of(decide_over_http(an_application()))[:2] == (
        503,
        "/problems/no-new-decisions",
    )
    assert not Decision.objects.exists()
    lift_restriction(closed, "Reviewed.", by=the_checker())
    assert decide_over_http(an_application()).status_code == 201


def test_every_restriction_in_the_way_is_named_in_a_batch_and_the_rest_is_decided(post, champion):
    restricted(champion.model, "allowed_values", feature="purpose", values=["car"])
    restricted(champion, "max_amount", feature="income", max=50_000)
    rows = [
        an_application(purpose="car", income=40_000.0),
        an_application(purpose="medical", income=90_000.0),
    ]

    answer = post(f"models/{champion.model.name}/decisions/batch", {"applications": rows})

    assert answer.status_code in (200, 201), answer.content
    assert Decision.objects.count() == 1
    entry = Entry.objects.get(event="serving.applications.refused")
    assert b"use-restricted" in bytes(entry.body)


def test_a_restriction_on_another_version_limits_nothing_here(decide_over_http, champion):
    other = a_version(champion.model, stage="staging")
    restricted(other, "no_new_decisions")

    assert decide_over_http(an_application()).status_code == 201


def test_restrictions_cost_a_decision_one_query(champion, django_assert_num_queries):
    if connection.vendor == "postgresql":
        pytest.skip("Django does not see what goes through the driver's own cursor")
    a_version(champion.model, stage="staging")
    restricted(champion, "max_amount", feature="income", max=60_000)
    restricted(champion.model, "allowed_values", feature="purpose", values=["car"])

    with django_assert_num_queries(1):
        limits = limits_on(champion.pk, timezone.now())

    assert [limit.kind for limit in limits] == ["max_amount", "allowed_values"]


@pytest.mark.parametrize("features", [{}, {"dti": 99.0, "delinquencies": 8}, {"delinquencies": 12}])
def test_under_a_referral_every_application_is_left_to_a_person(
    decide_over_http, champion, features
):
    restriction = restricted(champion.model, "refer_all")

    answer = decide_over_http(an_application(**features))

    assert answer.status_code == 201
    body = answer.json()
    assert (body["outcome"], body["decision_path"]) == ("referred", "restricted")
    assert Decision.objects.get().outcome == "referred"
    public = parse(bytes(Entry.objects.get(event="serving.decision.made").body))["public"]
    assert public["restricted_by"] == [restriction.pk]


def test_a_referral_keeps_the_reasons_of_the_score_and_ends_with_its_lift(
    decide_over_http, champion
):
    before = decide_over_http(an_application(**BAD)).json()
    restriction = restricted(champion, "refer_all")
    under = decide_over_http(an_application(**BAD)).json()
    lift_restriction(restriction, "Reviewed.", by=the_checker())

    after = decide_over_http(an_application(**BAD)).json()

    assert before["outcome"] == after["outcome"] == "declined"
    assert under["reasons"] == before["reasons"] != []
    assert (under["pd"], under["decision_path"]) == (before["pd"], "restricted")


def test_in_a_batch_too_nothing_is_approved_or_declined_under_a_referral(champion):
    restricted(champion, "refer_all")
    rows = [an_application(), an_application(**BAD), an_application(dti="much")]

    [good, bad, refused] = decide_batch(champion.model.name, rows, by=the_client())

    assert {good.outcome, bad.outcome} == {"referred"}
    assert isinstance(refused, Refusal)


def test_the_database_refuses_a_restricted_decision_that_is_not_a_referral(champion):
    decision = a_decision(champion)
    decision.pk, decision.decision_path, decision.outcome = uuid7(), "restricted", "approved"

    with pytest.raises(IntegrityError, match="referred"), transaction.atomic():
        decision.save(force_insert=True)
