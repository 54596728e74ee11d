"""Who may decide now: the champion, the steps of a rollout, the way back, and by which bytes and limits each judges."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.db.models import Case, DateTimeField, Exists, F, OuterRef, QuerySet, Subquery, When
from django.utils import timezone

from audit.action import held_permission
from audit.statements import CompiledQuery, Parameter
from registry.applicable import applicable_policies, policy_for
from registry.contract import FeatureContract
from registry.models import Clearance, ModelVersion, Policy, ScoringModel, Stage
from registry.queries import (
    clearances_in_force,
    contract_of_version,
    is_restricted,
    model_named,
    restrictions_on,
    version_numbered,
)
from registry.restrictions import Limit
from serving.errors import NoClearedVersion, NoNewDecisions, VersionNotCleared
from serving.models import Decision, Deployment
from serving.routing import Share
from serving.serving_policy import MOST_TABLE_MIB, ServingPolicy

# In the order of VersionBytes.
_DIGESTS = (
    "baseline__sha256",
    "contract_sha256",
    "decision_policy__sha256",
    "reason_library__sha256",
)
MAY_DECIDE = "serving.decide"
_contracts: dict[str, FeatureContract] = {}
_bounds: dict[str, int] = {}  # by the digest of a serving policy


class VersionBytes(NamedTuple):
    """A version and the digest of everything it judges by."""

    version_id: int
    artefact: str
    baseline: str
    contract: str
    decision_policy: str
    reason_library: str
    most_table_mib: int


@dataclass(frozen=True)
class ClearedVersion:
    """A version that may decide now, and the grant that says so.

    `is_shared`: whether a rollout gives some of the model's applications to others. `is_restricted`: whether
    restrictions on its use must be asked for. `is_permitted`: whether who asked was found to hold the permission to decide.
    """

    bytes_of: VersionBytes
    clearance_id: int
    role: str = Decision.Role.CHAMPION
    is_shared: bool = False
    is_restricted: bool = True
    is_permitted: bool = False


@dataclass(frozen=True)
class Rollout:
    """The versions that take a share of a model's applications, by their deployments."""

    shares: tuple[Share, ...]
    versions: Mapping[int, ClearedVersion]


def cleared_version(
    model_name: str, at: datetime, number: int | None = None, by: User | None = None
) -> ClearedVersion:
    """The champion of a model with a live clearance for exactly its bytes.

    Read anew in every call: inside a transaction, what was revoked before it is not used. Raises
    UnknownModel, NoClearedVersion, or UnknownVersion and VersionNotCleared where version `number`
    was asked for and is not that champion.
    """
    champion = _champion(model_name, at, by) or _champion(model_name, timezone.now(), by)
    if champion is not None and number in (None, champion[0]):
        _, *digests, serving_policy, is_shared, limited, permitted, clearance_id = champion
        return ClearedVersion(
            VersionBytes._make([*digests, _most_table_mib(serving_policy)]),
            clearance_id,
            is_shared=number is None and is_shared,
            is_restricted=limited,
            is_permitted=permitted,
        )
    model = model_named(model_name)
    if number is not None:
        version = version_numbered(model, number)
        raise VersionNotCleared(f"{version} has no live clearance to decide applications.")
    raise NoClearedVersion(f"{model} has no version that is cleared to decide applications.")


def running_deployments(model: ScoringModel | OuterRef) -> QuerySet[Deployment]:
    """The steps of the model's rollouts that have not ended, oldest first."""
    return Deployment.objects.filter(model=model, ended_at=None).order_by("pk")


def sharing_deployments(model: ScoringModel | OuterRef) -> QuerySet[Deployment]:
    """Those of them that decide a share: a shadow decides nothing."""
    return running_deployments(model).exclude(role=Deployment.Role.SHADOW)


def rollout_of(model_name: str, at: datetime) -> Rollout:
    """Who shares the model's applications now. A version whose clearance was taken has no share any more, a shadow none at all."""
    steps = (
        Deployment.objects.filter(
            model__name=model_name, ended_at=None, clearance__in=clearances_in_force(at)
        )
        .exclude(role=Deployment.Role.SHADOW)
        .select_related("version__baseline", "version__decision_policy", "version__reason_library")
        .annotate(serving_policy=_serving_policy(at))
        .order_by("pk")
    )
    return Rollout(
        tuple(Share(step.pk, step.share_percent) for step in steps),
        {
            step.pk: ClearedVersion(
                _bytes_under(step.version, step.serving_policy), step.clearance_id, step.role
            )
            for step in steps
        },
    )


def fallback(model_name: str, at: datetime) -> ClearedVersion | None:
    """The former champion, while it is cleared for rollback: it decides where the champion's bytes cannot be used.

    What only break-glass put into the champion's place is none.
    """
    clearance = (
        clearances_in_force(at)
        .filter(
            version__model__name=model_name,
            version__stage=Stage.ARCHIVED,
            artefact_sha256=F("version__artefact_id"),
            purpose=Clearance.Purpose.ROLLBACK,
            is_break_glass=False,
        )
        .select_related(
            "version__model",
            "version__baseline",
            "version__decision_policy",
            "version__reason_library",
        )
        .first()
    )
    if clearance is None:
        return None
    return ClearedVersion(bytes_of(clearance.version), clearance.pk, Decision.Role.FALLBACK)


