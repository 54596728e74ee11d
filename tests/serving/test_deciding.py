import math

import pytest

from audit.models import Entry
from audit.vault import open_private
from registry.queries import contract_of_version
from serving.models import Decision, Observation
from tests.garbage import garbage
from tests.registry.builders import CUT_OFF, REASON_BODY, a_policy
from tests.serving.builders import BAD, GOOD, a_champion, an_application

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("algorithm", ["logistic_regression", "hist_gradient_boosting"])
def test_a_decision_is_explained_to_the_last_bit_of_its_margin(post, algorithm):
    champion = a_champion(algorithm=algorithm)

    response = post(f"models/{champion.model.name}/decisions", an_application(**BAD))

    assert response.status_code == 201
    answer = response.json()
    explanation = answer["explanation"]
    pushes = [item["contribution"] for item in explanation["attributions"]]
    assert [item["feature"] for item in explanation["attributions"]] == list(
        contract_of_version(champion).names
    )
    assert {item["feature"]: item["value"] for item in explanation["attributions"]} == BAD
    assert explanation["base_value"] + sum(pushes) == pytest.approx(answer["margin"], abs=1e-9)
    assert answer["pd"] == pytest.approx(1 / (1 + math.exp(-answer["margin"])))
    assert explanation["baseline_id"] == champion.baseline_id
    assert f"baseline of {champion.baseline.rows} rows" in explanation["method"]
    assert explanation["output"] == "log_odds_bad"


def test_what_a_decision_left_is_no_work_for_the_garbage_collector(decide_over_http):
    decide_over_http(an_application())  # what is made on first use

    with garbage() as left:
        assert decide_over_http(an_application()).status_code == 201

    assert not left & {Decision, Observation, Entry}


def test_the_answer_names_the_version_its_bytes_and_its_policy(decide_over_http, champion):
    answer = decide_over_http(an_application()).json()

    assert answer["model"] == champion.model.name
    assert answer["version"] == champion.number
    assert answer["artefact_sha256"] == champion.artefact_id
    assert answer["policy_version"] == champion.decision_policy.version
    assert answer["role"] == "champion"
    assert answer["cut_off"] == CUT_OFF


def test_a_good_application_is_approved_and_needs_no_reasons(decide_over_http):
    answer = decide_over_http(an_application(**GOOD)).json()

    assert (answer["outcome"], answer["decision_path"]) == ("approved", "score")
    assert answer["pd"] < CUT_OFF
    assert answer["reasons"] == []


def test_a_bad_application_is_declined_for_one_to_four_ranked_reasons(decide_over_http):
    answer = decide_over_http(an_application(**BAD)).json()

    assert (answer["outcome"], answer["decision_path"]) == ("declined", "score")
    assert answer["pd"] >= CUT_OFF
    reasons = answer["reasons"]
    assert 1 <= len(reasons) <= 4
    assert [reason["rank"] for reason in reasons] == list(range(1, len(reasons) + 1))
    pushes = [reason["contribution"] for reason in reasons]
    assert pushes == sorted(pushes, reverse=True)
    assert all(push > 0 for push in pushes)


def test_an_application_in_the_grey_band_is_referred_with_reasons(decide_over_http):
    referred = [
        answer
        for dti in range(20, 61)
        if (answer := decide_over_http(an_application(dti=float(dti), income=45_000.0)).json())[
            "outcome"
        ]
        == "referred"
    ]

    assert referred, "no application of the series fell into the grey band"
    assert all(0.25 <= answer["pd"] < CUT_OFF for answer in referred)
    assert all(answer["decision_path"] == "grey_band" for answer in referred)
    assert all(answer["reasons"] for answer in referred)


def test_a_knockout_declines_a_good_score_and_names_that_very_factor(decide_over_http):
    answer = decide_over_http(an_application(**{**GOOD, "delinquencies": 12})).json()

    assert (answer["outcome"], answer["decision_path"]) == ("declined", "knockout")
    assert [(r["reason_group"], r["contribution"]) for r in answer["reasons"]] == [
        ("payment_history", None)
    ]


def test_a_missing_value_counts_as_missing_and_is_worded_so(decide_over_http):
    answer = decide_over_http(an_application(**{**BAD, "income": None, "purpose": None})).json()

    values = {item["feature"]: item["value"] for item in answer["explanation"]["attributions"]}
    assert values["income"] is None
    assert values["purpose"] is None
    worded = {reason["reason_group"]: reason["statement"] for reason in answer["reasons"]}
    for group in worded.keys() & {"income", "purpose"}:
        assert worded[group].startswith("Unable to verify")


def test_the_answer_is_the_same_when_it_is_read_back(decide_over_http, client_of_lending):
    answer = decide_over_http(an_application(**BAD)).json()

    again = client_of_lending.get(f"/api/v1/decisions/{answer['decision_id']}")

    assert again.status_code == 200
    assert again.json() == answer


def test_the_same_application_twice_is_two_decisions_about_one_person(decide_over_http):
    application = an_application()

    first, second = decide_over_http(application).json(), decide_over_http(application).json()

    assert first["decision_id"] != second["decision_id"]
    assert first["margin"] == second["margin"]
    one, other = Decision.objects.all()
    assert (one.subject_id, one.application_id) == (other.subject_id, other.application_id)


