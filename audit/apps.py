"""The lowest floor: it remembers."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "audit"
    verbose_name = "Log and archive"

    append_only = [
        "Entry", "Leaf", "Tile", "Checkpoint", "Publication", "Erasure", "ArchivedObject", "Subject",
    ]  # fmt: skip
    governed = ["EvidenceExport", "LogPass"]
    erasable = ["Reference", "SubjectSecret"]
    plain = ["Outbox", "Head"]  # the sequencer's own: proof is in leaves and checkpoints

    def ready(self) -> None:
        from audit import checks as checks
        from audit.models import ArchivedObject, Erasure, EvidenceExport, LogPass
        from audit.recorded import recorded_table

        for model in (ArchivedObject, Erasure, EvidenceExport, LogPass):
            recorded_table(model)
