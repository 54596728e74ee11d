"""Django finds an app's tables here."""

from audit.models.archive import ArchivedObject
from audit.models.log import Checkpoint, Entry, Head, Leaf, Outbox, ShardClose, Tile
from audit.models.requests import EvidenceExport, LogPass
from audit.models.vault import Erasure, Reference, Subject, SubjectSecret
from audit.models.witnesses import Publication

__all__ = [
    "ArchivedObject",
    "Checkpoint",
    "Entry",
    "Erasure",
    "EvidenceExport",
    "Head",
    "Leaf",
    "LogPass",
    "Outbox",
    "Publication",
    "Reference",
    "ShardClose",
    "Subject",
    "SubjectSecret",
    "Tile",
]
