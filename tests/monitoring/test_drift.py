"""Drift measures: hand-worked numbers, scipy as oracle, and the reference tables of real data."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ks_2samp
from sklearn.model_selection import train_test_split

from monitoring.drift import Column, column_drift, columns_drift, ks_two_sample, mean_shift
from registry.measures.errors import NotMeasurable
from registry.measures.statistics import psi

LENDINGCLUB = {
    # feature: (PSI, KS) for 2009, 2010, 2011 against 2007-2008, from the data set's README
    "loan_amnt": [(0.105, 0.131), (0.141, 0.155), (0.232, 0.206)],
    "term": [(0.000, 0.000), (2.214, 0.270), (3.014, 0.351)],
    "int_rate": [(0.729, 0.169), (0.274, 0.182), (0.439, 0.187)],
    "annual_inc": [(0.025, 0.068), (0.037, 0.079), (0.067, 0.103)],
    "dti": [(0.031, 0.054), (0.040, 0.054), (0.062, 0.082)],
    "inq_last_6mths": [(0.139, 0.104), (0.188, 0.132), (0.639, 0.210)],
    "revol_bal": [(0.015, 0.039), (0.038, 0.044), (0.088, 0.075)],
    "revol_util": [(0.034, 0.055), (0.040, 0.028), (0.070, 0.044)],
    "open_acc": [(0.089, 0.052), (0.076, 0.040), (0.096, 0.059)],
    "verification_status": [(0.567, None), (1.144, None), (2.032, None)],
    "purpose": [(0.040, None), (0.129, None), (0.341, None)],
    "home_ownership": [(0.017, None), (0.093, None), (0.119, None)],
}


@pytest.fixture(scope="module")
def lendingclub(reference):
    return pd.read_csv(reference / "data" / "lendingclub_2007_2011.csv.gz", low_memory=False)


@pytest.mark.parametrize("feature", LENDINGCLUB)
def test_drift_of_lendingclub_is_that_of_the_reference_table(lendingclub, feature):
    year = lendingclub["issue_d"].str[:4].astype(int).to_numpy()
    column, values = as_column(lendingclub[feature])

    for current_year, (expected_psi, expected_ks) in zip(
        (2009, 2010, 2011), LENDINGCLUB[feature], strict=True
    ):
        found = column_drift(column, values[year <= 2008], values[year == current_year])

        assert found.psi == pytest.approx(expected_psi, abs=0.00051)
        assert found.ks == (expected_ks and pytest.approx(expected_ks, abs=0.00051))


def test_a_split_of_one_population_shows_no_drift(reference):
    data = pd.read_csv(reference / "data" / "give_me_some_credit.csv.gz").drop(columns="id")
    label = data.pop("SeriousDlqin2yrs")
    train, test = train_test_split(data, test_size=0.3, random_state=42, stratify=label)
    columns = [Column(name) for name in data]

    found = columns_drift(columns, train.to_numpy(float), test.to_numpy(float))

    assert max(column.psi for column in found) < 0.0006
    assert max(column.ks for column in found) < 0.00725


def as_column(series):
    if pd.api.types.is_numeric_dtype(series):
        return Column(str(series.name)), series.to_numpy(float)
    codes, labels = pd.factorize(series, sort=True)
    return Column(str(series.name), nominal=True, labels=tuple(labels)), codes.astype(float)


def test_a_bin_that_empties_is_counted():
    assert psi(np.array([0.95, 0.05]), np.array([1.0, 0.0])) == pytest.approx(0.31, abs=0.005)


def test_psi_by_hand():
    # (.4-.5) ln(.4/.5) + (.6-.5) ln(.6/.5) = .02231 + .01823
    assert psi(np.array([0.5, 0.5]), np.array([0.4, 0.6])) == pytest.approx(0.04055, abs=1e-5)


@given(st.lists(st.integers(1, 50), min_size=2, max_size=12))
def test_psi_of_equal_populations_is_zero_and_grows_as_one_bin_empties(counts):
    shares = np.array(counts) / sum(counts)
    half = shares.copy()
    half[0] /= 2
    gone = shares.copy()
    gone[0] = 0

    assert psi(shares, shares) == 0.0
    assert 0 < psi(shares, half / half.sum()) < psi(shares, gone / gone.sum())


@given(st.integers(0, 2**32 - 1), st.integers(1, 300), st.integers(1, 300))
def test_ks_agrees_with_scipy(seed, m, n):
    generator = np.random.default_rng(seed)
    reference, current = generator.integers(0, 40, m) / 4, generator.integers(5, 45, n) / 4

    with np.errstate(divide="ignore"):  # of its p-value, which nobody asks for
        theirs = ks_2samp(reference, current, method="asymp").statistic

    assert ks_two_sample(reference, current) == pytest.approx(theirs, abs=1e-12)


def test_a_column_that_was_constant_in_the_reference_does_not_read_zero():
    # LendingClub's loan term: 36 months only, until 60 months appeared.
    found = column_drift(Column("term"), np.full(500, 36.0), np.repeat([36.0, 60.0], [380, 120]))

    assert found.binning == "category"
    assert found.psi > 1
    assert found.ks == pytest.approx(0.24)
    assert found.unseen_current == pytest.approx(0.24)


def test_a_column_that_is_nearly_always_zero_does_not_read_zero():
    reference = np.append(np.zeros(980), np.arange(1.0, 21.0))
    current = np.append(np.zeros(700), np.arange(1.0, 301.0))

    assert column_drift(Column("past_due"), reference, current).psi > 0.25


def test_missing_values_are_a_bin_of_their_own():
    reference = np.linspace(0, 1, 1000)
    current = reference.copy()
    current[::2] = np.nan

    found = column_drift(Column("income"), reference, current)

    assert found.missing_change == 0.5
    assert found.psi > 0.25
    assert found.ks < 0.01
    assert found.bins[-1].label == "missing"


def test_a_column_that_went_missing_altogether_has_no_ks():
    found = column_drift(Column("income"), np.linspace(0, 1, 100), np.full(100, np.nan))

    assert found.ks is None
    assert found.missing_current == 1.0


def test_codes_without_an_order_have_no_ks_and_keep_their_names():
    column = Column("purpose", nominal=True, labels=("car", "house", "boat"))

    found = column_drift(column, np.array([0.0, 0, 1, 1]), np.array([0.0, 1, 1, 2]))

    assert found.ks is None
    assert [bin_.label for bin_ in found.bins] == [
        "car",
        "house",
        "not in the reference",
        "missing",
    ]
    assert found.bins[1] == found.bins[1].__class__("house", 0.5, 0.5)
    assert found.unseen_current == 0.25


def test_shares_of_every_column_sum_to_one():
    generator = np.random.default_rng(4)
    reference, current = generator.normal(size=900), generator.normal(0.3, 2, size=400)

    found = column_drift(Column("x"), reference, current)

    assert len(found.bins) == 11
    assert sum(bin_.reference for bin_ in found.bins) == pytest.approx(1)
    assert sum(bin_.current for bin_ in found.bins) == pytest.approx(1)


def test_a_mean_shift_comes_in_three_units():
    found = mean_shift(np.array([0.04, 0.06]), np.array([0.06, 0.08]))

    assert found.shift == pytest.approx(0.02)
    assert found.relative == pytest.approx(0.4)
    assert found.in_sd == pytest.approx(2.0)


def test_a_shift_of_a_constant_prediction_has_no_relative_size():
    found = mean_shift(np.zeros(3), np.array([0.1]))

    assert (found.relative, found.in_sd) == (None, None)


@pytest.mark.parametrize("current", [np.array([]), np.array([np.inf]), np.zeros((2, 2))])
def test_a_population_that_cannot_be_compared_is_refused_by_name(current):
    with pytest.raises(NotMeasurable, match="dti"):
        column_drift(Column("dti"), np.array([1.0, 2.0]), current)
