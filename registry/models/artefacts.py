"""What a run leaves: the trained bytes, and the reference population of their explanations."""

from django.db import models


class Artefact(models.Model):
    """Trained bytes without pickle, under their digest, signed. The bytes are in the content store. Never changed.

    `sha256` names the stored bytes, which are what is approved; `content_sha256` is equal for two dumps of the same model.
    """

    sha256 = models.CharField(max_length=64, primary_key=True)
    content_sha256 = models.CharField(max_length=64, db_index=True)
    format = models.CharField(max_length=20)
    size = models.PositiveBigIntegerField()
    key_id = models.CharField(max_length=300)
    signature = models.CharField(max_length=100)
    run = models.OneToOneField("registry.Run", on_delete=models.PROTECT, related_name="artefact")
    created_at = models.DateTimeField()
    entry = models.ForeignKey("audit.Entry", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.sha256[:12]


class Baseline(models.Model):
    """The applicants against whom explanations are made: those approved nearest to the cut-off. Never changed.

    `band` holds the range of the probability of bad that was actually used.
    """

    id = models.CharField(max_length=20, primary_key=True)
    sha256 = models.CharField(max_length=64)
    rows = models.PositiveIntegerField()
    band = models.JSONField()
    cut_off = models.FloatField()
    created_at = models.DateTimeField()
    entry = models.ForeignKey("audit.Entry", on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.id
