"""Feature tables from a terminal."""

from datetime import timedelta
from io import StringIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.utils import timezone

from registry.feature_tables import source_of
from registry.models import FeatureRow, FeatureTable
from tests.registry.tables import a_table

pytestmark = pytest.mark.django_db
DEFINITION = """
name = "bureau"
ttl_seconds = 86400
client = "lending"
source = "The bureau"

[features.score]
type = "number"
missing = "allowed"

[features.accounts]
type = "integer"
missing = "allowed"

[features.owner]
type = "boolean"

[features.grade]
type = "category"
categories = ["a", "b"]
"""


def run(*arguments: str, as_: User | None = None) -> str:
    out = StringIO()
    call_command("features", *(["--as", as_.username] if as_ else []), *arguments, stdout=out)
    return out.getvalue()


@pytest.fixture
def table(tmp_path: Path, developer: User, lending: User) -> FeatureTable:
    file = tmp_path / "bureau.toml"
    file.write_text(DEFINITION)
    assert run("define", str(file), as_=developer) == "Defined bureau/1.\n"
    return FeatureTable.objects.get()


@pytest.fixture
def frame() -> pd.DataFrame:
    hour_ago = timezone.now() - timedelta(hours=1)
    return pd.DataFrame(
        {
            "subject_ref": [17, 18],
            "event_at": [hour_ago, hour_ago],
            "score": [1 / 3, np.nan],
            "accounts": [4, None],
            "owner": [True, False],
            "grade": ["b", "a"],
        }
    )


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_the_rows_of_a_file_come_in_with_the_types_of_the_table(
    kind: str, table: FeatureTable, frame: pd.DataFrame, tmp_path: Path
) -> None:
    file = tmp_path / f"rows.{kind}"
    frame.to_csv(file, index=False) if kind == "csv" else frame.to_parquet(file)

    said = run("record", "bureau", str(file))

    assert said == "bureau/1 took 2 rows.\n"
    features = source_of(table).features
    first, second = (
        features.unpack(np.frombuffer(row.packed)) for row in FeatureRow.objects.order_by("pk")
    )
    assert first == {"score": 1 / 3, "accounts": 4, "owner": True, "grade": "b"}
    assert second == {"score": None, "accounts": None, "owner": False, "grade": "a"}
    assert "newest event" in run("list")


def test_what_is_wrong_with_a_file_is_named(
    table: FeatureTable, frame: pd.DataFrame, tmp_path: Path, developer: User
) -> None:
    file = tmp_path / "rows.csv"
    frame.assign(grade="z").to_csv(file, index=False)
    definition = tmp_path / "wrong.toml"
    definition.write_text('name = "bureau"\nttl = 3\n')

    with pytest.raises(CommandError, match=r"rows\.0\.features\.grade: Not a known category"):
        run("record", "bureau/1", str(file))
    with pytest.raises(CommandError, match="There is no feature table 'bureau/7'"):
        run("record", "bureau/7", str(file))
    with pytest.raises(CommandError, match=r"ttl: Unknown key"):
        run("define", str(definition), as_=developer)
    with pytest.raises(CommandError, match="Cannot be read"):
        run("record", "bureau", str(tmp_path / "absent.csv"))

    assert not FeatureRow.objects.exists()


def test_a_definition_takes_the_permission(tmp_path: Path, operator: User, lending: User) -> None:
    a_table(lending, "bureau")
    file = tmp_path / "bureau.toml"
    file.write_text(DEFINITION)

    with pytest.raises(CommandError, match="Not permitted"):
        run("define", str(file), as_=operator)

    assert FeatureTable.objects.count() == 1
