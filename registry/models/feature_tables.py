"""Feature tables: what the bank knows of people over time, for training and for decisions alike."""

from django.contrib.auth.models import User
from django.db import models
from django.db.models import F, Q


class FeatureTable(models.Model):
    """One version of a feature table: which features it holds, of whom, and for how long a value counts. Never changed.

    Another definition is another version, with rows of its own. `client` is the system in whose references
    the people are named; `ttl_seconds` is how old a value may be when it is used.
    """

    name = models.SlugField(max_length=100)
    version = models.PositiveIntegerField()
    features = models.JSONField()
    contract_sha256 = models.CharField(max_length=64)
    ttl_seconds = models.PositiveBigIntegerField()
    client = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    source = models.TextField()
    defined_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "feature table"
        ordering = ["name", "-version"]
        permissions = [
            ("define_featuretable", "Can define a feature table"),
            ("record_features", "Can record rows of a feature table"),
        ]
        constraints = [
            models.UniqueConstraint(
                fields=["name", "version"], name="registry_one_feature_table_per_version"
            ),
            models.CheckConstraint(
                condition=Q(ttl_seconds__gt=0), name="registry_feature_table_lives_some_time"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name}/{self.version}"

    @property
    def subject(self) -> tuple[str, str]:
        """How log entries name the table."""
        return "registry.featuretable", str(self)


class FeatureIngest(models.Model):
    """One batch of rows that a feature table took, by whom and from where. Never changed; outlives its rows."""

    table = models.ForeignKey(FeatureTable, on_delete=models.PROTECT, related_name="ingests")
    rows = models.PositiveIntegerField()
    newest_event_at = models.DateTimeField()
    source = models.CharField(max_length=200)
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField()
    entry = models.OneToOneField("audit.Entry", on_delete=models.PROTECT, related_name="+")

    class Meta:
        verbose_name = "batch of feature rows"
        verbose_name_plural = "batches of feature rows"
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.rows} rows of {self.table}"


class FeatureRow(models.Model):
    """What one person's features were from `event_at` on, as known since `created_at`. Never changed; deleted with the person.

    `packed` is a float64 array, one value per feature of the table in its order. A correction is a later row.
    """

    table = models.ForeignKey(FeatureTable, on_delete=models.PROTECT, related_name="rows")
    ingest = models.ForeignKey(
        FeatureIngest, on_delete=models.PROTECT, related_name="recorded", db_index=False
    )
    subject_id = models.UUIDField(db_index=True)
    event_at = models.DateTimeField()
    created_at = models.DateTimeField()
    packed = models.BinaryField()

    class Meta:
        verbose_name = "feature row"
        indexes = [
            models.Index(fields=["table", "subject_id", "event_at"], name="registry_feature_lookup")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(created_at__gte=F("event_at")),
                name="registry_feature_known_after_event",
            )
        ]

    def __str__(self) -> str:
        return f"{self.table_id} of {self.subject_id}"
