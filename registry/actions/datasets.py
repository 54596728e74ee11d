"""Acts on data sets."""

import io
from collections.abc import Collection, Mapping
from typing import IO, Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.digests import sha256_of
from audit.errors import FieldProblem
from audit.store import content_store
from registry.contract import FeatureContract
from registry.errors import (
    DatasetExists,
    DatasetFailsContract,
    DatasetFailsExpectations,
    ProtectedColumn,
)
from registry.events import Event
from registry.expectations import (
    ExpectationResult,
    as_problem,
    blocking_failures,
)
from registry.feature_tables import require_online_stores, sources_of
from registry.models import Dataset, Policy
from registry.queries import expected_of
from registry.snapshots import SnapshotFile, newest_date
from registry.validation import CheckResult, validate

_OF_MONITORING = ("protected", "groups")


@action(Event.DATASET_REGISTERED, needs="registry.register_dataset")
def register_dataset(
    name: str,
    parquet: bytes | IO[bytes],
    description: Mapping[str, Any],
    protected_columns: Collection[str],
    *,
    by: User,
    origin: Mapping[str, Any] | None = None,
) -> Dataset:
    """Keep a snapshot under its digest, once every check of its contract and every blocking expectation has passed.

    `parquet` may be a file that can be read again from its beginning; it is never in memory as a whole.
    `description` is the registry's part of a file's description; `protected_columns` are the names of
    what was split off, so that they are recognised when they turn up here or in a decision. `origin` says
    where the rows were read. The expectations are those in force for the name, else those for all data sets;
    without either there is the contract alone. Raises ContractMalformed, UnknownFeatureTable, FeaturesDifferFromTable
    or UnknownOnlineStore where the contract looks features up, NotParquet, ProtectedColumn,
    DatasetFailsContract, DatasetFailsExpectations or DatasetExists.
    """
    file = io.BytesIO(parquet) if isinstance(parquet, bytes) else parquet
    sha256 = sha256_of(file)
    if existing := Dataset.objects.filter(name=name, sha256=sha256).first():
        raise DatasetExists(
            f"These bytes are already registered as {name!r}, number {existing.pk}."
        )
    _require_no_protected_part(description)
    contract = FeatureContract.from_json(description.get("contract", {}))
    sources_of(contract)
    require_online_stores(contract)
    snapshot = SnapshotFile(file)
    checks = validate(snapshot, contract, protected_columns)
    _require_passed(checks)
    now = timezone.now()
    policy, expected = expected_of(name, snapshot, now)
    _require_expected(policy, expected)
    dataset = Dataset(
        name=name,
        # A crash after this leaves bytes that no row names: the same bytes again find them there.
        sha256=content_store().put_file("datasets", file),
        rows=snapshot.num_rows,
        columns=snapshot.column_names,
        description={**description, "protected_columns": sorted(protected_columns)},
        validation={"passed": True, "checks": [check.as_json() for check in checks]},
        source=description.get("source", ""),
        licence=description.get("licence", ""),
        registered_by=by,
        created_at=now,
        origin=dict(origin or {}),
        expectations=[result.as_json() for result in expected],
        expectations_policy=policy,
        newest_on=newest_date(snapshot),
    )
    dataset.entry = record(
        subject=dataset.subject,
        name=name,
        rows=dataset.rows,
        columns=dataset.columns,
        contract_sha256=contract.sha256,
        protected_columns=dataset.description["protected_columns"],
        checks=len(checks),
        origin=dataset.origin,
        expectations_policy=str(policy) if policy else None,
        expectations_sha256=policy.sha256 if policy else None,
        expectations=dataset.expectations,
        source=dataset.source,
        licence=dataset.licence,
    )
    dataset.save(force_insert=True)
    return dataset


def _require_expected(policy: Policy | None, results: list[ExpectationResult]) -> None:
    if failed := blocking_failures(results):
        raise DatasetFailsExpectations(
            f"The data set fails {len(failed)} of {len(results)} expectations of {policy}.",
            errors=[as_problem(result) for result in failed],
        )


def _require_no_protected_part(description: Mapping[str, Any]) -> None:
    if found := [part for part in _OF_MONITORING if part in description]:
        raise ProtectedColumn(
            "The description still holds what only monitoring may know.",
            errors=[
                FieldProblem(f"description.{part}", "protected", "Split this part off first.")
                for part in found
            ],
        )


def _require_passed(checks: list[CheckResult]) -> None:
    failed = [check for check in checks if not check.passed]
    protected = [check for check in failed if check.check == "not_protected"]
    if protected:
        raise ProtectedColumn(
            "The data set holds protected columns, which never lie in the registry.",
            errors=_problems(protected),
        )
    if failed:
        raise DatasetFailsContract(
            f"The data set fails {len(failed)} of {len(checks)} checks.", errors=_problems(failed)
        )


def _problems(checks: list[CheckResult]) -> list[FieldProblem]:
    return [
        FieldProblem(check.field, check.check, f"{check.observed}; expected {check.expected}.")
        for check in checks
    ]
