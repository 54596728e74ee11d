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


class Cosignature(models.Model):
    """One witness's word that a checkpoint grew from what it saw before: the signature line, verified, byte for byte.

    The newest one says which size the witness knows.
    """

    checkpoint = models.ForeignKey(
        Checkpoint, on_delete=models.PROTECT, related_name="cosignatures"
    )
    witness = models.CharField(max_length=255)  # as the policy names it
    key_id = models.CharField(max_length=300)  # `name+<8 hex>`
    line = models.TextField()
    cosigned_at = models.DateTimeField()  # by the witness's clock
    received_at = models.DateTimeField()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["checkpoint", "key_id"], name="audit_one_cosignature_per_key"
            )
        ]

    def __str__(self) -> str:
        return f"{self.witness} on {self.checkpoint}"


class WitnessRefusal(models.Model):
    """One witness found that the log did not grow from what it cosigned last: an older database, or a rewritten one.

    One row per witness until it cosigns again.
    """

    checkpoint = models.ForeignKey(Checkpoint, on_delete=models.PROTECT, related_name="+")
    witness = models.CharField(max_length=255)
    witness_size = models.BigIntegerField(null=True)  # where it said what it cosigned last
    reason = models.TextField()
    refused_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("record_witness_refusal", "Can record that a witness refused")]

    def __str__(self) -> str:
        return f"{self.witness} refused {self.checkpoint}"


class TimestampToken(models.Model):
    """One authority's word (RFC 3161) that a published note existed at a time: its response, verified, byte for byte."""

    publication = models.OneToOneField(
        Publication, on_delete=models.PROTECT, related_name="timestamp"
    )
    authority = models.CharField(max_length=500)  # the address that was asked
    response = models.BinaryField()
    stamped_at = models.DateTimeField()  # by the authority's clock
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("timestamp_checkpoint", "Can have checkpoints timestamped")]

    def __str__(self) -> str:
        return f"{self.publication.checkpoint} at {self.stamped_at:%Y-%m-%d %H:%M:%S} UTC"
