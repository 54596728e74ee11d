"""Every quarter somebody else says of every role whether its holder still needs it."""

import io
from datetime import date, timedelta

import pytest
from django.core.management import call_command
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from audit.action import holds
from audit.models import Entry
from audit.queries import service_account
from governance import sweeps
from governance.actions.accounts import deactivate_user, revoke_role
from governance.actions.recertification import (
    decide_role,
    notice_late_recertification,
    open_recertification,
)
from governance.errors import (
    NoRecertificationRules,
    NotLate,
    OversightPolicyMalformed,
    OwnRole,
    RationaleMissing,
    RecertificationExists,
    RecertificationMalformed,
    RoleDecidedAlready,
)
from governance.models import Incident, LateRecertification, Recertification, RoleDecision, RoleHeld
from governance.oversight_policy import OversightPolicy
from governance.queries.recertification import quarter_of, undecided_roles
from tests.conftest import a_person
from tests.governance.builders import OVERSIGHT, an_oversight_policy
from tests.governance.test_api import get, post
from tests.governance.test_findings import assert_refused, last_entry, later, said

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("lasting_key")]
WHY = "Works on models every week."


@pytest.fixture
def review(administrator, validator, developer) -> Recertification:
    return open_recertification(later(30).date(), by=administrator)


def the_role_of(name: str) -> RoleHeld:
    return RoleHeld.objects.get(holder__username=name)


@pytest.mark.parametrize(
    ("day", "quarter"),
    [
        (date(2026, 1, 1), "2026-Q1"), (date(2026, 3, 31), "2026-Q1"), (date(2026, 4, 1), "2026-Q2"),
        (date(2026, 9, 30), "2026-Q3"), (date(2026, 12, 31), "2026-Q4"),
    ],
)  # fmt: skip
def test_a_quarter_has_three_months(day, quarter):
    assert quarter_of(day) == quarter


def test_a_review_asks_about_every_role_of_everybody_but_our_processes(administrator):
    a_person("two", "auditor", "validator")
    a_person("none")
    a_person("gone", "approver", is_active=False)

    review = open_recertification(later(30).date(), by=administrator)

    asked = {str(held) for held in review.roles.all()}
    assert asked == {"two: auditor", "two: validator", "admin: administrator"}
    entry = Entry.objects.get(pk=review.entry_id)
    assert entry.event == "governance.recertification.opened"
    assert {"holder": "two", "role": "auditor"} in said(entry)["roles"]


def test_a_role_that_is_certified_stays_and_one_that_is_revoked_goes(review, administrator):
    kept, taken = the_role_of("victor"), the_role_of("dana")

    decide_role(kept.pk, "certify", WHY, by=administrator)
    decide_role(taken.pk, "revoke", "Went to another department.", by=administrator)

    assert holds(kept.holder, "governance.decide_staging")
    assert not holds(taken.holder, "governance.request_change")
    events = list(Entry.objects.order_by("-id").values_list("event", flat=True)[:3])
    assert sorted(events) == [
        "governance.role.recertified", "governance.role.recertified", "governance.role.revoked",
    ]  # fmt: skip
    assert {str(held) for held in undecided_roles()} == {"admin: administrator"}
    with pytest.raises(IntegrityError, match="append-only"), transaction.atomic():
        RoleDecision.objects.update(decision="certify")


def test_nobody_certifies_their_own_role_not_even_past_the_act(review, administrator):
    own = the_role_of("admin")

    with pytest.raises(OwnRole):
        decide_role(own.pk, "certify", WHY, by=administrator)
    assert_refused("governance.role.recertified", "own-role")
    with pytest.raises(IntegrityError, match="own role"), transaction.atomic():
        RoleDecision.objects.create(
            held=own, decision="certify", reason=WHY, decided_by=administrator,
            decided_at=timezone.now(), entry=last_entry(),
        )  # fmt: skip

    assert not RoleDecision.objects.exists()


def test_a_decision_has_words_is_known_and_is_made_once(review, administrator):
    held = the_role_of("victor")

    with pytest.raises(RationaleMissing):
        decide_role(held.pk, "certify", " ", by=administrator)
    with pytest.raises(RecertificationMalformed):
        decide_role(held.pk, "shrug", WHY, by=administrator)
    assert not RoleDecision.objects.exists()
    decide_role(held.pk, "certify", WHY, by=administrator)
    with pytest.raises(RoleDecidedAlready):
        decide_role(held.pk, "revoke", WHY, by=administrator)

    assert_refused("governance.role.recertified", "role-decided-already")
    assert holds(held.holder, "governance.decide_staging")


def test_a_review_is_opened_once_a_quarter_and_by_the_days_of_the_policy(validator):
    sweeps.recertify_roles()
    assert not Recertification.objects.exists()
    policy = an_oversight_policy(recertification_days=30)

    sweeps.recertify_roles()
    sweeps.recertify_roles()

    review = Recertification.objects.get()
    assert (review.policy, review.opened_by) == (policy, service_account("monitor"))
    assert review.due_on == timezone.now().date() + timedelta(days=30)


