"""The vault: pseudonyms, and the secrets that open what is personal."""

import uuid

from django.db import models
from django.db.models import Q

from audit.models.log import Entry
from audit.purposes import PURPOSES


class Subject(models.Model):
    """A person whom decisions concern: a random pseudonym, and nothing else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True, db_index=True)

    class Meta:
        permissions = [
            ("erase_subject", "Can destroy a person's keys, as part of an act that weighed it"),
            ("end_retention", "Can erase people whose retention period has ended"),
        ]

    def __str__(self) -> str:
        return str(self.id)


class Reference(models.Model):
    """A caller's own name for a person or an application, kept only as a keyed hash. Removed with what they were decided on."""

    client = models.CharField(max_length=150)
    kind = models.CharField(max_length=20)
    mac = models.BinaryField(max_length=32)
    identifier = models.UUIDField(db_index=True)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["client", "kind", "mac"], name="audit_one_identifier_per_reference"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=["subject", "application"]), name="audit_reference_kind"
            ),
        ]


class SubjectSecret(models.Model):
    """The wrapped secret from which one person's keys for one purpose come. Removed when that purpose is erased."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=20)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "purpose"], name="audit_one_secret_per_purpose"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=sorted(PURPOSES)), name="audit_secret_has_a_purpose"
            ),
        ]


class Erasure(models.Model):
    """The destruction of a person's keys for one purpose: on which legal basis, and by whom (its entry)."""

    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="erasures")
    purpose = models.CharField(max_length=20)
    legal_basis = models.CharField(max_length=200)
    reason = models.TextField()
    erased_at = models.DateTimeField(db_index=True)
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "purpose"], name="audit_one_erasure_per_purpose"
            ),
            models.CheckConstraint(
                condition=Q(purpose__in=sorted(PURPOSES)), name="audit_erasure_has_a_purpose"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.purpose} of {self.subject_id}"
