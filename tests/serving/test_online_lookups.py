"""Features that online stores hold: what counts, what is kept of it, and that nobody is decided without an answer."""

import json
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from django.utils import timezone

from audit import vault
from audit.models import Entry
from registry.actions.datasets import register_dataset
from registry.contract import FeatureContract
from registry.errors import OnlineStoresMalformed, UnknownOnlineStore
from registry.models import Dataset, ModelVersion
from registry.online_stores import read_stores
from registry.snapshots import to_parquet
from serving.lookups import table_of
from serving.models import Decision
from tests.conftest import a_person
from tests.registry.builders import (
    CONTRACT,
    a_dataset,
    a_description,
    a_frame,
    a_run,
    the_builder,
)
from tests.registry.feature_servers import FeastLike, a_feature_server, named_stores
from tests.registry.tables import a_table, recorded
from tests.serving.builders import a_champion, an_application

pytestmark = pytest.mark.django_db
TABLE = "feast:risk/bureau"
TTL_SECONDS = 30 * 24 * 3600


@pytest.fixture
def feast(tmp_path: Path, settings):
    with a_feature_server() as server:
        settings.CREDENCE_ONLINE_STORES = named_stores(tmp_path, server.url, token="s3cret")
        yield server


@pytest.fixture
def champion(feast: FeastLike) -> ModelVersion:
    """A version that looks dti, which is never missing, and income, which may be, up online."""
    contract = online_contract()
    dataset = a_dataset(contract=contract, description=a_description(contract=contract.as_json()))
    return a_champion(run=a_run(dataset=dataset))


def online_contract(table: str = TABLE) -> FeatureContract:
    dti, income, *others = CONTRACT.as_json()["features"]
    online = [{**one, "table": table, "ttl_seconds": TTL_SECONDS} for one in (dti, income)]
    return FeatureContract.from_json({"features": [*online, *others]})


def asked(subject_ref: str = "C-1", **features: Any) -> dict[str, Any]:
    body = an_application(subject_ref=subject_ref)
    given = {
        name: value for name, value in body["features"].items() if name not in ("dti", "income")
    }
    return {**body, "features": given | features}


def test_a_decision_is_made_of_what_the_store_holds_and_says_how_fresh_it_was(
    decide_over_http, feast: FeastLike, auditor: User, signed_in
) -> None:
    feast.holds("bureau", "C-1", 3, dti=33.3, income=50_000.0)

    answer = decide_over_http(asked())

    assert answer.status_code == 201, answer.json()
    explanation = answer.json()["explanation"]
    values = {one["feature"]: one["value"] for one in explanation["attributions"]}
    assert (values["dti"], values["income"]) == (33.3, 50_000.0)
    dti, income = explanation["lookups"]["features"]
    assert (dti["feature"], income["feature"]) == ("dti", "income")
    assert (dti["table"], dti["table_version"], dti["state"]) == (TABLE, None, "fresh")
    assert dti["age_seconds"] == pytest.approx(3 * 24 * 3600, abs=60)
    assert dti["ttl_seconds"] == TTL_SECONDS
    decision = Decision.objects.get()
    private = vault.open_private(decision.entry)
    assert private["lookups"]["features"][0]["event_at"] == dti["event_at"]
    assert TABLE not in bytes(decision.entry.body).decode()
    page = signed_in(auditor).get(reverse("admin:serving_decision_change", args=[decision.pk]))
    assert TABLE in page.content.decode()
    assert table_of(dti) == TABLE
    assert feast.tokens == ["Bearer s3cret"]


@pytest.mark.parametrize(
    ("days_old", "dti", "why"),
    [(31, 33.3, "stale"), (None, 0, "absent"), (3, None, "missing"), (-1, 33.3, "later")],
)
def test_a_value_that_may_not_be_missing_is_refused_with_the_reason(
    decide_over_http, feast: FeastLike, days_old: float | None, dti: float | None, why: str
) -> None:
    if days_old is not None:
        feast.holds("bureau", "C-1", days_old, dti=dti, income=50_000.0)

    answer = decide_over_http(asked())

    assert answer.status_code == 422
    errors = {error["field"]: error["type"] for error in answer.json()["errors"]}
    assert errors["dti"] == why
    assert not Decision.objects.exists()


def test_a_value_older_than_its_time_to_live_counts_as_missing_though_the_store_calls_it_present(
    post, feast: FeastLike
) -> None:
    version = only_income_online()
    feast.holds("bureau", "C-1", 31, income=50_000.0)

    answer = post(f"models/{version.model.name}/decisions", asked(dti=20.0))

    assert answer.status_code == 201, answer.json()
    explanation = answer.json()["explanation"]
    assert {one["feature"]: one["value"] for one in explanation["attributions"]}["income"] is None
    [lookup] = explanation["lookups"]["features"]
    assert lookup["state"] == "stale"
    assert lookup["age_seconds"] == pytest.approx(31 * 24 * 3600, abs=60)


