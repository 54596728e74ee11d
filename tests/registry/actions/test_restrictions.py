"""Placing and lifting use restrictions."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.errors import InvalidInput, NotPermitted
from audit.models import Entry
from registry.actions.restrictions import lift_restriction, restrict_use
from registry.errors import LifterIsDeveloper, RestrictionLifted
from registry.models import RestrictionLift, UseRestriction
from tests.registry.builders import a_model, a_version

LastEntry = Callable[[], dict[str, Any]]
CAP = {"feature": "income", "max": 100_000}


def refused() -> bool:
    return Entry.objects.order_by("-id")[0].event == "audit.action_refused"


def test_a_restriction_is_a_row_and_an_entry(builder: User, last_entry: LastEntry) -> None:
    version = a_version(developed_by=builder)

    restriction = restrict_use(version, "max_amount", CAP, "Untested above.", by=builder)

    assert UseRestriction.objects.get() == restriction
    entry = last_entry()
    assert entry["event"] == "registry.restriction.placed"
    assert entry["subject"]["id"] == f"{version.model.name}/1"
    assert entry["public"]["limits"] == CAP
    assert str(restriction.entry_id) == entry["id"]


@pytest.mark.parametrize(
    ("kind", "limits", "field"),
    [
        ("forbidden", {}, "kind"),
        ("max_amount", {"feature": "income"}, "limits.max"),
        ("max_amount", {"feature": "income", "max": "many"}, "limits.max"),
        ("max_amount", {"feature": "income", "max": True}, "limits.max"),
        ("max_amount", {"feature": "purpose", "max": 1}, "limits.feature"),
        ("max_amount", {"feature": "colour", "max": 1}, "limits.feature"),
        ("max_amount", {"feature": "income", "max": 1, "min": 0}, "limits"),
        ("allowed_values", {"feature": "purpose", "values": []}, "limits.values"),
        ("no_new_decisions", {"feature": "income"}, "limits"),
    ],
)
def test_limits_that_mean_nothing_are_refused_by_name(
    builder: User, kind: str, limits: dict[str, Any], field: str
) -> None:
    version = a_version()

    with pytest.raises(InvalidInput) as refusal:
        restrict_use(version, kind, limits, "Why.", by=builder)

    assert [problem.field for problem in refusal.value.errors] == [field]
    assert not UseRestriction.objects.exists()
    assert refused()


def test_a_restriction_has_a_reason_and_ends_in_the_future(builder: User) -> None:
    version = a_version()

    with pytest.raises(InvalidInput) as refusal:
        restrict_use(version, "no_new_decisions", {}, " ", timezone.now(), by=builder)

    assert {problem.field for problem in refusal.value.errors} == {"reason", "valid_to"}
    assert not UseRestriction.objects.exists()


def test_a_model_without_a_version_can_only_be_closed(builder: User) -> None:
    model = a_model()

    with pytest.raises(InvalidInput):
        restrict_use(model, "max_amount", CAP, "Why.", by=builder)
    restrict_use(model, "no_new_decisions", {}, "Under review.", by=builder)

    assert UseRestriction.objects.get().version is None


def test_whoever_lacks_the_role_restricts_nothing(outsider: User) -> None:
    model = a_model()

    with pytest.raises(NotPermitted):
        restrict_use(model, "no_new_decisions", {}, "Why.", by=outsider)

    assert not UseRestriction.objects.exists()
    assert refused()


def test_a_restriction_is_lifted_once_and_the_log_says_why(
    builder: User, checker: User, last_entry: LastEntry
) -> None:
    version = a_version(developed_by=builder)
    restriction = restrict_use(version, "max_amount", CAP, "Untested above.", by=builder)

    lift = lift_restriction(restriction, "Tested now.", by=checker)

    entry = last_entry()
    assert entry["event"] == "registry.restriction.lifted"
    assert entry["public"]["reason"] == "Tested now."
    assert str(lift.entry_id) == entry["id"]
    with pytest.raises(RestrictionLifted):
        lift_restriction(restriction, "Again.", by=checker)
    with pytest.raises(InvalidInput):
        lift_restriction(restriction, "", by=checker)
    assert RestrictionLift.objects.get() == lift


@pytest.mark.parametrize("whole_model", [False, True])
def test_nobody_lifts_a_restriction_on_what_they_developed(
    builder: User, whole_model: bool
) -> None:
    version = a_version(developed_by=builder)
    on = version.model if whole_model else version
    restriction = restrict_use(on, "no_new_decisions", {}, "Under review.", by=builder)

    with pytest.raises(LifterIsDeveloper):
        lift_restriction(restriction, "Looks fine to me.", by=builder)

    assert not RestrictionLift.objects.exists()
    assert refused()
    with pytest.raises(IntegrityError, match="developed"), transaction.atomic():
        RestrictionLift.objects.create(
            restriction=restriction,
            reason="Past the act.",
            lifted_by=builder,
            lifted_at=timezone.now(),
            entry=restriction.entry,
        )


def test_the_database_keeps_restrictions_as_they_are(builder: User) -> None:
    restriction = restrict_use(a_model(), "no_new_decisions", {}, "Review.", by=builder)
    rows = UseRestriction.objects.filter(pk=restriction.pk)

    with pytest.raises(IntegrityError), transaction.atomic():
        rows.update(valid_to=timezone.now() + timedelta(days=1))
    with pytest.raises(IntegrityError), transaction.atomic():
        rows.delete()
