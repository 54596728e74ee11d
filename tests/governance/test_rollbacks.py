"""The former champion is back with the very next decision, on the word of someone who did not build it."""

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.utils import timezone

from audit.entries import parse
from audit.errors import NotPermitted
from audit.models import Entry
from audit.store import content_store
from governance.actions.rollbacks import roll_back
from governance.errors import (
    DeveloperCannotApprove,
    NoWayBack,
    RationaleMissing,
    WayBackDamaged,
    WayBackExpired,
)
from governance.models import Rollback
from registry.models import Clearance
from registry.queries import champion, live_clearance
from tests.conftest import a_person
from tests.governance.builders import a_champion
from tests.governance.test_api import post
from tests.serving.builders import an_application

pytestmark = pytest.mark.django_db

WHY = "Approvals doubled since this morning."


@pytest.fixture
def two(developer, validator, approver):
    """The former champion and the champion of one model."""
    former = a_champion(developer, validator, approver)
    return former, a_champion(developer, validator, approver, model=former.model)


def unchanged(two) -> bool:
    former, now = two
    former.refresh_from_db()
    now.refresh_from_db()
    last = Entry.objects.order_by("-id").first().event
    return (
        (former.stage, now.stage) == ("archived", "production")
        and live_clearance(now, "score_live", timezone.now()) is not None
        and not Rollback.objects.exists()
        and last == "audit.action_refused"
    )


def test_the_very_next_decision_comes_from_the_former_champion(two, approver, lending):
    former, now = two
    path = f"models/{now.model.name}"
    before = post(lending, f"{path}/decisions", **an_application()).json()

    rolled = post(approver, f"{path}/rollback", rationale=WHY)

    after = post(lending, f"{path}/decisions", **an_application()).json()
    assert rolled.status_code == 201
    assert (rolled.json()["from_version"], rolled.json()["to_version"]) == (2, 1)
    assert (before["version"], after["version"]) == (now.number, former.number)
    assert after["artefact_sha256"] == former.artefact_id


def test_the_former_champion_is_cleared_on_its_own_evidence_and_its_successor_loses_everything(
    two, approver
):
    former, now = two
    first = former.clearances.get(purpose="score_live", kind="grant")

    roll_back(now.model, WHY, by=approver)

    at = timezone.now()
    again = live_clearance(former, "score_live", at)
    now.refresh_from_db()
    assert champion(now.model) == former
    assert now.stage == "suspended"
    assert (again.evidence_digest, again.approver_ids) == (
        first.evidence_digest,
        first.approver_ids,
    )
    assert again.valid_to is None
    assert live_clearance(former, "rollback", at) is None
    assert not any(live_clearance(now, purpose, at) for purpose in Clearance.Purpose)
    entry = parse(bytes(Rollback.objects.get().entry.body))
    assert entry["event"] == "governance.model.rolled_back"
    assert (entry["public"]["from_version"], entry["public"]["to_version"]) == (2, 1)


def test_there_is_one_way_back_and_it_is_used_up(two, approver):
    roll_back(two[1].model, WHY, by=approver)

    with pytest.raises(NoWayBack, match="cleared for rollback"):
        roll_back(two[1].model, WHY, by=approver)


def test_a_model_without_a_former_champion_stays_with_the_one_it_has(
    developer, validator, approver
):
    only = a_champion(developer, validator, approver)

    with pytest.raises(NoWayBack):
        roll_back(only.model, WHY, by=approver)

    assert champion(only.model) == only
    assert Entry.objects.order_by("-id").first().event == "audit.action_refused"


def test_a_former_champion_whose_time_for_that_ran_out_comes_back_the_whole_way_only(
    developer, validator, approver, monkeypatch
):
    monkeypatch.setattr("governance.effects.ROLLBACK_FOR", timedelta(seconds=-1))
    former = a_champion(developer, validator, approver)
    now = a_champion(developer, validator, approver, model=former.model)

    with pytest.raises(WayBackExpired):
        roll_back(now.model, WHY, by=approver)

    assert unchanged((former, now))


def test_a_former_champion_whose_bytes_are_gone_is_not_brought_back(two, approver):
    stored = content_store().path("artefacts", two[0].artefact_id)
    aside = stored.rename(stored.with_suffix(".aside"))

    try:
        with pytest.raises(WayBackDamaged):
            roll_back(two[1].model, WHY, by=approver)
    finally:
        aside.rename(stored)

    assert unchanged(two)


def test_whoever_built_the_former_champion_does_not_bring_it_back(two, developer):
    developer.groups.set(a_person("andrea", "approver").groups.all())

    with pytest.raises(DeveloperCannotApprove):
        roll_back(two[1].model, WHY, by=developer)

    assert unchanged(two)


def test_going_back_takes_an_approver_and_a_reason(two, validator, operator, approver):
    for person in (validator, operator):
        with pytest.raises(NotPermitted):
            roll_back(two[1].model, WHY, by=person)
    with pytest.raises(RationaleMissing):
        roll_back(two[1].model, "  ", by=approver)

    assert unchanged(two)


def test_the_command_shows_what_it_would_do_and_then_does_it(two, approver, capsys):
    name = two[1].model.name

    call_command("rollback", name, "--reason", WHY, "--dry-run", "--as", approver.username)
    assert "Nothing was changed" in capsys.readouterr().out
    assert champion(two[1].model) == two[1]
    with pytest.raises(CommandError):
        call_command("rollback", name, "--reason", WHY)
    call_command("rollback", name, "--reason", WHY, "--as", approver.username)

    assert f"{two[1]} back to {two[0]}" in capsys.readouterr().out
    assert champion(two[1].model) == two[0]


def test_the_button_is_on_the_champions_page_and_goes_back(two, approver, signed_in):
    former, now = two
    browser = signed_in(approver)
    page = f"/registry/modelversion/{now.pk}/roll-back/"

    window = browser.get(f"/registry/modelversion/{now.pk}/change/").content.decode()
    archived = browser.get(f"/registry/modelversion/{former.pk}/change/").content.decode()
    answer = browser.post(page, {"rationale": WHY})

    assert page in window
    assert "roll-back" not in archived
    assert answer.status_code == 302
    assert champion(now.model) == former


# What follows goes around the acts: the database refuses it to whoever writes.


def a_row(two, by) -> Rollback:
    former, now = two
    return Rollback(
        model=now.model, from_version=now, to_version=former, rationale=WHY, rolled_back_by=by,
        rolled_back_at=timezone.now(), clearance=former.clearances.get(purpose="rollback", kind="grant"),
        entry=Entry.objects.order_by("-id").first(),
    )  # fmt: skip


def test_the_database_refuses_a_rollback_by_the_builder(two, developer):
    with pytest.raises(IntegrityError, match="built"), transaction.atomic():
        a_row(two, developer).save()


def test_the_database_refuses_a_rollback_on_another_clearance(two, approver):
    row = a_row(two, approver)
    row.clearance = two[0].clearances.get(purpose="score_live", kind="grant")

    with pytest.raises(IntegrityError, match="live clearance"), transaction.atomic():
        row.save()


def test_the_database_clears_no_version_a_second_time_without_a_rollback(two):
    first = two[0].clearances.get(purpose="score_live", kind="grant")
    first.pk, first.entry = None, Entry.objects.order_by("-id").first()

    with pytest.raises(IntegrityError, match="granted once"), transaction.atomic():
        first.save(force_insert=True)


def test_the_database_keeps_a_rollback_as_it_was(two, approver):
    roll_back(two[1].model, WHY, by=approver)

    for write in (lambda: Rollback.objects.update(rationale="x"), Rollback.objects.all().delete):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()
