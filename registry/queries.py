"""Named reads of the registry."""

from datetime import datetime
from functools import lru_cache
from uuid import UUID

from django.db.models import Exists, OuterRef, Q, QuerySet

from audit.statements import Parameter
from audit.store import content_store
from registry import baselines, snapshots
from registry.contract import FeatureContract
from registry.errors import (
    UnknownDataset,
    UnknownModel,
    UnknownPlot,
    UnknownPolicy,
    UnknownRestriction,
    UnknownRun,
    UnknownVersion,
)
from registry.expectations import ExpectationResult, evaluate, read_expectations
from registry.models import (
    Baseline,
    Clearance,
    Dataset,
    ModelVersion,
    Policy,
    Run,
    RunReport,
    ScoringModel,
    Stage,
    UseRestriction,
    WriteBack,
)
from registry.profile import FeatureProfile, profile
from registry.reporting import Reported
from registry.snapshots import Snapshot, SnapshotFile

FOR_ALL_DATASETS = "default"


def model_named(name: str) -> ScoringModel:
    """Raises UnknownModel."""
    model = ScoringModel.objects.filter(name=name).first()
    if model is None:
        raise UnknownModel(f"The inventory holds no model {name!r}.")
    return model


def dataset_with(dataset_id: int) -> Dataset:
    """Raises UnknownDataset."""
    dataset = Dataset.objects.filter(pk=dataset_id).first()
    if dataset is None:
        raise UnknownDataset(f"No data set has the number {dataset_id}.")
    return dataset


def dataset_called(name: str) -> Dataset:
    """The data set of that number or, where it is no number, of that SHA-256. Raises UnknownDataset."""
    if name.isdecimal() and len(name) < 19:
        return dataset_with(int(name))
    dataset = Dataset.objects.filter(sha256=name.lower()).last()
    if dataset is None:
        raise UnknownDataset(f"No data set has the SHA-256 {name!r}.")
    return dataset


def run_with(run_id: UUID) -> Run:
    """Raises UnknownRun."""
    run = Run.objects.select_related("model", "dataset", "requested_by").filter(pk=run_id).first()
    if run is None:
        raise UnknownRun(f"There is no run {run_id}.")
    return run


def run_of(model: ScoringModel, run_id: UUID) -> Run:
    """A run of that very model. Raises UnknownRun."""
    run = run_with(run_id)
    if run.model_id != model.pk:
        raise UnknownRun(f"The model {model} has no run {run_id}.")
    return run


def policy_with(policy_id: int) -> Policy:
    """Raises UnknownPolicy."""
    policy = Policy.objects.filter(pk=policy_id).first()
    if policy is None:
        raise UnknownPolicy(f"There is no policy with the number {policy_id}.")
    return policy


def versions_of(model: ScoringModel) -> QuerySet[ModelVersion]:
    """Every version of the model, the newest first, with what a reader asks for next."""
    return model.versions.select_related(
        "model", "run", "dataset", "artefact", "baseline", "decision_policy", "reason_library"
    ).order_by("-number")


def version_numbered(model: ScoringModel, number: int) -> ModelVersion:
    """Raises UnknownVersion."""
    version = versions_of(model).filter(number=number).first()
    if version is None:
        raise UnknownVersion(f"The model {model} has no version {number}.")
    return version


def champion(model: ScoringModel) -> ModelVersion | None:
    """The one version in production; None when the model has none."""
    return versions_of(model).filter(stage=Stage.PRODUCTION).first()


def clearances_in_force(at: datetime | Parameter) -> QuerySet[Clearance]:
    """Grants that hold at that time, newest first."""
    return Clearance.objects.filter(
        Q(valid_to__isnull=True) | Q(valid_to__gt=at),
        Q(revocation__isnull=True) | Q(revocation__valid_from__gt=at),
        kind=Clearance.Kind.GRANT,
        valid_from__lte=at,
    ).order_by("-valid_from", "-id")


def live_clearances(version: ModelVersion, purpose: str, at: datetime) -> QuerySet[Clearance]:
    """Grants of exactly the version's bytes for the purpose that hold at that time, newest first."""
    return clearances_in_force(at).filter(
        version=version, purpose=purpose, artefact_sha256=version.artefact_id
    )


