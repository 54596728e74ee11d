"""Acts on use restrictions: placing them and lifting them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.errors import FieldProblem, InvalidInput
from registry import queries
from registry.errors import LifterIsDeveloper, RestrictionLifted
from registry.events import Event
from registry.models import ModelVersion, RestrictionLift, ScoringModel, UseRestriction
from registry.restrictions import limit_problems


@action(Event.USE_RESTRICTED, needs="registry.restrict_use")
def restrict_use(
    version_or_model: ModelVersion | ScoringModel,
    kind: str,
    limits: Mapping[str, Any],
    reason: str,
    valid_to: datetime | None = None,
    *,
    by: User,
) -> UseRestriction:
    """Limit what a model, or one version of it, may be used for from now on.

    `max_amount` takes `{"feature", "max"}`, `allowed_values` takes `{"feature", "values"}`; `no_new_decisions` and
    `refer_all` take nothing. Raises InvalidInput naming every field at fault.
    """
    version = version_or_model if isinstance(version_or_model, ModelVersion) else None
    model = version.model if version else version_or_model
    assert isinstance(model, ScoringModel)
    now = timezone.now()
    problems = limit_problems(kind, limits, queries.contracts_restricted(model, version))
    if not reason.strip():
        problems.append(FieldProblem("reason", "blank", "Must not be empty."))
    if valid_to is not None and valid_to <= now:
        problems.append(FieldProblem("valid_to", "out_of_range", "Must lie in the future."))
    if problems:
        raise InvalidInput("The use cannot be restricted so; see `errors`.", errors=problems)
    restriction = UseRestriction(
        model=model,
        version=version,
        kind=kind,
        limits=dict(limits),
        reason=reason,
        placed_by=by,
        valid_from=now,
        valid_to=valid_to,
    )
    restriction.entry = record(
        subject=restriction.subject,
        kind=kind,
        limits=restriction.limits,
        reason=reason,
        valid_from=now,
        valid_to=valid_to,
    )
    restriction.save(force_insert=True)
    return restriction


@action(Event.RESTRICTION_LIFTED, needs="registry.lift_restriction")
def lift_restriction(restriction: UseRestriction, reason: str, *, by: User) -> RestrictionLift:
    """End a restriction now, on the word of someone who did not develop what it restricts.

    Raises InvalidInput, RestrictionLifted or LifterIsDeveloper.
    """
    restriction = UseRestriction.objects.select_for_update().get(pk=restriction.pk)
    if not reason.strip():
        raise InvalidInput(
            "A restriction is lifted with a reason.",
            errors=[FieldProblem("reason", "blank", "Must not be empty.")],
        )
    if hasattr(restriction, "lift"):
        raise RestrictionLifted(f"The restriction {restriction.pk} was already lifted.")
    if queries.versions_restricted(restriction).filter(developed_by=by).exists():
        raise LifterIsDeveloper(f"{by} developed what {restriction} limits and cannot lift it.")
    lift = RestrictionLift(
        restriction=restriction, reason=reason, lifted_by=by, lifted_at=timezone.now()
    )
    lift.entry = record(
        subject=restriction.subject,
        kind=restriction.kind,
        limits=restriction.limits,
        placed_in=restriction.entry_id,
        reason=reason,
    )
    lift.save(force_insert=True)
    return lift