@pytest.mark.parametrize(
    ("said", "state"), [("OUTSIDE_MAX_AGE", "stale"), ("NOT_FOUND", "absent"), ("NULL_VALUE", "fresh")]
)  # fmt: skip
def test_a_value_that_the_store_says_it_does_not_have_is_missing_whatever_stands_beside_it(
    post, feast: FeastLike, said: str, state: str
) -> None:
    version = only_income_online()
    feast.holds("bureau", "C-1", 3, income=50_000.0)
    feast.said = said

    answer = post(f"models/{version.model.name}/decisions", asked(dti=20.0)).json()

    explanation = answer["explanation"]
    assert {one["feature"]: one["value"] for one in explanation["attributions"]}["income"] is None
    assert explanation["lookups"]["features"][0]["state"] == state


def only_income_online() -> ModelVersion:
    dti, income, *others = CONTRACT.as_json()["features"]
    online = {**income, "table": TABLE, "ttl_seconds": TTL_SECONDS}
    contract = FeatureContract.from_json({"features": [dti, online, *others]})
    dataset = a_dataset(contract=contract, description=a_description(contract=contract.as_json()))
    return a_champion(run=a_run(dataset=dataset))


@pytest.mark.parametrize(("dti", "why"), [(1e9, "out_of_range"), ("33.3", "wrong_type")])
def test_a_value_outside_of_the_contract_is_refused_by_name(
    decide_over_http, feast: FeastLike, dti: object, why: str
) -> None:
    feast.holds("bureau", "C-1", 3, dti=dti, income=50_000.0)

    answer = decide_over_http(asked())

    assert answer.status_code == 422
    assert [(e["field"], e["type"]) for e in answer.json()["errors"]] == [("dti", why)]


GONE_WRONG: dict[str, dict[str, Any]] = {
    "it answers too late": {"wait_s": 0.6},
    "it fails": {"status": 500},
    "it does not know the view": {"status": 404},
    "it answers no JSON": {"body": b"<html>"},
    "it answers nothing": {"body": b"{}"},
    "a status that Feast does not document": {"said": "INVALID"},
}


@pytest.mark.parametrize("trouble", GONE_WRONG)
def test_nobody_is_decided_where_the_store_does_not_answer_as_asked(
    decide_over_http, feast: FeastLike, tmp_path: Path, settings, trouble: str
) -> None:
    settings.CREDENCE_ONLINE_STORES = named_stores(tmp_path, feast.url, timeout_ms=300)
    read_stores.cache_clear()
    feast.holds("bureau", "C-1", 3, dti=33.3, income=50_000.0)
    for name, value in GONE_WRONG[trouble].items():
        setattr(feast, name, value)

    answer = decide_over_http(asked(), key="k")

    assert answer.status_code == 503
    assert answer.json()["type"] == "/problems/online-store-unavailable"
    assert not Decision.objects.exists()
    assert Entry.objects.filter(event="audit.action_refused").exists()

    feast.wait_s, feast.status, feast.body, feast.said = 0.0, 200, None, "PRESENT"
    assert decide_over_http(asked(), key="k").status_code == 201  # the same key may ask again


def test_nobody_is_decided_with_the_values_of_somebody_else(
    decide_over_http, feast: FeastLike
) -> None:
    feast.holds("bureau", "C-2", 3, dti=1.0, income=90_000.0)
    of_another = {
        "features": ["bureau:dti", "bureau:income"],
        "entities": {"customer": ["C-2"]},
    }
    feast.body = json.dumps(feast.answer(of_another)).encode()

    answer = decide_over_http(asked("C-1"))

    assert answer.json()["type"] == "/problems/online-store-unavailable"


def test_nobody_is_decided_with_a_value_whose_age_nobody_knows(
    decide_over_http, feast: FeastLike
) -> None:
    feast.holds("bureau", "C-1", 3, dti=1.0, income=90_000.0)
    wanted = {"features": ["bureau:dti", "bureau:income"], "entities": {"customer": ["C-1"]}}
    undated = feast.answer(wanted)
    undated["results"][1]["event_timestamps"] = ["1970-01-01T00:00:00Z"]
    feast.body = json.dumps(undated).encode()

    assert decide_over_http(asked()).json()["type"] == "/problems/online-store-unavailable"


def test_a_store_that_is_not_running_refuses_by_name_and_tells_no_address(
    decide_over_http, feast: FeastLike, tmp_path: Path, settings
) -> None:
    settings.CREDENCE_ONLINE_STORES = named_stores(tmp_path, "http://127.0.0.1:9")
    read_stores.cache_clear()

    answer = decide_over_http(asked())

    assert answer.status_code == 503
    assert "risk" in answer.json()["detail"]
    assert "127.0.0.1" not in answer.content.decode()


