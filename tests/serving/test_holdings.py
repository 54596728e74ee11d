"""What decisions weigh when somebody asks to be erased, and when their retention ends."""

import importlib
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

import pytest
from django.utils import timezone

from audit import references
from audit.actions.retention import RetentionNotEnded, end_retention
from audit.ending import review_retention
from audit.holdings import facts_about
from audit.models import Entry, Erasure, SubjectSecret
from audit.queries import service_account
from serving.actions.applications import record_status
from serving.actions.outcomes import record_outcome
from serving.models import Decision, Observation
from serving.queries import decisions_window
from serving.tasks import forget_erased
from tests.audit.people import a_case, a_hold, decided
from tests.conftest import a_person
from tests.serving.builders import a_decision, the_client
from tests.serving.notices.builders import a_notice_policy, decided_days_ago, sent
from tests.serving.notices.test_statuses import incomplete

pytestmark = pytest.mark.django_db


def years_later(monkeypatch, day: date) -> None:
    """For those who ask what day it is; keys, and what they sign, stay in the present."""
    moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    clock = SimpleNamespace(now=lambda: moment)
    for name in ("audit.actions.retention", "audit.ending", "serving.actions.outcomes"):
        monkeypatch.setattr(importlib.import_module(name), "timezone", clock)


def seven_years(day: date) -> date:
    return day.replace(year=day.year + 7)


def the_archiver():
    return service_account("archiver")


def test_a_decision_is_kept_for_seven_calendar_years_from_the_newest_record():
    decision = a_decision()
    decided_on = decision.decided_at.date()

    [facts] = facts_about([decision.subject_id])

    assert facts.ends_on == seven_years(decided_on)
    [holding] = facts.kept[0].holdings
    assert (holding.record_class, holding.records, holding.models) == (
        "decision",
        1,
        {decision.model_name},
    )


def test_an_outcome_that_comes_later_moves_the_start(monkeypatch):
    decision = a_decision()
    later = decision.decided_at.date() + timedelta(days=400)
    years_later(monkeypatch, later)
    record_outcome(
        {
            "decision_id": str(decision.pk),
            "bad": False,
            "observed_on": later.isoformat(),
            "months_on_book": 13,
            "matured": True,
            "source": "core banking",
        },
        by=the_client(),
    )

    [facts] = facts_about([decision.subject_id])

    assert facts.ends_on == seven_years(later)


def test_the_notice_and_its_sending_move_the_start(champion, lending, monkeypatch):
    a_notice_policy()
    decision = decided_days_ago(champion, 2, lending)
    later = timezone.now() + timedelta(days=20)
    monkeypatch.setattr("serving.actions.notices.timezone.now", lambda: later)
    sent(decision, lending, later + timedelta(minutes=1))

    [facts] = facts_about([decision.subject_id])

    assert facts.ends_on == seven_years(later.date())
    assert facts.kept[0].holdings[0].records == 1


def test_an_application_that_was_never_decided_is_kept_from_its_last_status(champion, lending):
    status = record_status("A-9", incomplete(champion), by=lending)

    [facts] = facts_about([status.subject_id])

    assert facts.ends_on == seven_years(status.recorded_at.date())
    [holding] = facts.kept[0].holdings
    assert (holding.records, holding.models) == (1, {champion.model.name})


def test_a_request_within_retention_keeps_the_decision_restricts_it_and_says_until_when(
    privacy_officer,
):
    decision = a_decision()
    recorder = a_person("paul", "privacy officer")
    case = a_case(recorder, client="", subject_ref="", subject_id=decision.subject_id)

    done = decided(case, by=privacy_officer)

    assert done.outcome == "retained_legal_obligation"
    assert f"{seven_years(decision.decided_at.date()):%-d %B %Y}" in done.letter
    assert Observation.objects.exists()
    window = decisions_window(
        decision.model_name, decision.decided_at, timezone.now() + timedelta(hours=1)
    )
    assert len(window.decision_ids) == 0


def test_when_retention_has_ended_the_pass_erases_and_the_sweep_forgets(monkeypatch):
    decision = a_decision()
    end = seven_years(decision.decided_at.date())
    years_later(monkeypatch, end - timedelta(days=1))
    assert vars(review_retention(by=the_archiver())) == {
        "seen": 1, "ended": 0, "held": 0, "unknown": 0,
    }  # fmt: skip
    with pytest.raises(RetentionNotEnded):
        end_retention(decision.subject_id, by=the_archiver())

    years_later(monkeypatch, end)
    due = []
    assert review_retention(by=the_archiver(), dry_run=True, on_person=due.append).ended == 1
    assert [facts.subject_id for facts in due] == [decision.subject_id]
    assert not Erasure.objects.exists()
    assert review_retention(by=the_archiver()).ended == 1
    forget_erased()

    assert not SubjectSecret.objects.exists()
    assert not Observation.objects.exists()
    assert Decision.objects.exists()
    assert {erasure.legal_basis for erasure in Erasure.objects.all()} == {"GDPR Art. 5(1)(e)"}
    assert Entry.objects.filter(event="audit.retention.ended").count() == 1
    assert Entry.objects.filter(event="audit.retention.reviewed").count() == 2
    assert review_retention(by=the_archiver()).seen == 0


def test_a_hold_on_the_model_stops_the_pass(monkeypatch, counsel):
    decision = a_decision()
    a_hold(counsel, scope="model", model=decision.model_name)
    years_later(monkeypatch, seven_years(decision.decided_at.date()) + timedelta(days=400))

    review = review_retention(by=the_archiver())

    assert (review.ended, review.held) == (0, 1)
    assert SubjectSecret.objects.exists()


def test_without_a_start_event_nobody_is_ever_erased_by_the_pass(monkeypatch):
    references.people_for("bank", ["customer-77"])
    years_later(monkeypatch, date(2126, 1, 1))

    review = review_retention(by=the_archiver())

    assert (review.seen, review.ended, review.unknown) == (1, 0, 1)
    assert SubjectSecret.objects.exists()
