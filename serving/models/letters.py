"""Letters that explain a decision to the applicant."""

from django.contrib.auth.models import User
from django.db import models

from audit.ids import uuid7
from serving.models.decisions import Decision


class ExplanationLetter(models.Model):
    """One letter that explained a decision, as it was issued. Never changed; deleted with the person.

    `sealed` is the letter, its page and its PDF, under a key that is made from the person's secret and goes with it.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    decision = models.ForeignKey(
        Decision, on_delete=models.PROTECT, related_name="explanation_letters"
    )
    subject_id = models.UUIDField(db_index=True)
    language = models.CharField(max_length=20)
    policy = models.ForeignKey("registry.Policy", on_delete=models.PROTECT, related_name="+")
    sealed = models.BinaryField()
    sealed_sha256 = models.CharField(max_length=64)
    renderer = models.CharField(max_length=200)
    issued_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [("issue_letter", "Can issue letters that explain decisions")]

    def __str__(self) -> str:
        return f"{self.language}, {self.issued_at:%Y-%m-%d %H:%M} UTC"
