"""Features that the service looks up itself: what callers may send, how long values live, what is kept of it."""

from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from audit import references, vault
from audit.actions.subjects import erase_subject
from registry.actions.restrictions import restrict_use
from registry.contract import FeatureContract
from registry.models import FeatureTable, ModelVersion
from serving.in_service import bytes_of
from serving.models import Decision
from serving.scoring import loaded
from tests.conftest import a_person
from tests.registry.builders import CONTRACT, a_dataset, a_description, a_run, the_builder
from tests.registry.tables import a_document, a_table, recorded
from tests.serving.builders import a_champion, a_decision, an_application

pytestmark = pytest.mark.django_db
DTI, INCOME = CONTRACT.as_json()["features"][:2]  # dti is never missing, income may be


@pytest.fixture
def table(lending: User) -> FeatureTable:
    features = {"features": [{**DTI, "missing": "allowed"}, INCOME]}
    return a_table(lending, "bureau", features=features)


@pytest.fixture
def champion(table: FeatureTable) -> ModelVersion:
    """A version that looks up dti and income, and takes the rest from the application."""
    first, second, *others = CONTRACT.as_json()["features"]
    looked_up = [{**first, "table": str(table)}, {**second, "table": str(table)}]
    contract = FeatureContract.from_json({"features": [*looked_up, *others]})
    dataset = a_dataset(contract=contract, description=a_description(contract=contract.as_json()))
    return a_champion(run=a_run(dataset=dataset))


def asked(subject_ref: str = "C-1", **features: Any) -> dict[str, Any]:
    body = an_application(subject_ref=subject_ref)
    given = {
        name: value for name, value in body["features"].items() if name not in ("dti", "income")
    }
    return {**body, "features": given | features}


def known(table: FeatureTable, days_old: float, dti: float | None = 33.3, **features: Any) -> None:
    document = a_document("C-1", timezone.now() - timedelta(days=days_old))
    values = {"dti": dti, "income": 50_000.0, **features}
    recorded(table, {**document, "features": values})


def test_a_decision_is_made_of_what_the_table_holds_and_says_how_fresh_it_was(
    decide_over_http, table: FeatureTable, auditor: User, signed_in
) -> None:
    known(table, 3)

    answer = decide_over_http(asked())

    assert answer.status_code == 201, answer.json()
    explanation = answer.json()["explanation"]
    values = {one["feature"]: one["value"] for one in explanation["attributions"]}
    assert (values["dti"], values["income"]) == (33.3, 50_000.0)
    dti, income = explanation["lookups"]["features"]
    assert (dti["feature"], income["feature"]) == ("dti", "income")
    assert (dti["table"], dti["table_version"], dti["state"]) == ("bureau", 1, "fresh")
    assert dti["age_seconds"] == pytest.approx(3 * 24 * 3600, abs=60)
    assert dti["ttl_seconds"] == table.ttl_seconds
    decision = Decision.objects.get()
    private = vault.open_private(decision.entry)
    assert private["lookups"]["as_of"] == explanation["lookups"]["as_of"]
    assert private["lookups"]["features"][0]["event_at"] == dti["event_at"]
    assert "bureau" not in bytes(decision.entry.body).decode()
    page = signed_in(auditor).get(reverse("admin:serving_decision_change", args=[decision.pk]))
    assert "bureau/1" in page.content.decode()


def test_the_record_scores_again_to_the_same_margin(
    decide_over_http, table: FeatureTable, champion: ModelVersion
) -> None:
    known(table, 3)
    answer = decide_over_http(asked()).json()
    known(table, 0, dti=90.0)  # what is known since does not matter

    seen = Decision.objects.get().observation
    again = loaded(bytes_of(champion)).judge.score(np.frombuffer(seen.packed)[None, :])

    assert again.margin[0] == answer["margin"] == seen.margin


def test_what_the_service_looks_up_is_refused_from_the_application(
    decide_over_http, table: FeatureTable
) -> None:
    known(table, 3)

    answer = decide_over_http(asked(dti=1.0, wage=2))

    assert answer.status_code == 422
    assert {(e["field"], e["type"]) for e in answer.json()["errors"]} == {
        ("dti", "looked_up"),
        ("wage", "unexpected"),
    }


