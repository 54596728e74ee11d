"""What a data set looks like, feature by feature."""

import numpy as np
import pytest
from django.contrib.auth.models import User
from hypothesis import given
from hypothesis import strategies as st

from registry.contract import FeatureContract
from registry.profile import FEWEST_SHOWN, profile
from registry.snapshots import Snapshot
from tests.registry.builders import a_dataset


def a_contract(*features: tuple[str, str]) -> FeatureContract:
    return FeatureContract.from_json(
        {
            "features": [
                {
                    "name": name,
                    "type": kind,
                    "missing": "allowed",
                    "reason_group": "all",
                    "description": name,
                    **({"categories": ["own", "rent"]} if kind == "category" else {}),
                }
                for name, kind in features
            ]
        }
    )


def a_snapshot(packed: list[list[float]], bad: list[int]) -> Snapshot:
    return Snapshot(
        row_ids=np.arange(len(bad)).astype(str),
        packed=np.array(packed, dtype=float),
        bad=np.array(bad, dtype=np.int8),
        observed_on=None,
    )


def test_a_number_is_described_by_what_is_known_of_it() -> None:
    values = [*range(100), np.nan, np.nan]
    snapshot = a_snapshot([[value] for value in values], [0] * 50 + [1] * 52)

    (found,) = profile(snapshot, a_contract(("income", "number")))

    assert (found.rows, found.missing, found.distinct) == (102, 2, 100)
    assert found.mean == pytest.approx(49.5)
    assert found.sd == pytest.approx(np.arange(100).std())
    assert found.quantiles is not None
    assert found.as_json()["quantiles"]["p50"] == pytest.approx(49.5)
    *ranges, missing = found.bins
    assert [one.rows for one in ranges] == [10] * 10
    assert [one.bad_rate for one in ranges] == [0.0] * 5 + [1.0] * 5
    assert (missing.label, missing.rows, missing.bad_rate) == ("missing", 2, None)


def test_a_value_that_many_rows_share_stands_alone() -> None:
    values = [0.0] * 180 + [float(value) for value in range(1, 21)]

    (found,) = profile(
        a_snapshot([[value] for value in values], [0] * 200), a_contract(("other", "number"))
    )

    assert [(b.label, b.rows) for b in found.bins] == [("0", 180), ("1 to 20", 20)]


def test_categories_and_booleans_are_named_and_small_bins_show_no_rate() -> None:
    packed = [[0.0, 1.0]] * 12 + [[1.0, 0.0]] * 3
    snapshot = a_snapshot(packed, [1, 0] * 6 + [1, 1, 1])

    home, other = profile(snapshot, a_contract(("home", "category"), ("other", "boolean")))

    assert [(b.label, b.rows, b.bad_rate) for b in home.bins] == [
        ("own", 12, 0.5),
        ("rent", 3, None),
    ]
    assert [(b.label, b.rows) for b in other.bins] == [("no", 3), ("yes", 12)]
    assert home.mean is None
    assert home.quantiles is None


def test_a_feature_of_which_nothing_is_known_is_all_missing() -> None:
    (found,) = profile(a_snapshot([[np.nan]] * 20, [0, 1] * 10), a_contract(("gone", "number")))

    assert (found.missing_share, found.mean, found.quantiles) == (1.0, None, None)
    assert [(b.label, b.rows, b.bad_rate) for b in found.bins] == [("missing", 20, 0.5)]


@given(
    st.lists(
        st.none() | st.floats(-1e6, 1e6) | st.sampled_from([0.0, 1.0]), min_size=1, max_size=80
    )
)
def test_every_row_is_in_exactly_one_bin(values: list[float | None]) -> None:
    packed = [[np.nan if value is None else value] for value in values]

    (found,) = profile(a_snapshot(packed, [0] * len(values)), a_contract(("x", "number")))

    assert sum(one.rows for one in found.bins) == len(values)
    assert all((one.bad_rate is None) == (one.rows < FEWEST_SHOWN) for one in found.bins)


@pytest.mark.django_db
def test_the_profile_is_served_and_shown_with_pictures(auditor: User, signed_in) -> None:
    dataset = a_dataset()
    client = signed_in(auditor)

    answer = client.get(f"/api/v1/datasets/{dataset.pk}/profile")
    page = client.get(f"/registry/dataset/{dataset.pk}/change/").content.decode()

    names = [feature["name"] for feature in dataset.description["contract"]["features"]]
    assert [feature["name"] for feature in answer.json()] == names
    assert all(
        sum(one["rows"] for one in feature["bins"]) == dataset.rows for feature in answer.json()
    )
    assert page.count("data:image/svg+xml") == len(names)
