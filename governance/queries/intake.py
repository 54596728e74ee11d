"""What would come of taking data in: everything is read and checked, and nothing is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User

from audit.action import require
from governance.sources.places import Gathered
from governance.sources.splitting_off import split_off
from registry.description import Description
from registry.expectations import Expectation, ExpectationResult, blocking_failures, evaluate
from registry.queries import expected_of
from registry.snapshots import SnapshotFile
from registry.validation import CheckResult, validate


@dataclass(frozen=True, slots=True)
class IntakeRehearsal:
    """What a data set would be, and every check of it. `policy` names the expectations that were asked."""

    rows: int
    origin: dict[str, Any]
    checks: list[CheckResult]
    policy: str
    expectations: list[ExpectationResult]

    @property
    def would_be_taken_in(self) -> bool:
        passed = all(check.passed for check in self.checks)
        return passed and not blocking_failures(self.expectations)


def rehearse_intake(
    name: str,
    gather: Callable[[], Gathered],
    description: str,
    at: datetime,
    *,
    reader: User,
    tried: Sequence[Expectation] = (),
) -> IntakeRehearsal:
    """Needs what taking in needs, since the source is read. `tried` are expectations in the place of those in force.

    Raises NotPermitted, and what reading the source and splitting the file raise.
    """
    require(reader, "governance.take_in_dataset")
    described = Description.from_toml(description)
    with gather() as gathered, split_off(gathered.rows, described) as parts:
        snapshot = SnapshotFile(parts.snapshot)
        checks = validate(snapshot, described.features, list(described.protected))
        if tried:
            policy, results = "not adopted", evaluate(snapshot, tried, at.date())
        else:
            found, results = expected_of(name, snapshot, at)
            policy = str(found or "none in force")
    return IntakeRehearsal(snapshot.num_rows, gathered.origin, checks, policy, results)