def test_each_row_of_a_batch_gets_its_own_lookup_or_its_own_error_of_one_request(
    post, champion: ModelVersion, feast: FeastLike
) -> None:
    feast.holds("bureau", "C-1", 3, dti=33.3, income=50_000.0)
    feast.holds("bureau", "C-2", 3, dti=44.4, income=50_000.0)

    answer = post(
        f"models/{champion.model.name}/decisions/batch",
        {"applications": [asked("C-2"), asked("C-nobody"), {"nonsense": 1}, asked("C-1")]},
    ).json()

    assert (answer["decided"], answer["refused"]) == (2, 2)
    assert answer["results"][1]["problem"]["errors"][0]["type"] == "absent"
    values = [
        answer["results"][row]["decision"]["explanation"]["attributions"][0]["value"]
        for row in (0, 3)
    ]
    assert values == [44.4, 33.3]
    [request] = feast.asked
    assert request["entities"] == {"customer": ["C-2", "C-nobody", "C-1"]}


def test_what_a_store_holds_stands_beside_what_a_feature_table_holds(
    post, feast: FeastLike, lending: User
) -> None:
    dti, income, *others = CONTRACT.as_json()["features"]
    table = a_table(lending, "own", features={"features": [income]})
    recorded(table, a_row_of(income=50_000.0))
    feast.holds("bureau", "C-1", 3, dti=33.3)
    online = {**dti, "table": TABLE, "ttl_seconds": TTL_SECONDS}
    contract = FeatureContract.from_json(
        {"features": [online, {**income, "table": str(table)}, *others]}
    )
    dataset = a_dataset(contract=contract, description=a_description(contract=contract.as_json()))
    version = a_champion(run=a_run(dataset=dataset))

    answer = post(f"models/{version.model.name}/decisions", asked()).json()

    values = {one["feature"]: one["value"] for one in answer["explanation"]["attributions"]}
    assert (values["dti"], values["income"]) == (33.3, 50_000.0)
    lookups = answer["explanation"]["lookups"]["features"]
    assert {(one["feature"], table_of(one), one["state"]) for one in lookups} == {
        ("dti", TABLE, "fresh"),
        ("income", "own/1", "fresh"),
    }


def a_row_of(**features: Any) -> dict[str, Any]:
    return {"subject_ref": "C-1", "event_at": timezone.now().isoformat(), "features": features}


def test_a_correction_keeps_what_was_looked_up_and_asks_no_store(
    decide_over_http, post, feast: FeastLike
) -> None:
    feast.holds("bureau", "C-1", 3, dti=33.3, income=50_000.0)
    first = decide_over_http(asked()).json()
    feast.holds("bureau", "C-1", 0, dti=90.0, income=1.0)
    source = {"source": "Payslip of March", "features": {"income": 60_000.0}}

    answer = post(f"decisions/{first['decision_id']}/corrections", source)

    assert answer.status_code == 201, answer.json()
    again = Decision.objects.latest("decided_at")
    assert [one["feature"] for one in again.observation.lookups["features"]] == ["dti"]
    assert len(feast.asked) == 1


def test_a_store_is_not_asked_about_the_people_of_another_system(
    champion: ModelVersion, feast: FeastLike, signed_in
) -> None:
    """Another system's C-1 may be somebody else."""
    feast.holds("bureau", "C-1", 3, dti=33.3, income=50_000.0)
    other = signed_in(a_person("branches", "scoring client"))

    answer = other.post(
        f"/api/v1/models/{champion.model.name}/decisions", asked(), "application/json"
    )

    assert answer.status_code == 422
    assert {e["type"] for e in answer.json()["errors"]} == {"other_client"}
    assert not feast.asked


def test_what_the_store_holds_is_refused_from_the_application(decide_over_http, feast) -> None:
    answer = decide_over_http(asked(dti=1.0))

    assert [(e["field"], e["type"]) for e in answer.json()["errors"]] == [("dti", "looked_up")]
    assert not feast.asked


def test_data_for_a_store_that_nobody_named_are_not_registered(feast: FeastLike) -> None:
    contract = online_contract("feast:elsewhere/bureau")

    with pytest.raises(UnknownOnlineStore) as refusal:
        register_dataset(
            "lost",
            to_parquet(a_frame(), contract),
            a_description(contract=contract.as_json()),
            [],
            by=the_builder(),
        )

    assert [problem.field for problem in refusal.value.errors] == [
        "features.dti.table",
        "features.income.table",
    ]
    assert not Dataset.objects.exists()
    assert Entry.objects.get().event == "audit.action_refused"


@pytest.mark.parametrize(
    "changes",
    [{"url": "ftp://feast"}, {"url": "http://feast:many"}, {"url": "http://["}, {"timeout_ms": 0}, {"timeout_ms": 60_000}, {"entity": ""}, {"more": 1}],
)  # fmt: skip
def test_a_store_that_is_not_wholly_named_is_no_store(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    url = str(changes.pop("url", "http://feast:6566"))

    with pytest.raises(OnlineStoresMalformed, match="risk"):
        read_stores(named_stores(tmp_path, url, **changes))


def test_a_token_is_shown_to_nobody(tmp_path: Path) -> None:
    stores = read_stores(named_stores(tmp_path, "http://feast:6566", token="s3cret"))

    assert stores["risk"].token == "s3cret"
    assert "s3cret" not in repr(stores)
