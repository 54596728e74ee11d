"""Named reads that every floor may use."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.contrib.auth.models import User
from django.db.models import Max, QuerySet

from audit import keys
from audit.entries import parse
from audit.errors import NotFound
from audit.events import Event
from audit.models import (
    Checkpoint,
    Entry,
    EvidenceExport,
    Head,
    LogPass,
    Outbox,
    Publication,
    ShardClose,
    TimestampToken,
)


class NoServiceAccount(NotFound):
    """A process has no account; `manage.py migrate` makes them."""


class NothingSealed(NotFound):
    """The log has no published checkpoint yet."""


def service_account(name: str) -> User:
    """The account of one of our own processes: sequencer, archiver, monitor, retrainer or cli. Raises NoServiceAccount."""
    try:
        return User.objects.get(username=name)
    except User.DoesNotExist:
        raise NoServiceAccount(
            f"There is no service account {name!r}. Run `manage.py migrate`."
        ) from None


def origins() -> list[str]:
    """Every shard of the log, oldest first; the last one is being written. Raises KeyMissing."""
    closed = ShardClose.objects.order_by("closed_at").values_list("origin", flat=True)
    current = keys.current_origin()
    return [*(origin for origin in closed if origin != current), current]


def newest_checkpoint(origin: str) -> Publication:
    """What everybody outside sees of a log: its newest published checkpoint. Raises NothingSealed."""
    newest = publications(origin).first()
    if newest is None:
        raise NothingSealed(f"The log {origin} has no published checkpoint yet.")
    return newest


def newest_signed(origin: str) -> Checkpoint | None:
    """The newest head that the log signed, published or not; None before the first."""
    return Checkpoint.objects.filter(origin=origin).order_by("-size").first()


def publications(origin: str) -> QuerySet[Publication]:
    """Every published checkpoint of a log, largest first."""
    published = Publication.objects.filter(checkpoint__origin=origin)
    return published.select_related("checkpoint").order_by("-checkpoint__size")


def timestamp_tokens(origin: str) -> QuerySet[TimestampToken]:
    """Every timestamp of a log's published checkpoints, oldest first."""
    tokens = TimestampToken.objects.filter(publication__checkpoint__origin=origin)
    return tokens.select_related("publication__checkpoint").order_by(
        "publication__checkpoint__size"
    )


def published_size(origin: str) -> int:
    """The size of the tree that strangers see; 0 before the first publication."""
    newest = publications(origin).first()
    return newest.size if newest else 0


def unpublished_heads(origin: str) -> QuerySet[Checkpoint]:
    """Heads that were signed since the newest publication, oldest first: they wait for witnesses, or for the next pass."""
    waiting = Checkpoint.objects.filter(origin=origin, size__gt=published_size(origin))
    return waiting.order_by("size")


def head_size(origin: str) -> int:
    """How many entries have their index, whether or not that head is signed or published."""
    head = Head.objects.filter(origin=origin).first()
    return head.size if head else 0


def last_waiting(origin: str) -> int:
    """The place in the outbox of the newest entry that waits for its index; 0 when none waits."""
    newest = Outbox.objects.filter(origin=origin).aggregate(newest=Max("pk"))["newest"]
    return newest or 0


def oldest_waiting_since(origin: str) -> datetime | None:
    """When the entry at the front of the outbox was made; None when none waits."""
    waiting = Outbox.objects.filter(origin=origin).order_by("pk")
    return waiting.values_list("entry__occurred_at", flat=True).first()


def is_waiting(origin: str, up_to: int) -> bool:
    """True while an entry up to that place in the outbox has no index."""
    return Outbox.objects.filter(origin=origin, pk__lte=up_to).exists()


def exports_waiting(export_id: UUID | None = None) -> QuerySet[EvidenceExport]:
    """Bundles that were asked for and are not built: one of them, or all, oldest first."""
    waiting = EvidenceExport.objects.filter(state=EvidenceExport.State.REQUESTED).order_by("pk")
    return waiting if export_id is None else waiting.filter(pk=export_id)


def passes_waiting(pass_id: UUID | None = None) -> QuerySet[LogPass]:
    """Passes that were asked for and not carried out: one of them, or all, oldest first."""
    waiting = LogPass.objects.filter(state=LogPass.State.REQUESTED).order_by("pk")
    return waiting if pass_id is None else waiting.filter(pk=pass_id)


@dataclass(frozen=True)
class LastVerification:
    """What the last full verification of the log found, and when."""

    at: datetime
    holds: bool
    tree_size: int
    problems: Sequence[str]


def last_verification() -> LastVerification | None:
    """None before the first full verification."""
    entry = Entry.objects.filter(event=Event.LOG_VERIFIED).order_by("-pk").first()
    if entry is None:
        return None
    public = parse(bytes(entry.body))["public"]
    return LastVerification(
        entry.occurred_at, public["holds"], public["tree_size"], public["problems"]
    )
