"""Cold storage classes: which tiers of restore each has, and when a restore is expected. Pure; the figures are data."""

import tomllib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from pathlib import Path


@dataclass(frozen=True)
class Tier:
    """How long a restore takes at most, and up to which size it is offered; None is any size."""

    takes: timedelta
    largest_bytes: int | None


@lru_cache(maxsize=1)
def cold_classes() -> dict[str, dict[str, Tier]]:
    """Storage class -> tier -> what it promises. A class that is not among them can be read at once."""
    data = tomllib.loads(Path(__file__).with_suffix(".toml").read_text())
    return {
        name: {
            tier: Tier(
                timedelta(minutes=row["minutes"]),
                row["largest_mb"] * 1_000_000 if "largest_mb" in row else None,
            )
            for tier, row in found["tiers"].items()
        }
        for name, found in data.items()
    }


def why_not(storage_class: str, tier: str, size: int) -> str | None:
    """Why an object of that class and size cannot be restored in that tier; None where it can."""
    tiers = cold_classes().get(storage_class)
    if tiers is None:
        return f"The object is in the class {storage_class} and can be read at once."
    if tier not in tiers:
        return f"The class {storage_class} knows no {tier} restore, only: {', '.join(tiers)}."
    largest = tiers[tier].largest_bytes
    if largest is not None and size > largest:
        return f"An {tier} restore takes objects of up to {largest // 1_000_000} MB; this one has {size // 1_000_000}."
    return None


def expected_at(storage_class: str, tier: str, asked_at: datetime) -> datetime:
    """When the object can be read at the latest, as far as the class promises. For what `why_not` lets pass."""
    return asked_at + cold_classes()[storage_class][tier].takes
