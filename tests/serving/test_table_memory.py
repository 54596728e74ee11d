"""The serving policy bounds what the tables of a version take, and takes effect on the next decision."""

import pytest
from django.utils import timezone

from serving.in_service import bytes_of, cleared_version
from serving.models import Decision
from serving.serving_policy import MOST_TABLE_MIB
from tests.registry.builders import a_policy, a_version
from tests.serving.builders import an_application

pytestmark = pytest.mark.django_db


def allow(name, mib):
    return a_policy("serving", {"explanations": {"most_table_mib": mib}}, name=name)


def bound(model):
    return cleared_version(model.name, timezone.now()).bytes_of.most_table_mib


def test_without_a_policy_a_version_has_the_usual_room(champion):
    assert bound(champion.model) == MOST_TABLE_MIB == bytes_of(champion).most_table_mib


def test_a_models_own_policy_comes_before_the_one_for_all(champion):
    allow("default", 100)
    assert bound(champion.model) == 100

    allow(champion.model.name, 30)
    allow("another-model", 50)
    assert bound(champion.model) == 30 == bytes_of(champion).most_table_mib

    allow(champion.model.name, 40)
    assert bound(champion.model) == 40


def test_a_new_bound_takes_effect_on_the_next_decision_and_the_record_says_so(
    decide_over_http, champion
):
    a_version(champion.model, stage="production", algorithm="random_forest")
    before = decide_over_http(an_application()).json()
    allow(champion.model.name, 1)

    after = decide_over_http(an_application(application_ref="A-2")).json()

    assert "collapsed leaf tables" in before["explanation"]["method"]
    assert "leaf patterns" in after["explanation"]["method"]
    assert after["margin"] == before["margin"]
    assert Decision.objects.count() == 2
