"""The scheduled look at all clocks: who passed an alert day since the last look, and who is late.

Both leave facts and may be run again: an alert day is counted from the last look on, and a late fact is left once. How
many are due soon and late is left for pages and measures, which could not count them each time.
"""

from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from serving.actions.notices import alert_of_notices, note_late_notices
from serving.models import NoticeAlert, NoticeCount
from serving.notices import due
from serving.notices.texts import NoticeTexts


def watch_notices(*, by: User) -> None:
    """Nothing is recorded where nobody waits."""
    now = timezone.now()
    for name, texts in due.texts_in_force(now).items():
        for day in sorted({day for clock in texts.clocks.values() for day in clock.alert_days}):
            since = _last_look(name, day, texts, now)
            if waiting := due.passed_between(name, texts, day, since, now):
                alert_of_notices(name, day, waiting, since, now, by=by)
    if due.newly_late_decisions(now).exists() or due.newly_late_applications(now).exists():
        note_late_notices(by=by)
    _leave_counts(now)


def _leave_counts(now: datetime) -> None:
    found = due.counted(now)
    NoticeCount.objects.exclude(model_name__in=found).delete()
    for name, (soon, late) in found.items():
        NoticeCount.objects.update_or_create(
            model_name=name, defaults={"due_soon": soon, "late": late, "counted_at": now}
        )


def _last_look(model_name: str, day: int, texts: NoticeTexts, now: datetime) -> datetime:
    """When that day was last alerted of; before the first alert, since clocks are watched."""
    last = NoticeAlert.objects.filter(model_name=model_name, alert_day=day).first()
    return last.until if last else now - timedelta(days=texts.watched_days)