def versions_to_keep_ready(at: datetime, most: int) -> list[VersionBytes]:
    """What decides, or may after one act: champions, steps of rollouts, former champions cleared for rollback, what is staged.

    In that order, the newest first, and no more than `most`.
    """
    rows = _KEPT_READY.rows(at=at)[:most]
    return [
        VersionBytes._make([*digests, _most_table_mib(serving_policy)])
        for *digests, serving_policy in rows
    ]


def _ready_rows() -> QuerySet[ModelVersion, tuple[Any, ...]]:
    at = Parameter("at", DateTimeField())
    ways_back = clearances_in_force(at).filter(
        version=OuterRef("pk"),
        artefact_sha256=OuterRef("artefact_id"),
        purpose=Clearance.Purpose.ROLLBACK,
    )
    running = Deployment.objects.filter(version=OuterRef("pk"), ended_at=None)
    return (
        ModelVersion.objects.annotate(
            serving_policy=_serving_policy(at),
            turn=Case(
                When(stage=Stage.PRODUCTION, then=1),
                When(Exists(running), then=2),
                When(Exists(ways_back), stage=Stage.ARCHIVED, then=3),
                When(stage=Stage.STAGING, then=4),
            ),
        )
        .filter(turn__isnull=False)
        .order_by("turn", "-pk")
        .values_list("pk", "artefact_id", *_DIGESTS, "serving_policy")[:MOST_KEPT_READY]
    )


_KEPT_READY = CompiledQuery(_ready_rows)
MOST_KEPT_READY = 100


def _champion(model_name: str, at: datetime, by: User | None) -> tuple[Any, ...] | None:
    """The champion where it is cleared: one statement, so that the two belong together. It may have changed since `at`."""
    row = _CHAMPION.row(model_name=model_name, at=at, user=by and by.pk)
    return row if row and row[-1] is not None else None


def _serving_policy(at: datetime | Parameter) -> Subquery:
    """The digest of the serving policy that applies, of a row that has a model; no query of its own."""
    applying = applicable_policies(Policy.Kind.SERVING, OuterRef("model__name"), at)
    return Subquery(applying.values("sha256")[:1])


def _its_live_clearance(at: datetime | Parameter) -> Subquery:
    """The newest grant of exactly the bytes of a row that is a version."""
    grants = clearances_in_force(at).filter(
        version=OuterRef("pk"),
        purpose=Clearance.Purpose.SCORE_LIVE,
        artefact_sha256=OuterRef("artefact_id"),
    )
    return Subquery(grants.values("pk")[:1])


_CHAMPION = CompiledQuery(
    lambda: (
        ModelVersion.objects.filter(
            model__name=Parameter("model_name", ScoringModel._meta.get_field("name")),
            stage=Stage.PRODUCTION,
        )
        .annotate(
            serving_policy=_serving_policy(Parameter("at", DateTimeField())),
            is_shared=Exists(sharing_deployments(OuterRef("model_id"))),
            is_restricted=is_restricted(Parameter("at", DateTimeField())),
            is_permitted=Exists(
                held_permission(Parameter("user", User._meta.pk), *MAY_DECIDE.split("."))
            ),
            cleared=_its_live_clearance(Parameter("at", DateTimeField())),
        )
        .order_by()
        .values_list(
            *("number", "pk", "artefact_id", *_DIGESTS),
            *("serving_policy", "is_shared", "is_restricted", "is_permitted", "cleared"),
        )
    )
)
_LIMITS = CompiledQuery(
    lambda: restrictions_on(
        Parameter("version", ModelVersion._meta.pk), Parameter("at", DateTimeField())
    ).values_list("pk", "kind", "limits")
)


def limits_on(version_id: int, at: datetime) -> tuple[Limit, ...]:
    """The use restrictions on a version at that time, read anew in every call as clearances are.

    Raises NoNewDecisions where one of them closes the version.
    """
    limits = use_limits_on(version_id, at)
    for limit in limits:
        if limit.closes:
            raise NoNewDecisions(
                f"Use restriction {limit.number} allows no new decisions by this version."
            )
    return limits


def use_limits_on(version_id: int, at: datetime) -> tuple[Limit, ...]:
    """The same, whether or not one of them closes the version."""
    return tuple(Limit(*row) for row in _LIMITS.rows(version=version_id, at=at))


def _most_table_mib(policy_sha256: str | None) -> int:
    """The memory that a serving policy allows the tables of one version, read once per process."""
    if policy_sha256 is None:
        return MOST_TABLE_MIB
    if policy_sha256 not in _bounds:
        policy = Policy.objects.filter(sha256=policy_sha256, kind=Policy.Kind.SERVING)[0]
        _bounds[policy_sha256] = ServingPolicy.from_json(policy.body).most_table_mib
    return _bounds[policy_sha256]


def bytes_of(version: ModelVersion) -> VersionBytes:
    """What the version judges by, under the serving policy of the moment."""
    policy = policy_for(Policy.Kind.SERVING, version.model, timezone.now())
    return _bytes_under(version, policy.sha256 if policy else None)


def _bytes_under(version: ModelVersion, policy_sha256: str | None) -> VersionBytes:
    return VersionBytes(
        version_id=version.pk,
        artefact=version.artefact_id,
        baseline=version.baseline.sha256,
        contract=version.contract_sha256,
        decision_policy=version.decision_policy.sha256,
        reason_library=version.reason_library.sha256,
        most_table_mib=_most_table_mib(policy_sha256),
    )


def contract_of(version: ModelVersion) -> FeatureContract:
    """The version's feature contract, read once per process."""
    contract = _contracts.get(version.contract_sha256)
    if contract is None:
        contract = contract_of_version(version)
        _contracts[version.contract_sha256] = contract
    return contract
