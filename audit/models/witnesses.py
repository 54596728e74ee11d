"""What others said of a checkpoint, and what was therefore shown to strangers."""

from django.db import models

from audit.models.log import Checkpoint


class Publication(models.Model):
    """One checkpoint as strangers see it: the log's own signatures, and the cosignatures that met the quorum.

    A signed head that is not published yet is nobody's business but ours: proofs, exports and the archive follow the newest publication.
    """

    checkpoint = models.OneToOneField(
        Checkpoint, on_delete=models.PROTECT, related_name="publication"
    )
    note = models.TextField()
    published_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.checkpoint} published"

    @property
    def origin(self) -> str:
        return self.checkpoint.origin

    @property
    def size(self) -> int:
        return self.checkpoint.size

    @property
    def root(self) -> bytes:
        return bytes(self.checkpoint.root)