def live_clearance(version: ModelVersion, purpose: str, at: datetime) -> Clearance | None:
    """The newest grant of exactly the version's bytes for the purpose; None when none holds."""
    return live_clearances(version, purpose, at).first()


def policies_in_force(at: datetime | Parameter) -> QuerySet[Policy]:
    """The approved policies that applied at that time, of each name the newest version last.

    A policy applies from the later of its approval and its effective date, until another replaces it.
    """
    return Policy.objects.filter(
        Q(effective_to__isnull=True) | Q(effective_to__gt=at),
        status__in=[Policy.Status.APPROVED, Policy.Status.SUPERSEDED],
        effective_from__lte=at,
        approved_at__lte=at,
    ).order_by("kind", "name", "version")


def policy_in_force(kind: str, name: str, at: datetime) -> Policy | None:
    """The approved policy of that name that applied at that time; None when none did."""
    return policies_in_force(at).filter(kind=kind, name=name).last()


def expectations_policy(dataset_name: str, at: datetime) -> Policy | None:
    """The expectations of data sets of that name, else those of all; None when neither is in force."""
    return policy_in_force(Policy.Kind.EXPECTATIONS, dataset_name, at) or policy_in_force(
        Policy.Kind.EXPECTATIONS, FOR_ALL_DATASETS, at
    )


def expected_of(
    name: str, snapshot: SnapshotFile, at: datetime
) -> tuple[Policy | None, list[ExpectationResult]]:
    """The expectations policy in force for a data set of that name, and what comes of it."""
    policy = expectations_policy(name, at)
    if policy is None:
        return None, []
    return policy, evaluate(snapshot, read_expectations(policy.body), at.date())


def is_in_force(policy: Policy, at: datetime) -> bool:
    """True when this very version of the policy applies at that time."""
    return policy_in_force(policy.kind, policy.name, at) == policy


def restriction_with(restriction_id: int) -> UseRestriction:
    """Raises UnknownRestriction."""
    restriction = restrictions().filter(pk=restriction_id).first()
    if restriction is None:
        raise UnknownRestriction(f"There is no use restriction with the number {restriction_id}.")
    return restriction


def restrictions() -> QuerySet[UseRestriction]:
    """Every use restriction, the newest first, with what a reader asks for next."""
    return UseRestriction.objects.select_related(
        "model", "version__model", "placed_by", "lift__lifted_by"
    )


def restrictions_in_force(at: datetime | Parameter) -> QuerySet[UseRestriction]:
    """Restrictions that hold at that time, the oldest first."""
    return (
        restrictions()
        .filter(
            Q(valid_to__isnull=True) | Q(valid_to__gt=at),
            Q(lift__isnull=True) | Q(lift__lifted_at__gt=at),
            valid_from__lte=at,
        )
        .order_by("id")
    )


def restrictions_on(
    version_id: int | Parameter, at: datetime | Parameter
) -> QuerySet[UseRestriction]:
    """What limits the version at that time: restrictions on it, and those on its model as a whole."""
    its_model = ModelVersion.objects.filter(pk=version_id).values("model")
    return restrictions_in_force(at).filter(
        Q(version=version_id) | Q(version__isnull=True, model__in=its_model)
    )


def is_restricted(at: datetime | Parameter) -> Exists:
    """Whether anything limits a row that is a version at that time: it itself, or its model as a whole."""
    on_row = Q(version=OuterRef("pk")) | Q(version__isnull=True, model=OuterRef("model"))
    return Exists(restrictions_in_force(at).filter(on_row))


def restrictions_of(model: ScoringModel, at: datetime) -> QuerySet[UseRestriction]:
    """What limits the model or any version of it at that time."""
    return restrictions_in_force(at).filter(model=model)


def versions_restricted(restriction: UseRestriction) -> QuerySet[ModelVersion]:
    """The version that a restriction limits, or every version of its model."""
    versions = ModelVersion.objects.filter(model=restriction.model_id)
    return versions.filter(pk=restriction.version_id) if restriction.version_id else versions


