"""Documents about versions, and who approved them."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q

from audit.ids import uuid7
from governance.documents.kinds import Kind
from registry.models import ModelVersion


class Document(models.Model):
    """One document about one version, as it was generated from the record. Never changed.

    Content, page and PDF lie in the content store under their digests. `sha256` is the digest of the manifest that names
    them all, and what the signature is over; `content_sha256` tells whether the record has moved on since.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    version = models.ForeignKey(ModelVersion, on_delete=models.PROTECT, related_name="documents")
    kind = models.CharField(max_length=24, choices=[(str(kind), str(kind)) for kind in Kind])
    number = models.PositiveIntegerField()
    as_of = models.DateTimeField()
    content_sha256 = models.CharField(max_length=64)
    html_sha256 = models.CharField(max_length=64)
    pdf_sha256 = models.CharField(max_length=64)
    renderer = models.CharField(max_length=200)
    sha256 = models.CharField(max_length=64)
    key_id = models.CharField(max_length=300)
    signature = models.CharField(max_length=100)
    generated_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    generated_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        permissions = [
            ("generate_document", "Can generate documents about versions"),
            ("approve_document", "Can approve documents about versions"),
        ]
        constraints = [
            models.UniqueConstraint(
                name="governance_one_document_per_number", fields=["version", "kind", "number"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind.replace('_', ' ')} {self.number} of {self.version}"

    @property
    def is_approved(self) -> bool:
        return hasattr(self, "approval")


class DocumentApproval(models.Model):
    """That somebody read a document and stands by it, with its digest. Never changed.

    Triggers refuse whoever generated it, built or registered the version, asked for its run, or asked for a change of it.
    """

    document = models.OneToOneField(Document, on_delete=models.PROTECT, related_name="approval")
    document_sha256 = models.CharField(max_length=64)
    approver = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    rationale = models.TextField()
    approved_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                name="governance_document_approval_has_rationale", condition=~Q(rationale="")
            )
        ]

    def __str__(self) -> str:
        return f"{self.document}, approved by {self.approver.get_username()}"
