"""The lowest floor: it remembers."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Log and archive"

    append_only = [
        "Entry", "Leaf", "Tile", "Checkpoint", "Publication", "Erasure", "ErasureDispute", "ArchivedObject", "Subject",
        "ShardClose", "Epoch", "LockExtension", "RetentionStart",
        "Cosignature", "WitnessRefusal", "TimestampToken",
    ]  # fmt: skip
    governed = [
        "ErasureCase", "EvidenceExport", "LegalHold", "LogPass", "ObjectHold", "RestoreRequest", "ArchiveAlarm",
    ]  # fmt: skip
    erasable = ["Reference", "SubjectSecret"]
    plain = ["Outbox", "Head"]  # the sequencer's own: proof is in leaves and checkpoints

    def ready(self) -> None:
        from django.db.models.signals import post_migrate

        from audit import checks as checks
        from audit.models import (
            ArchiveAlarm,
            ArchivedObject,
            Epoch,
            Erasure,
            ErasureCase,
            ErasureDispute,
            EvidenceExport,
            LegalHold,
            LockExtension,
            LogPass,
            ObjectHold,
            RestoreRequest,
            RetentionStart,
            ShardClose,
            TimestampToken,
            WitnessRefusal,
        )
        from audit.partitions import make_months_ahead, partitioned_table
        from audit.recorded import recorded_table

        for model in (
            ArchiveAlarm, ArchivedObject, Epoch, Erasure, ErasureCase, ErasureDispute, EvidenceExport, LegalHold,
            LockExtension, LogPass, ObjectHold, RestoreRequest, RetentionStart, ShardClose,
            TimestampToken, WitnessRefusal,
        ):  # fmt: skip
            recorded_table(model)
        partitioned_table(self.get_model("Entry"))
        post_migrate.connect(make_months_ahead, sender=self, dispatch_uid="audit.make_months_ahead")
