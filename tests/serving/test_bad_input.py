"""Bad input is refused clearly, by the name of every field, and nothing is lost or kept."""

import json

import pytest
from django.contrib.auth.models import Group

from audit.models import Entry
from serving.models import Decision, Observation
from tests.registry.builders import a_dataset, a_run
from tests.serving.builders import a_champion, an_application

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_is_decided(champion):
    yield
    assert not Decision.objects.exists()
    assert not Observation.objects.exists()


def errors_of(response, status=422):
    assert response.status_code == status, response.content
    assert response.headers["Content-Type"] == "application/problem+json"
    return {(error["field"], error["type"]) for error in response.json().get("errors", [])}


def test_an_unknown_model_is_not_found(post):
    response = post("models/nonesuch/decisions", an_application())

    assert response.status_code == 404
    assert response.json()["type"] == "/problems/unknown-model"


def test_every_bad_feature_is_named_in_one_answer(decide_over_http):
    application = an_application(
        dti=140.0, income="62000", delinquencies=1.5, purpose="yacht", shoe_size=43
    )
    del application["features"]["homeowner"]

    response = decide_over_http(application)

    assert errors_of(response) == {
        ("dti", "out_of_range"),
        ("income", "wrong_type"),
        ("delinquencies", "wrong_type"),
        ("purpose", "unknown_category"),
        ("homeowner", "missing"),
        ("shoe_size", "unexpected"),
    }
    assert response.json()["type"] == "/problems/invalid-application"


def test_what_is_wrong_around_the_features_is_named_with_them(decide_over_http):
    application = an_application(dti=-1.0) | {
        "subject_ref": 4711,
        "received_at": "yesterday",
        "branch": "north",
    }
    del application["application_ref"]

    assert errors_of(decide_over_http(application)) == {
        ("application_ref", "missing"),
        ("subject_ref", "wrong_type"),
        ("received_at", "wrong_type"),
        ("branch", "unexpected"),
        ("dti", "out_of_range"),
    }


@pytest.mark.parametrize("literal", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_not_finite_is_named(decide_over_http, literal):
    body = json.dumps(an_application(dti="here")).replace('"here"', literal).encode()

    assert errors_of(decide_over_http(body)) == {("dti", "not_finite")}


@pytest.mark.parametrize("value", ["5", True, [5], {"value": 5}])
def test_nothing_is_coerced_into_a_number(decide_over_http, value):
    assert errors_of(decide_over_http(an_application(dti=value))) == {("dti", "wrong_type")}


def test_null_is_refused_where_the_contract_needs_a_value(decide_over_http):
    assert errors_of(decide_over_http(an_application(dti=None))) == {("dti", "missing")}


def test_the_protected_columns_of_the_training_data_are_refused_as_such(post):
    dataset = a_dataset(protected_columns=("minority_tract",))
    champion = a_champion(run=a_run(dataset=dataset))

    response = post(f"models/{champion.model.name}/decisions", an_application(minority_tract=1))

    assert errors_of(response) == {("minority_tract", "protected_attribute")}


@pytest.mark.parametrize("name", ["race", "Sex", "marital_status", "date_of_birth"])
def test_a_prohibited_basis_is_refused_by_any_of_its_names(decide_over_http, name):
    assert errors_of(decide_over_http(an_application(**{name: "any"}))) == {
        (name, "protected_attribute")
    }


def test_a_refused_application_is_recorded_by_field_names_and_never_by_values(decide_over_http):
    decide_over_http(an_application(dti=99_999_999.25, race="purple"))

    entry = Entry.objects.filter(event="audit.action_refused").latest("id")
    assert entry.actor_name == "lending"
    text = bytes(entry.body).decode()
    assert '"fields":["dti","race"]' in text
    assert '"problem":"invalid-application"' in text
    assert "99999999" not in text
    assert "purple" not in text


def test_names_that_nobody_asked_for_neither_flood_the_answer_nor_the_log(decide_over_http):
    features = {f"extra_{number}": 1 for number in range(20_000)} | {"dti": "high"}

    response = decide_over_http(an_application() | {"features": features})

    errors = errors_of(response)
    assert ("dti", "wrong_type") in errors
    assert len(errors) < 70
    assert Entry.objects.filter(event="audit.action_refused").exists()


@pytest.mark.parametrize("name", ["ключ", "a\nb", "x" * 500, "\ud800", ""])
def test_a_name_that_cannot_be_shown_is_counted_and_not_repeated(decide_over_http, name):
    response = decide_over_http(an_application(**{name: 1}))

    assert errors_of(response) == {("features", "unexpected")}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("application_ref", ""),
        ("application_ref", "x" * 201),
        ("subject_ref", "tab\there"),
        ("subject_ref", "\ud800"),
        ("subject_ref", None),
        ("features", [1, 2]),
        ("features", None),
        ("received_at", 20261120),
        ("received_at", "2026-11-20T10:00:00"),
        ("received_at", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_malformed_member_is_named(decide_over_http, member, value):
    response = decide_over_http(an_application() | {member: value})

    assert errors_of(response) == {(member, "wrong_type")}


def test_times_that_cannot_be_are_named(decide_over_http):
    times = {"received_at": "2026-03-02T10:00:00Z", "completed_at": "2026-03-01T10:00:00Z"}
    assert errors_of(decide_over_http(an_application() | times)) == {
        ("completed_at", "out_of_range")
    }

    assert errors_of(
        decide_over_http(an_application() | {"received_at": "2199-01-01T00:00:00Z"})
    ) == {("received_at", "out_of_range")}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"{", "malformed-body"),
        (b"dti=5", "malformed-body"),
        (b'"\xff\xfe"', "malformed-body"),
        (b"[]", "malformed-body"),
        (b"null", "malformed-body"),
        (b'{"features": {"dti": ' + b"9" * 5000 + b"}}", "malformed-body"),
        (b"[" * 100_000, "too-deeply-nested"),
        (b'{"features":' * 50_000 + b"1" + b"}" * 50_000, "too-deeply-nested"),
        (b'{"features": {"dti": 1, "dti": 2}}', "duplicate-name"),
    ],
)
def test_a_body_that_is_not_one_clear_object_is_refused(decide_over_http, body, problem):
    response = decide_over_http(body)

    assert response.status_code == 400
    assert response.json()["type"] == f"/problems/{problem}"
    assert "detail" in response.json()


