import json

import pytest

from audit.errors import FieldProblem
from audit.models import Entry
from serving.batches import refused_rows
from serving.errors import InvalidApplication, NoPrincipalReason
from serving.models import Decision
from tests.serving.builders import BAD, GOOD, an_application

pytestmark = pytest.mark.django_db


@pytest.fixture
def decide_many(post, champion):
    def send(applications, key=None):
        path = f"models/{champion.model.name}/decisions/batch"
        return post(path, {"applications": applications}, key)

    return send


def test_each_application_gets_its_own_decision_in_order(decide_many, client_of_lending):
    response = decide_many([an_application(**GOOD), an_application(**BAD)])

    assert response.status_code == 200
    body = response.json()
    assert (body["decided"], body["refused"]) == (2, 0)
    outcomes = [row["decision"]["outcome"] for row in body["results"]]
    assert outcomes == ["approved", "declined"]
    for row in body["results"]:
        again = client_of_lending.get(f"/api/v1/decisions/{row['decision']['decision_id']}")
        assert again.json() == row["decision"]


def test_a_batch_decides_as_single_requests_do(decide_many, decide_over_http):
    application = an_application(**BAD)

    [row] = decide_many([application]).json()["results"]
    single = decide_over_http(application).json()

    for same in ("outcome", "pd", "margin", "reasons", "explanation"):
        assert row["decision"][same] == single[same]


def test_a_bad_row_is_refused_by_name_and_the_good_rows_are_decided(decide_many):
    body = decide_many(
        [an_application(), an_application(dti="high", race=1), an_application(), "no object"]
    ).json()

    assert (body["decided"], body["refused"]) == (2, 2)
    second, fourth = body["results"][1]["problem"], body["results"][3]["problem"]
    assert second["type"] == "/problems/invalid-application"
    assert {(e["field"], e["type"]) for e in second["errors"]} == {
        ("dti", "wrong_type"),
        ("race", "protected_attribute"),
    }
    assert fourth["errors"][0]["field"] == "application"
    assert Decision.objects.count() == 2


def test_the_refused_rows_of_a_batch_make_one_entry_without_values(decide_many):
    decide_many(
        [
            an_application(dti="high"),
            an_application(),
            an_application(dti="high"),
            an_application(dti=777_777.5),
        ]
    )

    entry = Entry.objects.get(event="serving.applications.refused")
    public = json.loads(bytes(entry.body))["public"]
    assert public == {
        "refused": 3,
        "positions": {"invalid-application": "0,2-3"},
        "problems": {"out_of_range": 1, "wrong_type": 2},
    }
    assert Entry.objects.filter(event="serving.decision.made").count() == 1
    assert "777777" not in bytes(entry.body).decode()


def test_a_batch_of_only_bad_rows_decides_nothing_and_says_so(decide_many):
    body = decide_many([an_application(dti="high")] * 3).json()

    assert (body["decided"], body["refused"]) == (0, 3)
    assert not Decision.objects.exists()
    assert Entry.objects.filter(event="serving.applications.refused").count() == 1


def test_applications_of_one_person_in_a_batch_are_of_one_subject(decide_many):
    decide_many([an_application("A-1", "C-1"), an_application("A-2", "C-1")])

    one, two = Decision.objects.all()
    assert one.subject_id == two.subject_id
    assert one.application_id != two.application_id


def test_each_decision_of_a_batch_has_an_entry_and_a_receipt_of_its_own(decide_many):
    body = decide_many([an_application() for _ in range(30)]).json()

    receipts = {row["decision"]["receipt"]["entry_id"] for row in body["results"]}
    assert len(receipts) == 30
    assert Entry.objects.filter(pk__in=receipts).count() == 30


@pytest.mark.parametrize("count", [0, 10_001])
def test_a_batch_out_of_bounds_is_refused(decide_many, count):
    response = decide_many([{}] * count)

    assert response.status_code == 422
    assert response.json()["type"] == "/problems/batch-out-of-bounds"


@pytest.mark.parametrize(
    "body", [{}, {"applications": {}}, {"applications": [], "model": "x"}, {"rows": []}]
)
def test_a_batch_is_an_object_with_one_list(post, champion, body):
    response = post(f"models/{champion.model.name}/decisions/batch", body)

    assert response.status_code == 422
    assert response.json()["errors"][0]["field"] == "applications"


def test_ten_thousand_refused_rows_still_fit_one_entry():
    wrong = InvalidApplication("x", errors=[FieldProblem("dti", "missing", "x")])
    refused = {row: wrong if row % 2 else NoPrincipalReason("x") for row in range(10_000)}

    assert len(json.dumps(refused_rows(refused))) < 60_000
