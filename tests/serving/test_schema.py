"""The OpenAPI document says what the routes of this floor take and give."""

import pytest
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.validation import validate_schema

from tests.serving.builders import BAD, an_application
from tests.serving.notices.builders import a_notice_policy, decided_days_ago
from tests.serving.notices.test_statuses import incomplete

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def schema():
    return SchemaGenerator().get_schema(request=None, public=True)


ROUTES = {
    "/api/v1/models/{model}/decisions": "post",
    "/api/v1/models/{model}/decisions/batch": "post",
    "/api/v1/decisions/{decision_id}": "get",
    "/api/v1/decisions/{decision_id}/explanation": "get",
    "/api/v1/decisions/{decision_id}/proof": "get",
    "/api/v1/decisions/{decision_id}/replay": "post",
    "/api/v1/decisions/{decision_id}/label": "post",
    "/api/v1/models/{model}/replays": "get",
    "/api/v1/models/{model}/probes": "post",
    "/api/v1/decisions/{decision_id}/notice": "get",
    "/api/v1/decisions/{decision_id}/notice/deliveries": "post",
    "/api/v1/notices/due": "get",
    "/api/v1/applications/{application_ref}/status": "post",
    "/api/v1/applications/{application_ref}/notice": "get",
    "/api/v1/applications/{application_ref}/notice/deliveries": "post",
    "/api/v1/statuses/{status_id}/notice/deliveries": "post",
    "/api/v1/statuses/{status_id}/notice": "get",
    "/api/v1/labels": "post",
}


def test_every_route_of_this_floor_is_described(schema):
    validate_schema(schema)

    for path, method in ROUTES.items():
        assert method in schema["paths"][path], path
        assert schema["paths"][path][method]["responses"]


def described(schema, component):
    return schema["components"]["schemas"][component]


def assert_as_described(schema, component, document):
    if "enum" in described(schema, component):
        assert document in described(schema, component)["enum"]
        return
    properties = described(schema, component)["properties"]
    assert set(document) == set(properties), component
    for name, value in document.items():
        reference = properties[name].get("$ref") or properties[name].get("items", {}).get("$ref")
        if reference and value is not None:
            for item in value if isinstance(value, list) else [value]:
                assert_as_described(schema, reference.rsplit("/", 1)[1], item)


def test_a_real_answer_has_exactly_the_members_that_are_described(schema, decide_over_http):
    answer = decide_over_http(an_application(**BAD)).json()

    assert_as_described(schema, "DecisionSchema", answer)


def test_the_example_has_exactly_the_members_that_are_described(schema):
    content = schema["paths"]["/api/v1/decisions/{decision_id}"]["get"]["responses"]["200"]
    [example] = content["content"]["application/json"]["examples"].values()

    assert_as_described(schema, "DecisionSchema", example["value"])


def test_a_real_notice_about_an_application_has_exactly_the_members_that_are_described(
    schema, champion, post
):
    a_notice_policy()
    post("applications/A-9/status", incomplete(champion))

    answer = post("applications/A-9/notice", {}).json()

    assert_as_described(schema, "ApplicationNoticeSchema", answer)


def test_a_real_notice_has_exactly_the_members_that_are_described(schema, champion, post, lending):
    a_notice_policy()
    decision = decided_days_ago(champion, 1, lending)

    answer = post(f"decisions/{decision.pk}/notice", {}).json()

    assert set(answer) == set(described(schema, "NoticeSchema")["properties"])


def test_a_row_of_what_is_due_has_exactly_the_members_that_are_described(
    schema, champion, lending, client_of_lending
):
    a_notice_policy()
    decided_days_ago(champion, 1, lending)

    [row] = client_of_lending.get("/api/v1/notices/due").json()["results"]

    assert set(row) == set(described(schema, "DueNoticeSchema")["properties"])