def test_a_member_named_twice_is_named(decide_over_http):
    response = decide_over_http(b'{"features": {"dti": 1, "dti": 2}}')

    assert errors_of(response, 400) == {("dti", "duplicate")}


def test_a_body_that_is_too_large_is_not_even_parsed(decide_over_http):
    response = decide_over_http(b'{"application_ref": "' + b"x" * 2**20 + b'"}')

    assert response.status_code == 413
    assert response.json()["type"] == "/problems/body-too-large"


def test_a_body_of_another_type_is_refused(client_of_lending, champion):
    response = client_of_lending.post(f"/api/v1/models/{champion.model.name}/decisions", {"dti": 5})

    assert response.status_code == 415


@pytest.mark.parametrize("number", ["", "two", "-1", "1.0", "99999999999999999999"])
def test_a_version_that_is_no_number_is_refused(decide_over_http, number):
    assert errors_of(decide_over_http(an_application(), query=f"?version={number}")) == {
        ("version", "wrong_type")
    }


def test_without_a_token_or_session_nothing_is_decided(client, champion):
    response = client.post(
        f"/api/v1/models/{champion.model.name}/decisions",
        an_application(),
        content_type="application/json",
    )

    assert response.status_code == 401


@pytest.mark.parametrize("person", ["approver", "developer", "auditor", "superuser"])
def test_only_a_scoring_client_has_applications_decided(request, signed_in, champion, person):
    user = request.getfixturevalue(person)

    response = signed_in(user).post(
        f"/api/v1/models/{champion.model.name}/decisions",
        an_application(),
        content_type="application/json",
    )

    assert response.status_code == 403
    assert response.json()["type"] == "/problems/not-permitted"
    assert Entry.objects.filter(event="audit.action_refused", actor_name=user.username).exists()


def test_a_client_whose_role_is_revoked_decides_nothing_more(decide_over_http, lending):
    lending.groups.remove(Group.objects.get(name="scoring client"))

    response = decide_over_http(an_application())

    assert response.status_code == 403
