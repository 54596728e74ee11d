"""Use restrictions: what a model or a version may not be used for, although it is cleared."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import Q


class UseRestriction(models.Model):
    """One limit on the use of a model, or of one version of it where `version` is set. Never changed.

    It holds from `valid_from` until `valid_to`, or until it is lifted. Serving scores nothing outside of it, and under
    `refer_all` leaves the decision to a person.
    """

    class Kind(models.TextChoices):
        MAX_AMOUNT = "max_amount"
        ALLOWED_VALUES = "allowed_values"
        NO_NEW_DECISIONS = "no_new_decisions"
        REFER_ALL = "refer_all"

    model = models.ForeignKey(
        "registry.ScoringModel", on_delete=models.PROTECT, related_name="restrictions"
    )
    version = models.ForeignKey(
        "registry.ModelVersion", null=True, on_delete=models.PROTECT, related_name="restrictions"
    )
    kind = models.CharField(max_length=20, choices=Kind.choices)
    limits = models.JSONField()
    reason = models.TextField()
    placed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField()
    valid_to = models.DateTimeField(null=True)
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "use restriction"
        ordering = ["-id"]
        permissions = [
            ("restrict_use", "Can restrict the use of a model or a version"),
            ("lift_restriction", "Can lift a use restriction"),
        ]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="registry_restriction_has_reason"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=models.F("valid_from")),
                name="registry_restriction_ends_after_it_begins",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} on {self.version or self.model}"

    @property
    def subject(self) -> tuple[str, str]:
        """How log entries name what is restricted."""
        return self.version.subject if self.version else self.model.subject


class RestrictionLift(models.Model):
    """The end of one use restriction before its time. Never changed.

    A trigger refuses whoever developed what was restricted: the version, or any version of the model.
    """

    restriction = models.OneToOneField(
        UseRestriction, on_delete=models.PROTECT, related_name="lift"
    )
    reason = models.TextField()
    lifted_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    lifted_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "lifted restriction"
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=~Q(reason=""), name="registry_lift_has_reason")
        ]

    def __str__(self) -> str:
        return f"{self.restriction}, lifted"
