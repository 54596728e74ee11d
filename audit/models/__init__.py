"""Django finds an app's tables here."""

from audit.models.archive import (
    ArchiveAlarm,
    ArchivedObject,
    Epoch,
    LockExtension,
    ObjectHold,
    RestoreRequest,
    RetentionStart,
)
from audit.models.erasures import ErasureCase, ErasureDispute
from audit.models.holds import LegalHold
from audit.models.log import Checkpoint, Entry, Head, Leaf, Outbox, ShardClose, Tile
from audit.models.requests import EvidenceExport, LogPass
from audit.models.vault import Erasure, Reference, Subject, SubjectSecret
from audit.models.witnesses import Cosignature, Publication, TimestampToken, WitnessRefusal

__all__ = [
    "ArchiveAlarm",
    "ArchivedObject",
    "Checkpoint",
    "Cosignature",
    "Entry",
    "Epoch",
    "Erasure",
    "ErasureCase",
    "ErasureDispute",
    "EvidenceExport",
    "Head",
    "Leaf",
    "LegalHold",
    "LockExtension",
    "LogPass",
    "ObjectHold",
    "Outbox",
    "Publication",
    "Reference",
    "RestoreRequest",
    "RetentionStart",
    "ShardClose",
    "Subject",
    "SubjectSecret",
    "Tile",
    "TimestampToken",
    "WitnessRefusal",
]
