"""What was copied to the archive, and what a full verification found."""

from collections.abc import Sequence

from django.contrib.auth.models import User

from audit.action import action, record
from audit.canonical import digest_json
from audit.events import Event
from audit.models import ArchivedObject, Entry, Epoch

PROBLEMS_RECORDED = 20


@action(Event.LOG_ARCHIVED, needs="audit.archive_log")
def record_archived(epoch: Epoch, objects: Sequence[ArchivedObject], *, by: User) -> Entry:
    """Record an epoch's objects, which lie in the archive, were read back and are what was written."""
    [tar] = [item for item in objects if item.epoch_id == epoch.pk]
    entry = record(
        subject=("audit.log", epoch.origin),
        tree_size=epoch.last + 1,
        first=epoch.first,
        last=epoch.last,
        root=epoch.publication.root.hex(),
        epoch_sha256=tar.sha256,
        objects=len(objects),
        bytes=sum(item.size for item in objects),
        objects_sha256=digest_json({item.key: item.sha256 for item in objects}),
    )
    for item in objects:
        item.entry = entry
    ArchivedObject.objects.bulk_create(objects, batch_size=500)
    return entry


@action(Event.LOG_VERIFIED, needs="audit.verify_log")
def record_verification(
    origin: str, tree_size: int, archived_objects: int, problems: Sequence[str], *, by: User
) -> Entry:
    """Record the outcome of a full verification, whether or not everything held."""
    return record(
        subject=("audit.log", origin),
        holds=not problems,
        tree_size=tree_size,
        archived_objects=archived_objects,
        problem_count=len(problems),
        problems=[problem[:500] for problem in problems[:PROBLEMS_RECORDED]],
    )
