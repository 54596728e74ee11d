from datetime import timedelta

import numpy as np
import pytest
from django.utils import timezone

from registry.contract import FeatureContract
from registry.queries import contract_of_version, snapshot_of
from serving.actions.outcomes import record_outcome
from serving.queries import decisions_window
from serving.scoring import score_rows
from tests.registry.builders import CONTRACT, a_dataset, a_description, a_frame, a_run, a_version
from tests.serving.builders import BAD, GOOD, a_champion, a_decision, the_client

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


def window_of(version, only=None):
    now = timezone.now()
    return decisions_window(version.model.name, now - HOUR, now + HOUR, only)


def test_a_window_holds_the_decisions_as_columns_in_order(champion):
    first, second = a_decision(champion, **GOOD), a_decision(champion, **BAD)

    window = window_of(champion)

    assert list(window.decision_ids) == [first.pk, second.pk]
    assert list(window.subject_ids) == [first.subject_id, second.subject_id]
    assert list(window.outcomes) == ["approved", "declined"]
    assert list(window.version_numbers) == [champion.number] * 2
    assert [contract_of_version(champion).unpack(row) for row in window.packed] == [GOOD, BAD]
    assert window.pd[0] < window.pd[1]
    assert window.margin == pytest.approx(np.log(window.pd / (1 - window.pd)))
    assert window.reasons[0] == []
    assert "obligations" in window.reasons[1]


def test_a_window_without_decisions_is_empty(champion):
    window = window_of(champion)

    assert len(window.decision_ids) == len(window.pd) == len(window.bad) == len(window.packed) == 0


def test_a_window_ends_before_its_end(champion):
    decision = a_decision(champion)
    at = decision.decided_at

    assert len(decisions_window(champion.model.name, at, at + HOUR).pd) == 1
    assert len(decisions_window(champion.model.name, at - HOUR, at).pd) == 0


def test_of_a_window_that_is_too_long_the_newest_decisions_are_read(champion):
    _, second, third = (a_decision(champion) for _ in range(3))
    now = timezone.now()

    window = decisions_window(champion.model.name, now - HOUR, now + HOUR, most=2)

    assert list(window.decision_ids) == [second.pk, third.pk]


def test_outcomes_not_known_are_nan_and_the_latest_known_one_counts(champion):
    unknown, known = a_decision(champion), a_decision(champion)
    day = known.decided_at.date()
    report = {"decision_id": str(known.pk), "months_on_book": 0, "source": "core banking"}
    record_outcome(
        report | {"bad": True, "observed_on": f"{day}", "matured": True}, by=the_client()
    )

    window = window_of(champion)

    assert np.isnan(window.bad[0])
    assert window.bad[1] == 1.0
    assert list(window.matured) == [False, True]
    assert window.decision_ids[0] == unknown.pk


def test_a_window_can_be_narrowed_to_one_version(champion):
    a_decision(champion)
    successor = a_version(champion.model, stage="production")
    a_decision(successor)

    assert len(window_of(champion).pd) == 2
    assert list(window_of(champion, only=successor).version_numbers) == [successor.number]


def test_decisions_under_another_contract_do_not_share_the_columns(champion):
    a_decision(champion)
    narrower = FeatureContract(CONTRACT.features[:4])
    dataset = a_dataset(
        a_frame().drop(columns="purpose"),
        contract=narrower,
        description=a_description(contract=narrower.as_json()),
    )
    successor = a_version(champion.model, run=a_run(champion.model, dataset), stage="production")
    features = {name: value for name, value in GOOD.items() if name != "purpose"}
    decide_with(successor, features)

    window = window_of(champion)

    assert window.packed.shape == (1, 4)
    assert list(window.version_numbers) == [successor.number]


def decide_with(version, features):
    from serving.actions.decisions import decide

    document = {"application_ref": "A", "subject_ref": "C", "features": features}
    return decide(version.model.name, document, by=the_client())


@pytest.mark.parametrize("algorithm", ["logistic_regression", "hist_gradient_boosting"])
def test_any_version_can_be_measured_without_being_cleared(algorithm):
    version = a_version(algorithm=algorithm)
    packed = snapshot_of(version.dataset).packed

    scores = score_rows(version, packed)

    assert scores.pd.shape == (len(packed),)
    assert ((scores.pd > 0) & (scores.pd < 1)).all()
    assert np.abs(scores.additivity_gap).max() < 1e-9


def test_a_decision_scores_as_the_measured_version_does():
    champion = a_champion(algorithm="hist_gradient_boosting")
    decision = a_decision(champion, **BAD)

    scores = score_rows(champion, contract_of_version(champion).pack([BAD]))

    assert decision.observation.margin == scores.margin[0]
