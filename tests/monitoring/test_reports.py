"""Filing reports: bytes by digest, entries that say what was read, alerts that say whether it persists."""

import hashlib
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from audit.errors import NotPermitted, StoredBytesDiffer
from audit.models import Entry
from audit.store import content_store
from monitoring.actions.reports import make_report, raise_alert
from monitoring.errors import ReportUnknown
from monitoring.models import Alert, Report
from monitoring.queries.reports import (
    alerts,
    earlier_findings,
    page_of,
    pdf_of,
    report_of,
)
from tests.monitoring.builders import (
    LONG_AGO,
    a_draft,
    a_monitored_champion,
    a_report,
    ago,
    decided,
    known_demographics,
    the_monitor,
    the_supplier,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def moved_draft():
    """A drift draft over a riskier population."""
    version = a_monitored_champion()
    decided(version, 200, riskier=True)
    return a_draft(version)


def entry_of(report):
    return Entry.objects.get(pk=report.entry_id)


def test_a_report_is_filed_with_its_page_and_pdf_by_digest():
    version = a_monitored_champion()
    decided(version)
    draft = a_draft(version)

    report = make_report(draft, by=the_monitor())

    assert page_of(report) == draft.page
    assert pdf_of(report) == draft.pdf
    assert report.html_sha256 == hashlib.sha256(draft.page).hexdigest()
    assert report.sha256.encode() in draft.page
    body = bytes(entry_of(report).body)
    for digest in (report.sha256, report.html_sha256, report.pdf_sha256):
        assert digest.encode() in body


def test_the_entry_of_a_fairness_report_says_which_attributes_of_how_many_were_read():
    version = a_monitored_champion()
    decided(version, 150)
    known_demographics(150, by=the_supplier())

    report = a_report(version, "fairness", sources=["decisions"])

    body = bytes(entry_of(report).body)
    assert b'"protected_columns_read":["age","sex"]' in body
    assert b'"protected_people_read":150' in body


def test_a_report_on_drift_reads_no_protected_attribute():
    version = a_monitored_champion()
    decided(version)

    body = bytes(entry_of(a_report(version)).body)

    assert b'"protected_columns_read":[]' in body
    assert b'"protected_people_read":0' in body


def test_each_limit_crossed_raises_an_alert_with_an_entry_of_its_own(moved_draft):
    report = make_report(moved_draft, by=the_monitor())

    raised = Alert.objects.filter(report=report)
    assert raised.count() == len(moved_draft.found) > 1
    alert = raised.get(trigger="drift_ks_d", measured="dti")
    assert alert.observed > alert.threshold
    assert alert.severity == "critical"
    assert alert.confirmed
    assert alert.detected_at == report.as_of
    assert Entry.objects.filter(event="monitoring.alert.raised").count() == raised.count()


def test_a_report_within_limits_raises_none():
    version = a_monitored_champion()
    decided(version, 1_500)

    a_report(version)

    assert not Alert.objects.exists()


def test_a_breach_is_confirmed_by_the_window_after_and_not_by_a_second_look():
    version = a_monitored_champion(drift={"ks_critical": 1.0})
    decided(version, 200, riskier=True)
    monitor = the_monitor()
    make_report(a_draft(version), by=monitor)

    again = a_draft(version)
    assert not any(standing.confirmed for _, standing in again.found)

    earlier = replace(again, window_start=LONG_AGO, window_end=ago(days=2))
    make_report(earlier, by=monitor)
    after = a_draft(version, start=ago(days=1))
    confirmed = [finding for finding, standing in after.found if standing.confirmed]
    assert ("drift_ks_d", "dti") in {(f.trigger, f.measured) for f in confirmed}
    assert {finding.severity for finding in confirmed} == {"breach"}
    assert Alert.objects.filter(confirmed=True).count() == 0
    make_report(after, by=monitor)
    assert Alert.objects.filter(confirmed=True).count() == len(confirmed)


def test_of_several_reports_on_one_window_the_newest_counts(moved_draft):
    monitor = the_monitor()
    end = ago(days=3)
    window = replace(moved_draft, window_start=LONG_AGO, window_end=end)
    make_report(window, by=monitor)
    make_report(replace(window, found=()), by=monitor)
    make_report(replace(window, window_end=end - timedelta(days=1)), by=monitor)

    windows = earlier_findings("drift", moved_draft.version, ago(days=1), 2)

    assert windows[0] == []
    assert {finding.measured for finding in windows[1]} >= {"dti", "(score)"}


def test_reports_are_made_and_alerts_raised_by_whoever_may_alone(moved_draft, approver):
    with pytest.raises(NotPermitted):
        make_report(moved_draft, by=approver)
    assert not Report.objects.exists()

    report = make_report(moved_draft, by=the_monitor())
    finding, standing = moved_draft.found[0]
    with pytest.raises(NotPermitted):
        raise_alert(report, finding, standing, by=approver)


def test_the_database_refuses_to_change_reports_and_alerts(moved_draft):
    make_report(moved_draft, by=the_monitor())

    for attempt in (
        lambda: Report.objects.update(sha256="0" * 64),
        lambda: Alert.objects.update(confirmed=False),
        lambda: Alert.objects.all().delete(),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            attempt()


def test_a_page_that_was_changed_in_the_store_is_not_shown():
    version = a_monitored_champion()
    decided(version)
    report = a_report(version)
    path = content_store().path("reports", report.html_sha256)
    path.chmod(0o600)
    path.write_bytes(path.read_bytes() + b"<!-- changed -->")

    with pytest.raises(StoredBytesDiffer):
        page_of(report)


def test_the_newest_report_of_a_kind_is_found_or_named_as_missing():
    version = a_monitored_champion()
    decided(version)
    first, second = a_report(version), a_report(version)

    assert report_of(version.model, "drift") == second
    assert report_of(version.model, "drift", first.pk) == first
    with pytest.raises(ReportUnknown, match="no performance report"):
        report_of(version.model, "performance")
    with pytest.raises(ReportUnknown):
        report_of(version.model, "performance", first.pk)


def test_alerts_are_listed_by_model(moved_draft):
    make_report(moved_draft, by=the_monitor())

    assert alerts(moved_draft.version.model.name).count() == len(moved_draft.found)
    assert alerts("another").count() == 0
