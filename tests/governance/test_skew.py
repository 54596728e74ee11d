"""A model meets at work what it learned from: what decisions look up and what training joins are the same bits."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from numpy.typing import NDArray

from audit.person_requests import PersonRequest
from audit.queries import service_account
from governance.access.gathering import gathered
from governance.actions.access import request_access
from governance.actions.intake import take_in_dataset
from registry import point_in_time
from registry.models import Dataset, FeatureTable, ModelVersion
from registry.queries import snapshot_of
from serving.in_service import bytes_of
from serving.models import Decision
from serving.scoring import loaded
from tests.conftest import a_person
from tests.registry.builders import a_policy, a_run, a_version
from tests.registry.tables import (
    DESCRIPTION,
    REASONS,
    TTL,
    a_document,
    a_history,
    a_table,
    recorded,
)

pytestmark = pytest.mark.django_db
POLICY = {
    "cut_off": 0.5,
    "grey_band": None,
    "knockout_rules": [],
    "materiality_floor": 0.0,
    "max_reasons": 4,
}


@dataclass(frozen=True)
class Served:
    """A decision that was made over HTTP, and what its lookup was made as of."""

    subject_ref: str
    dti: float
    decision: Decision
    as_of: datetime


@pytest.fixture
def table(lending: User) -> FeatureTable:
    return a_table(lending, "bureau")


@pytest.fixture
def champion(table: FeatureTable) -> ModelVersion:
    """Trained on a year of history that was joined to its applications."""
    documents, spine = a_history()
    recorded(table, *documents)
    dataset = taken_in(table, spine, "history")
    return a_version(
        run=a_run(dataset=dataset),
        decision_policy=a_policy("decision", POLICY),
        reason_library=a_policy("reason_library", REASONS),
        stage="production",
    )


def taken_in(table: FeatureTable, spine: pd.DataFrame, name: str) -> Dataset:
    person = User.objects.filter(username="dana").first() or a_person("dana", "model developer")
    csv = spine.to_csv(index=False).encode()
    return take_in_dataset(
        name, csv, f"{name}.csv", DESCRIPTION.replace("TABLE", str(table)), by=person
    )


@pytest.fixture
def served(table: FeatureTable, champion: ModelVersion, lending: User, signed_in) -> list[Served]:
    """Decisions while rows keep coming: new, late, corrected, on the edge of their life, and none at all."""
    client, answers = signed_in(lending), []

    def decide(subject_ref: str, dti: float) -> None:
        body = {
            "application_ref": f"A-{len(answers)}",
            "subject_ref": subject_ref,
            "features": {"dti": dti},
        }
        answer = client.post(
            f"/api/v1/models/{champion.model.name}/decisions", body, "application/json"
        )
        assert answer.status_code == 201, answer.json()
        decision = Decision.objects.get(pk=answer.json()["decision_id"])
        as_of = datetime.fromisoformat(answer.json()["explanation"]["lookups"]["as_of"])
        answers.append(Served(subject_ref, dti, decision, as_of))

    now = timezone.now()
    people = [f"N-{number}" for number in range(6)]
    recorded(
        table,
        *(
            a_document(ref, now - timedelta(days=7 * number), utilisation=0.1 + number / 7)
            for number, ref in enumerate(people)
        ),
    )
    for ref in [*people, "N-unknown"]:
        decide(ref, 41.3)
    recorded(
        table,
        # newer, late (older than what is known), a correction of the same event, and known to be not known
        a_document(people[0], timezone.now(), utilisation=1 / 3, grade="c"),
        a_document(people[1], now - timedelta(days=9), utilisation=1.9),
        a_document(people[2], now - timedelta(days=14), utilisation=1.1, accounts=9),
        a_document(people[3], now - timedelta(days=20), utilisation=None, grade="b"),
        a_document("N-unknown", now - timedelta(days=2), grade="b"),
    )
    for ref in [*people, "N-unknown"]:
        decide(ref, 17.25)
    # After the last decision: what training must not see at the moments of the decisions.
    recorded(table, *(a_document(ref, now - timedelta(hours=1), accounts=44) for ref in people))
    return answers


def joined(table: FeatureTable, served: list[Served], name: str = "served") -> NDArray[np.float64]:
    """What training learns from the same people at the same moments, packed (n, k)."""
    rows = [
        (one.subject_ref, one.as_of.isoformat(), one.dti, n % 2) for n, one in enumerate(served)
    ]
    spine = pd.DataFrame(rows, columns=["customer", "applied_at", "dti", "bad"])
    return snapshot_of(taken_in(table, spine, name)).packed


def observed(served: list[Served]) -> NDArray[np.float64]:
    return np.stack([np.frombuffer(one.decision.observation.packed) for one in served])


def test_what_decisions_looked_up_is_bit_for_bit_what_training_joins(table, served) -> None:
    learned, met = joined(table, served), observed(served)

    assert learned.tobytes() == met.tobytes()
    # The cases are there: values, values that were corrected in between, and none.
    assert np.isnan(met[:, 1]).any()
    assert len(np.unique(met[~np.isnan(met[:, 1]), 1])) > 6


def test_a_model_trained_on_what_was_served_is_the_one_trained_on_the_join(table, served) -> None:
    [version] = ModelVersion.objects.all()

    again = loaded(bytes_of(version)).judge.score(joined(table, served))

    margins = [one.decision.observation.margin for one in served]
    assert again.margin.tolist() == margins


def test_a_join_that_ignores_when_values_were_known_is_caught(table, served, monkeypatch) -> None:
    """The planted skew: rows count from their event on, so that data which came late leaks into training."""

    def leaking(rows: Any, at: datetime, ttl: timedelta) -> Any:
        happened = [row for row in rows if row.event_at <= at]
        newest = max(happened, key=lambda row: (row.event_at, row.created_at), default=None)
        return newest if newest and at - newest.event_at <= ttl else None

    met = observed(served)
    monkeypatch.setattr(point_in_time, "newest_known", leaking)
    monkeypatch.setattr("registry.feature_tables.known_rows", every_row)

    assert joined(table, served).tobytes() != met.tobytes()


def every_row(source: Any, subject_ids: Any, *window: Any, **options: Any) -> dict[Any, list[Any]]:
    from registry.models import FeatureRow

    found: dict[Any, list[Any]] = {}
    for row in FeatureRow.objects.filter(table=source.table_id, subject_id__in=subject_ids):
        known = point_in_time.Known(row.event_at, row.created_at, row.pk, bytes(row.packed))
        found.setdefault(row.subject_id, []).append(known)
    return found


def test_the_data_set_names_the_tables_and_how_much_is_their_source_s_word(table, served) -> None:
    history = Dataset.objects.get(name="history")

    noted = history.description["feature_tables"]["bureau/1"]

    assert noted["contract_sha256"] == table.contract_sha256
    assert noted["ttl_seconds"] == TTL.total_seconds()
    assert noted["found"] + noted["not_known"] == history.rows
    assert noted["not_known"] > 0
    # The history came in a year late, so all of it; what was recorded as it came, not at all.
    assert noted["recorded_later"] == noted["found"] > 200
    joined(table, served)
    live = Dataset.objects.get(name="served").description["feature_tables"]["bureau/1"]
    assert live["recorded_later"] == 0
    assert live["found"] > 0


def test_no_reference_of_a_person_enters_a_data_set(champion, table) -> None:
    history = Dataset.objects.get(name="history")

    assert "customer" not in history.columns
    assert history.columns == ["row_id", "dti", "utilisation", "accounts", "grade", "bad", "observed_on"]  # fmt: skip
    assert not re.search(r"C-\d", bytes(history.entry.body).decode())


def test_a_person_is_told_which_data_was_looked_up_and_since_when_it_held(
    served, privacy_officer
) -> None:
    decision = served[0].decision
    request = request_access(
        PersonRequest(
            correspondence="DSAR-1",
            identity_check="Passport seen.",
            received_on=timezone.now().date(),
            subject_id=decision.subject_id,
        ),
        by=privacy_officer,
    )

    copy = gathered(request, reader=service_account("monitor"), made_at=timezone.now())

    told = next(one for one in copy["decisions"] if one["decision_id"] == str(decision.pk))
    sources = {used["feature"]: used["source"] for used in told["data_used"]}
    assert sources["accounts"] == "looked up in the feature table bureau/1"
    assert "lending system" in sources["dti"]
    assert len(copy["feature_values"]) == 3
