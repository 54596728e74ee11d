"""Publishing: what the log signed becomes what strangers see.

A head is signed at once and published when the quorum of witnesses has cosigned it. Each step looks at what is stored and not
at what it remembers, so a crash between signing and publishing leaves a checkpoint that the next pass publishes.
"""

from django.utils import timezone

from audit.models import Checkpoint, Publication


def publish(origin: str) -> Publication | None:
    """Publish the newest signed checkpoint; it, or None where nothing is signed. A second call changes nothing."""
    checkpoint = Checkpoint.objects.filter(origin=origin).order_by("-size").first()
    if checkpoint is None:
        return None
    publication, _ = Publication.objects.get_or_create(
        checkpoint=checkpoint,
        defaults={"note": checkpoint.note, "published_at": timezone.now()},
    )
    return publication