def test_the_clock_starts_when_the_application_was_complete(decide_over_http):
    times = {"received_at": "2026-03-01T10:00:00Z", "completed_at": "2026-03-04T11:30:00+02:00"}

    answer = decide_over_http(an_application() | times).json()

    assert answer["clock"] == {
        "basis": "completed_at",
        "starts_at": "2026-03-04T09:30:00.000000Z",
    }


def test_without_that_time_the_clock_starts_on_receipt_and_says_so(decide_over_http):
    answer = decide_over_http(an_application() | {"received_at": "2026-03-01T10:00:00Z"}).json()

    assert answer["clock"] == {
        "basis": "received_at",
        "starts_at": "2026-03-01T10:00:00.000000Z",
    }


def test_the_entry_says_who_decided_and_holds_nothing_personal_in_clear(decide_over_http, lending):
    application = an_application("LOAN-0815", "SSN-123-45-6789", **BAD)

    decide_over_http(application)

    decision = Decision.objects.get()
    entry = Entry.objects.get(event="serving.decision.made")
    assert decision.entry == entry
    assert (entry.subject_type, entry.subject_id) == ("serving.decision", str(decision.pk))
    assert entry.actor_name == lending.username
    clear = bytes(entry.body).decode()
    for personal in ("LOAN-0815", "SSN-123", str(decision.subject_id), "70.0", "medical", "R01"):
        assert personal not in clear
    assert '"outcome"' not in clear
    assert champion_digest(decision) in clear


def champion_digest(decision):
    return decision.version.artefact_id


def test_the_private_part_of_the_entry_holds_all_that_the_decision_was_made_of(decide_over_http):
    answer = decide_over_http(an_application(**BAD)).json()

    private = open_private(Entry.objects.get(event="serving.decision.made"))

    assert private["outcome"] == answer["outcome"]
    assert float(private["margin"]) == answer["margin"]
    assert float(private["pd"]) == answer["pd"]
    assert float(private["features"]["dti"]) == BAD["dti"]
    assert [reason["code"] for reason in private["reasons"]] == [
        reason["code"] for reason in answer["reasons"]
    ]
    assert {name: float(push) for name, push in private["attributions"].items()} == {
        item["feature"]: item["contribution"] for item in answer["explanation"]["attributions"]
    }


def test_the_decision_row_holds_no_feature_and_the_observation_holds_them_packed(decide_over_http):
    decide_over_http(an_application(**BAD))

    columns = {field.name for field in Decision._meta.get_fields()}
    assert not columns & set(BAD)
    assert len(bytes(Observation.objects.get().packed)) == 8 * len(BAD)


def test_another_client_cannot_read_the_decision(decide_over_http, operator, signed_in):
    answer = decide_over_http(an_application()).json()

    response = signed_in(operator).get(f"/api/v1/decisions/{answer['decision_id']}")

    assert response.status_code == 403
    assert response.json()["type"] == "/problems/not-permitted"


def test_a_decision_that_does_not_exist_is_not_found(client_of_lending):
    response = client_of_lending.get("/api/v1/decisions/019aa5c3-7d3e-7cc1-8d2e-5a0f3f6f2b11")

    assert response.status_code == 404
    assert response.json()["type"] == "/problems/no-such-decision"


def test_a_decline_keeps_whether_its_reasons_say_what_counted(decide_over_http):
    answer = decide_over_http(an_application(**BAD)).json()

    check = answer["explanation"]["reason_check"]
    against = sum(reason["contribution"] for reason in answer["reasons"])
    assert 0 < check["share_named"] <= 1
    assert check["would_flip"] is True
    assert against > 0
    seen = Observation.objects.get(pk=answer["decision_id"])
    assert seen.reason_check == check
    private = open_private(Entry.objects.get(pk=answer["receipt"]["entry_id"]))
    assert private["reason_check"]["would_flip"] is True
    assert private["key_factors"] is None


def test_an_approval_and_a_score_that_is_no_credit_score_keep_neither(decide_over_http):
    answer = decide_over_http(an_application(**GOOD)).json()

    assert answer["explanation"]["reason_check"] is None
    assert answer["key_factors"] is None


def test_the_key_factors_of_a_credit_score_are_a_list_of_their_own(post):
    texts = {name: {key: group[key] for key in ("statement", "missing_statement")} for name, group in REASON_BODY["groups"].items()}  # fmt: skip
    library = {
        "languages": ["en"],
        "is_fcra_credit_score": True,
        "groups": {
            name: {
                "code": group["code"],
                "sample_form": "other",
                "key_factor": "yes" if name == "payment_history" else "no",
                "texts": {"en": texts[name]},
            }
            for name, group in REASON_BODY["groups"].items()
        },
    }
    champion = a_champion(reason_library=a_policy("reason_library", library))

    answer = post(f"models/{champion.model.name}/decisions", an_application(**BAD)).json()

    assert [factor["reason_group"] for factor in answer["key_factors"]] == ["payment_history"]
    assert [factor["rank"] for factor in answer["key_factors"]] == [1]
    assert len(answer["reasons"]) > 1
    assert Observation.objects.get(pk=answer["decision_id"]).key_factors == answer["key_factors"]
