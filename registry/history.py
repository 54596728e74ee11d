"""Named reads of what was true at a time. What changed at that very moment counts as changed.

A state is told by rows that never change: records of the inventory, stage changes, clearances, policies' own dates and
the entry of a rejection. Rows found here carry the state of that time; they are for reading and are never saved.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db.models import Prefetch, QuerySet

from audit.models import Entry
from registry import queries
from registry.errors import UnknownModel, UnknownPolicy, UnknownVersion
from registry.events import Event
from registry.models import (
    Clearance,
    ModelRecord,
    ModelVersion,
    Policy,
    ScoringModel,
    Stage,
    StageChange,
    UseRestriction,
)

Status = Policy.Status
# Chosen per version, where the kinds of policy below apply to all of a name.
BY_VERSION = (Policy.Kind.DECISION, Policy.Kind.REASON_LIBRARY)


def models_at(at: datetime) -> list[ScoringModel]:
    """The inventory as it stood, by name."""
    models = ScoringModel.objects.filter(created_at__lte=at)
    return _as_recorded(models, at)


def model_at(name: str, at: datetime) -> ScoringModel:
    """Raises UnknownModel where there was none of that name yet."""
    found = _as_recorded(ScoringModel.objects.filter(name=name, created_at__lte=at), at)
    if not found:
        raise UnknownModel(f"The inventory held no model {name!r} at that time.")
    return found[0]


def versions_at(model: ScoringModel, at: datetime) -> QuerySet[ModelVersion]:
    """The versions that were registered, the newest first, with their clearances; `staged` tells where they stood."""
    clearances = Clearance.objects.filter(valid_from__lte=at)
    return (
        queries.versions_of(model)
        .filter(created_at__lte=at)
        .prefetch_related(Prefetch("clearances", queryset=clearances))
    )


def staged(versions: Iterable[ModelVersion], at: datetime) -> list[ModelVersion]:
    """The versions of `versions_at`, standing where they stood."""
    found = list(versions)
    changes = StageChange.objects.filter(version__in=found, changed_at__lte=at)
    newest = {change.version_id: change for change in changes.order_by("changed_at", "id")}
    for version in found:
        version.stage = Stage(newest[version.pk].stage)
        version.stage_changed_at = newest[version.pk].changed_at
    return found


def version_at(model: ScoringModel, number: int, at: datetime) -> ModelVersion:
    """Raises UnknownVersion where there was none of that number yet."""
    found = staged(versions_at(model, at).filter(number=number), at)
    if not found:
        raise UnknownVersion(f"The model {model} had no version {number} at that time.")
    return found[0]


def champion_at(model: ScoringModel, at: datetime) -> ModelVersion | None:
    """The version that was in production; None when none was."""
    versions = staged(versions_at(model, at), at)
    return next((one for one in versions if one.stage == Stage.PRODUCTION), None)


def policies_at(at: datetime) -> list[Policy]:
    """Every policy that was proposed, with the status and the dates it had."""
    rejected = dict(
        Entry.objects.filter(event=Event.POLICY_REJECTED, occurred_at__lte=at).values_list(
            "subject_id", "occurred_at"
        )
    )
    policies = Policy.objects.select_related("proposed_by", "approved_by")
    found = list(policies.filter(proposed_at__lte=at))
    adopted: set[tuple[str, str]] = set()
    for policy in sorted(found, key=lambda one: _adopted_at(one, at), reverse=True):
        if policy.approved_at is None or policy.approved_at > at:
            is_rejected = policy.subject[1] in rejected
            policy.status = Status.REJECTED if is_rejected else Status.PROPOSED
            policy.approved_by = policy.approved_at = policy.effective_to = None
        elif (policy.kind, policy.name) not in adopted:
            adopted.add((policy.kind, policy.name))
            policy.status, policy.effective_to = Status.APPROVED, None
    return found


def policy_at(policy_id: int, at: datetime) -> Policy:
    """Raises UnknownPolicy where it was not proposed yet."""
    for policy in policies_at(at):
        if policy.pk == policy_id:
            return policy
    raise UnknownPolicy(f"There was no policy with the number {policy_id} at that time.")


@dataclass(frozen=True)
class Live:
    """What a model was allowed to do at one time, each part with its entry.

    `champion` decided applications if `clearance` is there, and `promotion` put it in production; `others` are the
    clearances of other purposes and versions.
    """

    at: datetime
    model: ScoringModel
    champion: ModelVersion | None
    promotion: StageChange | None
    clearance: Clearance | None
    approvers: list[str]
    others: list[Clearance]
    policies: list[Policy]
    restrictions: list[UseRestriction]


def live(name: str, at: datetime) -> Live:
    """Who was allowed to decide with which bytes. Raises UnknownModel."""
    model = model_at(name, at)
    champion = champion_at(model, at)
    clearance = promotion = None
    if champion:
        clearance = queries.live_clearance(champion, Clearance.Purpose.SCORE_LIVE, at)
        promotion = champion.stage_changes.filter(changed_at__lte=at).first()
    cleared = queries.clearances_in_force(at).filter(version__model=model)
    return Live(
        at=at,
        model=model,
        champion=champion,
        promotion=promotion,
        clearance=clearance,
        approvers=_names(clearance.approver_ids) if clearance else [],
        others=[one for one in cleared if one != clearance],
        policies=_policies_in_force(champion, at),
        restrictions=list(queries.restrictions_of(model, at)),
    )


def _as_recorded(models: QuerySet[ScoringModel], at: datetime) -> list[ScoringModel]:
    records = ModelRecord.objects.filter(model__in=models, valid_from__lte=at).order_by("id")
    newest = {record.model_id: record for record in records}
    found = list(models.select_related("owner"))
    people = {record.body["owner"] for record in newest.values()}
    owners = {user.username: user for user in User.objects.filter(username__in=people)}
    for model in found:
        body = dict(newest[model.pk].body)
        model.owner = owners[body.pop("owner")]
        model.revision = newest[model.pk].revision
        for name, value in body.items():
            setattr(model, name, value)
    return found


def _adopted_at(policy: Policy, at: datetime) -> tuple[bool, datetime]:
    """What sorts the policies adopted by that time after all others, the newest last."""
    if policy.approved_at is None or policy.approved_at > at:
        return False, policy.proposed_at
    return True, policy.approved_at


def _policies_in_force(champion: ModelVersion | None, at: datetime) -> list[Policy]:
    """The champion's own two, then those that apply whatever the version."""
    own = [champion.decision_policy, champion.reason_library] if champion else []
    others = queries.policies_in_force(at).exclude(kind__in=BY_VERSION)
    newest = {(policy.kind, policy.name): policy for policy in others}
    return [*own, *newest.values()]


def _names(user_ids: list[int]) -> list[str]:
    return sorted(User.objects.filter(pk__in=user_ids).values_list("username", flat=True))
