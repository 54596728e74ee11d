"""The vault: pseudonyms, and the secrets that open what is personal."""

import uuid

from django.db import models
from django.db.models import Q

from audit.models.log import Entry


class Subject(models.Model):
    """A person whom decisions concern: a random pseudonym, and nothing else."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        permissions = [("erase_subject", "Can erase a subject")]


class Reference(models.Model):
    """A caller's own name for a person or an application, kept only as a keyed hash. Removed when the person is erased."""

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
    """The wrapped secret from which one person's entry keys for one purpose come. Removed when the person is erased."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    subject = models.ForeignKey(Subject, on_delete=models.PROTECT, related_name="+")
    purpose = models.CharField(max_length=20)
    wrapped = models.BinaryField()
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["subject", "purpose"], name="audit_one_secret_per_purpose"
            )
        ]


class Erasure(models.Model):
    """The destruction of a person's keys: on which legal basis, and by whom (its entry)."""

    subject = models.OneToOneField(Subject, on_delete=models.PROTECT, related_name="erasure")
    legal_basis = models.CharField(max_length=200)
    reason = models.TextField()
    erased_at = models.DateTimeField()
    entry = models.OneToOneField(Entry, on_delete=models.PROTECT, related_name="+")
