"""Whatever comes as features over HTTP: a decision that adds up, or a refusal that names what is wrong."""

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from serving.models import Decision
from tests.registry.applicants import CONTRACT
from tests.serving.builders import an_application

pytestmark = pytest.mark.django_db

NONSENSE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=2),
)


def plausible(feature):
    """Values in and just outside of what the contract says of a feature."""
    match feature.type:
        case "category":
            return st.sampled_from([*feature.categories, "", "another", None])
        case "boolean":
            return st.sampled_from([True, False, None, 1])
        case "integer":
            return st.one_of(st.integers(-1, int(feature.maximum) + 1), st.none())
        case _:
            return st.one_of(st.floats(-1.0, float(feature.maximum) * 1.01), st.none())


def vectors(value):
    return st.fixed_dictionaries({each.name: value(each) for each in CONTRACT.features})


ANY_FEATURES = st.one_of(
    vectors(plausible),
    vectors(lambda each: st.one_of(plausible(each), NONSENSE)),
    st.dictionaries(st.one_of(st.sampled_from(CONTRACT.names), st.text(max_size=12)), NONSENSE),
    NONSENSE,
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(features=ANY_FEATURES)
def test_any_features_give_a_decision_that_adds_up_or_a_named_refusal(decide_over_http, features):
    before = Decision.objects.count()
    body = json.dumps({**an_application(), "features": features}).encode()

    response = decide_over_http(body)

    answer = response.json()
    if response.status_code == 201:
        explained = answer["explanation"]
        total = sum(each["contribution"] for each in explained["attributions"])
        gap = abs(explained["base_value"] + total - answer["margin"])
        assert gap <= 1e-6 * max(1, abs(answer["margin"]))
        assert (answer["outcome"] == "approved") != bool(answer["reasons"])
        assert Decision.objects.count() == before + 1
    else:
        assert response.status_code in {400, 409, 422}
        assert answer["type"].startswith("/problems/")
        assert answer["errors"] or answer["type"] != "/problems/invalid-application"
        assert Decision.objects.count() == before