def contracts_restricted(
    model: ScoringModel, version: ModelVersion | None
) -> list[FeatureContract]:
    """The contracts that a restriction must fit: of the version, else of all that may score or soon will."""
    if version is not None:
        return [contract_of_version(version)]
    versions = versions_of(model)
    serving = versions.filter(stage__in=[Stage.STAGING, Stage.PRODUCTION])
    return [contract_of_version(one) for one in serving or versions[:1]]


def runs_waiting_since(before: datetime) -> QuerySet[Run]:
    """Runs that no worker has taken since that time: their message was lost."""
    return Run.objects.filter(status=Run.Status.QUEUED, requested_at__lt=before)


def runs_at_work_since(before: datetime) -> QuerySet[Run]:
    """Runs that began before that time and have not ended: their worker died."""
    return Run.objects.filter(status=Run.Status.RUNNING, started_at__lt=before)


def runs_unheard_since(before: datetime) -> QuerySet[Run]:
    """Open runs of which their client has said nothing since that time."""
    heard = RunReport.objects.filter(run=OuterRef("pk"), reported_at__gte=before)
    return Run.objects.filter(~Exists(heard), status=Run.Status.OPEN, requested_at__lt=before)


def write_backs_waiting() -> QuerySet[WriteBack]:
    """Tracking servers that have not yet been told of a change of stage."""
    return WriteBack.objects.select_related("tracked", "change__version__model").filter(
        state=WriteBack.State.WAITING
    )


def clearance_behind(version: ModelVersion) -> Clearance:
    """The newest grant with which the version may decide, or once might: what its approval led to."""
    purposes = [Clearance.Purpose.SCORE_LIVE, Clearance.Purpose.ROLLBACK]
    grants = version.clearances.filter(kind=Clearance.Kind.GRANT, purpose__in=purposes)
    return grants.latest("id")


def run_of_key(key: UUID) -> Run | None:
    """The run that a client opened with that key."""
    return (
        Run.objects.select_related("model", "dataset", "requested_by")
        .filter(client_key=key)
        .first()
    )


def reported_of(run: Run) -> Reported:
    """What the client said of a run that it trained outside; nothing of any other run."""
    return Reported.of(run.reports.values_list("body", flat=True))


def contract_of(dataset: Dataset) -> FeatureContract:
    """The contract that a data set passed, and that models trained on it have."""
    return FeatureContract.from_json(dataset.description["contract"])


def contract_of_version(version: ModelVersion) -> FeatureContract:
    return FeatureContract.from_json(version.contract)


def protected_names(version: ModelVersion) -> frozenset[str]:
    """The names, and only the names, of the columns that were split off the training data as protected."""
    return frozenset(version.dataset.description["protected_columns"])


def snapshot_of(dataset: Dataset) -> Snapshot:
    """The rows of a data set. Raises NotStored, or StoredBytesDiffer where the bytes were changed."""
    return _snapshot(dataset.sha256, contract_of(dataset))


def profile_of(dataset: Dataset) -> tuple[FeatureProfile, ...]:
    """How each feature of a data set spreads. Raises what `snapshot_of` raises."""
    return _profile(dataset.sha256, contract_of(dataset))


def baseline_rows(baseline: Baseline) -> baselines.BaselineRows:
    """The applicants of a baseline. Raises NotStored, StoredBytesDiffer or BaselineDamaged."""
    return baselines.load(content_store().get("baselines", baseline.sha256))


def plot_of(run: Run, name: str) -> bytes:
    """The SVG of one plot of a run. Raises UnknownPlot."""
    if name not in run.plots:
        raise UnknownPlot(f"The run drew no plot {name!r}; it drew {', '.join(sorted(run.plots))}.")
    return content_store().get("plots", run.plots[name])


@lru_cache(maxsize=2)
def _snapshot(sha256: str, contract: FeatureContract) -> Snapshot:
    return snapshots.load_snapshot(content_store().get("datasets", sha256), contract)


@lru_cache(maxsize=8)
def _profile(sha256: str, contract: FeatureContract) -> tuple[FeatureProfile, ...]:
    return tuple(profile(_snapshot(sha256, contract), contract))
