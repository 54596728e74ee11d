"""For those who run the service: is it alive, is it ready, and its measures for Prometheus."""

from collections.abc import Iterator
from datetime import datetime

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from audit import keys, partitions
from audit.errors import Refusal
from audit.queries import (
    last_verification,
    oldest_waiting_since,
    publications,
    timestamp_tokens,
    unpublished_heads,
)
from governance.queries.cases import open_cases
from governance.queries.changes import open_changes
from serving.notices.due import counts as due_counts
from serving.standing import champions_differing, last_nights

OLDEST_WAITING_SECONDS = (
    60  # beyond this the sequencer is not running, and decisions wait for their proofs
)
UNPUBLISHED_SECONDS = 300  # beyond this strangers see an old log: a witness is away or refuses


def healthz(request: HttpRequest) -> HttpResponse:
    """The process answers. Nothing else is looked at: a database that is away is no reason to restart us."""
    return JsonResponse({"status": "ok"})


def readyz(request: HttpRequest) -> HttpResponse:
    """200 when acts can be recorded and sealed, with what somebody should see to; 503 with what is wrong."""
    problems = list(_problems())
    warnings = [] if problems else list(_warnings())
    return JsonResponse(
        {
            "status": "not ready" if problems else "ready",
            "problems": problems,
            "warnings": warnings,
        },
        status=503 if problems else 200,
    )


def metrics(request: HttpRequest) -> HttpResponse:
    """Gauges, counted when asked for. Holds no name and no identifier of a person."""
    registry = CollectorRegistry()
    registry.register(_Gauges())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _problems() -> Iterator[str]:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:  # noqa: BLE001  whatever the driver raises, the answer is the same
        yield "The database does not answer."
        return
    try:
        keys.producer()
        keys.vault_key()
    except Refusal as refusal:
        yield refusal.detail
        return
    if _waiting_seconds() > OLDEST_WAITING_SECONDS:
        yield f"Entries wait for more than {OLDEST_WAITING_SECONDS} seconds: the sequencer is not running."


def _warnings() -> Iterator[str]:
    if shortage := partitions.shortage(connection):
        yield shortage
    if warning := keys.expiry_warning():
        yield warning
    waiting = unpublished_heads(keys.current_origin()).first()
    if waiting and (timezone.now() - waiting.signed_at).total_seconds() > UNPUBLISHED_SECONDS:
        yield (
            f"Nothing was published for {UNPUBLISHED_SECONDS} seconds though the log grew: too few witnesses "
            "cosign. Sealing goes on; the sequencer's log says which one does not, and why."
        )


def _waiting_seconds() -> float:
    oldest = oldest_waiting_since(keys.current_origin())
    return (timezone.now() - oldest).total_seconds() if oldest else 0.0


class _Gauges(Collector):
    def collect(self) -> Iterator[GaugeMetricFamily]:
        now = timezone.now()
        yield _gauge(
            "log_oldest_waiting_seconds",
            "Age of the oldest entry without an index.",
            _waiting_seconds(),
        )
        yield from _published(now)
        yield _gauge(
            "producer_key_seconds_left",
            "Until the producer key may sign no more; negative once it is over.",
            keys.producer_seconds_left(),
        )
        verified = last_verification()
        if verified:
            age = (now - verified.at).total_seconds()
            yield _gauge("log_verified_age_seconds", "Time since the whole log was verified.", age)
        yield _gauge(
            "change_requests_open", "Change requests that wait for people.", open_changes().count()
        )
        due = [case.due_at for case in open_cases()]
        yield _gauge("retraining_cases_open", "Retraining cases that are open.", len(due))
        if due:
            left = (min(due) - now).total_seconds()
            yield _gauge(
                "retraining_case_seconds_left",
                "Until the next open case is due; negative once late.",
                left,
            )
        yield from _standing(now)
        yield from _notices(now)
        yield _gauge("demo", "1 when this is the demo.", float(settings.DEMO))


def _notices(now: datetime) -> Iterator[GaugeMetricFamily]:
    found = due_counts()
    yield _gauge(
        "notices_due_soon",
        "Applicants still to be told whose clock had passed its first alert day at the last look.",
        found.due_soon,
    )
    yield _gauge(
        "notices_late",
        "Applicants who were not told by the due date, and still were not at the last look.",
        found.late,
    )
    if found.counted_at:
        age = (now - found.counted_at).total_seconds()
        yield _gauge("notices_counted_age_seconds", "Time since that look.", age)


def _standing(now: datetime) -> Iterator[GaugeMetricFamily]:
    nights = last_nights().values()
    yield _gauge(
        "replays_not_equal",
        "Decisions of each model's last nightly sample that did not come out equal.",
        sum(run.different + run.impossible for run in nights),
    )
    if nights:
        age = (now - min(run.replayed_at for run in nights)).total_seconds()
        yield _gauge("replay_age_seconds", "Age of the oldest model's last nightly sample.", age)
    yield _gauge(
        "probes_differing",
        "Kinds of process that last answered for a champion other than was known.",
        champions_differing(),
    )


def _published(now: datetime) -> Iterator[GaugeMetricFamily]:
    origin = keys.current_origin()
    yield _gauge(
        "log_uncosigned_heads",
        "Signed heads that too few witnesses have cosigned yet.",
        unpublished_heads(origin).count(),
    )
    if newest := publications(origin).first():
        age = (now - newest.published_at).total_seconds()
        yield _gauge("log_published_age_seconds", "Age of the newest published checkpoint.", age)
    if token := timestamp_tokens(origin).last():
        age = (now - token.stamped_at).total_seconds()
        yield _gauge("log_timestamp_age_seconds", "Age of the newest timestamp.", age)


def _gauge(name: str, text: str, value: float) -> GaugeMetricFamily:
    return GaugeMetricFamily(f"credence_{name}", text, value=value)