def test_by_hand_a_review_needs_a_day_and_a_quarter_that_has_none(administrator):
    with pytest.raises(NoRecertificationRules):
        open_recertification(by=administrator)
    with pytest.raises(RecertificationMalformed):
        open_recertification(later(-1).date(), by=administrator)
    assert_refused("governance.recertification.opened", "recertification-malformed")
    assert not Recertification.objects.exists()
    open_recertification(later(1).date(), by=administrator)

    with pytest.raises(RecertificationExists):
        open_recertification(later(1).date(), by=administrator)


def test_what_is_not_certified_in_time_is_named_and_opens_an_incident(
    review, administrator, validator, clock
):
    decide_role(the_role_of("dana").pk, "certify", WHY, by=administrator)
    clock(later(31))

    sweeps.recertify_roles()
    sweeps.recertify_roles()
    sweeps.open_incidents()
    sweeps.open_incidents()

    late = LateRecertification.objects.get()
    assert "victor: validator" in late.summary
    assert "dana" not in late.summary
    named = said(Entry.objects.get(pk=late.entry_id))["roles"]
    assert {"holder": "victor", "role": "validator"} in named
    incident = Incident.objects.get()
    assert (incident.kind, str(incident)) == ("late_recertification", "Late Recertification: roles")
    assert "victor" in incident.summary
    assert holds(validator, "governance.decide_staging"), "Lateness takes nothing from anybody."
    decide_role(the_role_of("victor").pk, "certify", WHY, by=administrator)


def test_roles_that_are_gone_are_not_late(review, administrator, developer, validator, clock):
    other = a_person("other", "administrator")
    decide_role(the_role_of("admin").pk, "certify", WHY, by=other)
    revoke_role(validator, "validator", by=administrator)
    deactivate_user(developer, by=administrator)
    clock(later(31))

    sweeps.recertify_roles()

    with pytest.raises(NotLate):
        notice_late_recertification(review.pk, by=service_account("monitor"))
    assert not LateRecertification.objects.exists()


def test_a_review_over_http(administrator, validator, auditor, developer):
    day = str(later(30).date())

    opened = post(administrator, "recertifications", due_on=day)
    assert (opened.status_code, opened.json()["due_on"]) == (201, day)
    [role] = [each for each in opened.json()["roles"] if each["holder"] == "victor"]
    where = f"recertifications/roles/{role['id']}/decision"
    done = post(administrator, where, decision="certify", reason=WHY)

    assert (done.status_code, done.json()["decided"]["decided_by"]) == (201, "admin")
    seen = get(auditor, f"recertifications/{opened.json()['id']}").json()["roles"]
    assert {each["holder"]: bool(each["decided"]) for each in seen} == {
        "admin": False, "dana": False, "ines": False, "victor": True,
    }  # fmt: skip
    assert get(auditor, "recertifications").json()["count"] == 1
    assert post(administrator, where, decision="certify", reason=WHY).status_code == 409
    assert post(auditor, where, decision="certify", reason=WHY).status_code == 403
    assert get(developer, "recertifications").status_code == 403


def test_a_review_in_the_admin_on_the_desk_and_in_the_terminal(
    administrator, validator, signed_in, clock
):
    desk = signed_in(administrator)
    opening = reverse("governance_recertification_open")
    assert desk.post(opening, {"due_on": str(later(30).date())}).status_code == 302
    held = the_role_of("victor")
    revoke = reverse("governance_roleheld_revoke", args=[held.pk])

    assert "2 to decide" in desk.get("/").content.decode()
    assert desk.post(revoke, {"reason": ""}).status_code == 422
    assert desk.post(revoke, {"reason": "Left the team."}).status_code == 302
    clock(later(33))

    desk = signed_in(administrator)  # nobody stays signed in for a month
    home = desk.get("/").content.decode()
    assert "1 to decide" in home
    assert "3 days late" in home
    page = reverse("admin:governance_recertification_change", args=[held.recertification_id])
    assert "Left the team." in desk.get(page).content.decode()
    own = reverse("admin:governance_roleheld_change", args=[the_role_of("admin").pk])
    assert "Certify" not in desk.get(own).content.decode()
    told = io.StringIO()
    call_command("accounts", "review", stdout=told)
    assert "administrator" in told.getvalue()
    assert "victor" not in told.getvalue()


def test_days_that_no_review_can_have_are_refused():
    with pytest.raises(OversightPolicyMalformed) as refusal:
        OversightPolicy.from_json({**OVERSIGHT, "recertification_days": 0})

    assert [problem.field for problem in refusal.value.errors] == ["recertification_days"]
