"""A version is challenged alike each time, and with values that its contract allows."""

from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit

from governance.challenging import by_age, challenge, directions_broken
from governance.gate_policy import LIMITS
from registry.contract import FeatureContract
from registry.queries import snapshot_of
from serving.scoring import score_rows
from tests.registry.builders import a_version

GATES_PAGE = Path(__file__).resolve().parents[2] / "docs" / "gates.md"
AGED = FeatureContract.from_json(
    {
        "features": [
            {"name": "dti", "type": "number", "reason_group": "debt", "monotone": "increasing"},
            {"name": "seniority", "type": "integer", "minimum": 21, "maximum": 90, "unit": "years of age", "reason_group": "age"},
        ]
    }
)  # fmt: skip
ROWS = np.array([[10.0, 30.0], [20.0, 65.0], [30.0, 80.0], [40.0, np.nan]])


def test_every_check_is_explained_to_whoever_writes_a_policy():
    page = GATES_PAGE.read_text()

    assert [name for name in LIMITS if f"`{name}`" not in page] == []


def test_an_age_is_varied_over_what_the_contract_allows_and_nothing_else_is():
    def pd_of(packed):
        return expit(0.01 * packed[:, 0] - 0.05 * packed[:, 1])

    found = by_age(AGED, ROWS, pd_of(ROWS), pd_of)

    assert found.own.tolist() == [80, 65, 30]
    assert (found.grid[0], found.grid[-1], found.grid.size) == (21, 90, 70)
    own = [found.pd_at[i, int(age) - 21] for i, age in enumerate(found.own)]
    assert own == pytest.approx(found.pd.tolist())
    assert found.pd_at[0] == pytest.approx(expit(0.3 - 0.05 * found.grid))


def test_without_a_declared_age_there_is_nothing_to_vary():
    contract = FeatureContract(AGED.features[:1])

    assert by_age(contract, ROWS[:, :1], ROWS[:, 0], lambda packed: packed[:, 0]) is None


def test_only_declared_directions_are_asked_about():
    # Rises with dti up to 20 and falls after: everybody is seen to fall.
    found = directions_broken(AGED, ROWS, lambda packed: -((packed[:, 0] - 20.0) ** 2))
    kept = directions_broken(AGED, ROWS, lambda packed: packed[:, 0])

    assert list(found) == list(kept) == ["dti"]
    assert found["dti"].all()
    assert not kept["dti"].any()


@pytest.mark.django_db
def test_a_version_is_challenged_alike_each_time():
    version = a_version()
    rows = snapshot_of(version.dataset).packed[:400]
    pd = score_rows(version, rows).pd

    first, second = challenge(version, rows, pd), challenge(version, rows, pd)

    assert (first.noise_flips == second.noise_flips).all()
    assert (first.missing_flips == second.missing_flips).all()
    assert (first.reason_agreement == second.reason_agreement).all()
    assert first.reason_agreement.size == first.faithful.size == (pd >= version.cut_off).sum()
    assert 0.5 < first.reason_agreement.mean() <= 1.0