@pytest.mark.parametrize(
    ("days_old", "dti", "why"), [(31, 33.3, "stale"), (None, 0, "absent"), (3, None, "missing")]
)
def test_a_value_that_may_not_be_missing_is_refused_with_the_reason(
    decide_over_http, table: FeatureTable, days_old: float | None, dti: float | None, why: str
) -> None:
    if days_old is not None:
        known(table, days_old, dti)

    answer = decide_over_http(asked())

    assert answer.status_code == 422
    assert [(e["field"], e["type"]) for e in answer.json()["errors"]] == [("dti", why)]
    assert not Decision.objects.exists()


def test_a_stale_value_is_missing_where_the_contract_allows_it(
    post, lending: User, table: FeatureTable
) -> None:
    other, *rest = CONTRACT.as_json()["features"]
    income, *others = rest
    contract = FeatureContract.from_json(
        {"features": [other, {**income, "table": str(table)}, *others]}
    )
    dataset = a_dataset(contract=contract, description=a_description(contract=contract.as_json()))
    version = a_champion(run=a_run(dataset=dataset))
    known(table, 31)

    answer = post(f"models/{version.model.name}/decisions", asked(dti=20.0))

    assert answer.status_code == 201, answer.json()
    explanation = answer.json()["explanation"]
    assert {one["feature"]: one["value"] for one in explanation["attributions"]}["income"] is None
    [lookup] = explanation["lookups"]["features"]
    assert lookup["state"] == "stale"
    assert lookup["created_at"] is None
    assert lookup["age_seconds"] == pytest.approx(31 * 24 * 3600, abs=60)


def test_each_row_of_a_batch_gets_its_own_lookup_or_its_own_error(
    post, champion: ModelVersion, table: FeatureTable
) -> None:
    known(table, 3)

    answer = post(
        f"models/{champion.model.name}/decisions/batch",
        {"applications": [asked("C-nobody"), asked(), {"nonsense": 1}, asked()]},
    ).json()

    assert (answer["decided"], answer["refused"]) == (2, 2)
    assert answer["results"][0]["problem"]["errors"][0]["type"] == "absent"
    values = [
        answer["results"][row]["decision"]["explanation"]["attributions"][0]["value"]
        for row in (1, 3)
    ]
    assert values == [33.3, 33.3]


def test_a_system_whose_references_the_table_does_not_know_is_told_so(
    champion: ModelVersion, table: FeatureTable, signed_in
) -> None:
    """Another system's C-1 may be somebody else."""
    known(table, 3)
    other = signed_in(a_person("branches", "scoring client"))

    answer = other.post(
        f"/api/v1/models/{champion.model.name}/decisions", asked(), "application/json"
    )

    assert answer.status_code == 422
    assert {e["type"] for e in answer.json()["errors"]} == {"other_client"}


def test_a_person_who_was_erased_is_looked_up_as_somebody_new(
    decide_over_http, table: FeatureTable, privacy_officer: User
) -> None:
    known(table, 3)
    subject = references.find("lending", "subject", ["C-1"])["C-1"]
    erase_subject(subject, by=privacy_officer, legal_basis="GDPR 17(1)(a)", reason="Asked.")

    answer = decide_over_http(asked())

    assert [e["type"] for e in answer.json()["errors"]] == ["absent"]


def test_use_restrictions_see_what_was_looked_up(
    decide_over_http, table: FeatureTable, champion: ModelVersion
) -> None:
    restrict_use(
        champion, "max_amount", {"feature": "dti", "max": 30}, "Too risky.", by=the_builder()
    )
    known(table, 3)

    assert decide_over_http(asked()).json()["type"] == "/problems/use-restricted"


def test_a_version_that_looks_nothing_up_asks_no_feature_table() -> None:
    version = a_champion()
    a_decision(version)

    with CaptureQueriesContext(connection) as queries:
        decision = a_decision(version)

    assert queries.captured_queries
    assert not [one["sql"] for one in queries if "registry_feature" in one["sql"]]
    assert decision.observation.lookups is None
    assert "lookups" not in vault.open_private(decision.entry)
