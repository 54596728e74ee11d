"""The buttons that restrict the use of a model or a version, and lift restrictions."""

import json
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.utils import timezone

from audit.errors import FieldProblem, InvalidInput
from governance.admin.fields import choice, line, paragraph
from governance.admin.pages import ActPage, Done, offer
from registry.actions.restrictions import lift_restriction, restrict_use
from registry.models import ModelVersion, ScoringModel, UseRestriction

Kind = UseRestriction.Kind


class RestrictionForm(forms.Form):
    kind = choice("Restricts", [(kind.value, kind.label) for kind in Kind])
    feature = line("Feature", "Its name; empty where the restriction is about every application.")
    limit = line("Limit", "The largest amount, or a JSON list of the values that stay allowed.")
    reason = paragraph("Reason", "Why. It is recorded under your name.")


class LiftForm(forms.Form):
    reason = paragraph("Reason", "Why it is no longer needed. It is recorded under your name.")


def _restrict(on: ModelVersion | ScoringModel, fields: dict[str, Any], by: User) -> Done:
    restriction = restrict_use(on, fields["kind"], _limits(fields), fields["reason"], by=by)
    return Done(f"In force from the next application on: {restriction}.")


def _limits(fields: dict[str, Any]) -> dict[str, Any]:
    if fields["kind"] in {Kind.NO_NEW_DECISIONS, Kind.REFER_ALL}:
        return {}
    try:
        limit = json.loads(fields["limit"])
    except ValueError as problem:
        raise InvalidInput(
            "The limit cannot be read.",
            errors=[FieldProblem("limit", "malformed", "Must be a number or a JSON list.")],
        ) from problem
    name = "max" if fields["kind"] == Kind.MAX_AMOUNT else "values"
    return {"feature": fields["feature"], name: limit}


def _lift(restriction: UseRestriction, fields: dict[str, Any], by: User) -> Done:
    lift_restriction(restriction, fields["reason"], by=by)
    return Done("The restriction is lifted.")


def _holds(restriction: UseRestriction, user: User) -> bool:
    ended = restriction.valid_to is not None and restriction.valid_to <= timezone.now()
    return not ended and not hasattr(restriction, "lift")


offer(
    *(
        ActPage(
            model=restricted,
            slug="restrict-use",
            title="Restrict use",
            icon="production_quantity_limits",
            needs="registry.restrict_use",
            what_happens="Applications outside of the limit are refused and never scored, or all are referred to people, from the next one on.",
            perform=_restrict,
            form=RestrictionForm,
            danger=True,
        )
        for restricted in (ScoringModel, ModelVersion)
    ),
    ActPage(
        model=UseRestriction,
        slug="lift",
        title="Lift",
        icon="lock_open",
        needs="registry.lift_restriction",
        what_happens="The limit ends now. Nobody lifts one on what they developed.",
        perform=_lift,
        form=LiftForm,
        applies=_holds,
    ),
)
