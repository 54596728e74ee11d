"""The names of what audit itself writes into the log."""

from enum import StrEnum


class Event(StrEnum):
    SHARD_OPENED = "audit.shard.opened"
    SHARD_CLOSED = "audit.shard.closed"
    PRODUCER_KEY_INTRODUCED = "audit.producer_key.introduced"
    PRODUCER_KEY_RETIRED = "audit.producer_key.retired"
    LOG_KEY_INTRODUCED = "audit.log_key.introduced"
    LOG_KEY_RETIRED = "audit.log_key.retired"
    LOG_KEY_LOST = "audit.log_key.lost"
    ACTION_REFUSED = "audit.action_refused"
    SUBJECT_ERASED = "audit.subject.erased"
    ERASURE_REQUESTED = "audit.erasure.requested"
    ERASURE_EXTENDED = "audit.erasure.extended"
    ERASURE_DECIDED = "audit.erasure.decided"
    ERASURE_DISPUTED = "audit.erasure.disputed"
    ERASURE_SETTLED = "audit.erasure.settled"
    HOLD_PLACED = "audit.hold.placed"
    HOLD_RELEASED = "audit.hold.released"
    RETENTION_ENDED = "audit.retention.ended"
    RETENTION_REVIEWED = "audit.retention.reviewed"
    HEARTBEAT = "audit.heartbeat"
    RECONCILIATION = "audit.reconciliation"
    EPOCH_CLOSED = "audit.epoch.closed"
    LOG_ARCHIVED = "audit.log.archived"
    LOCK_EXTENDED = "audit.archive.lock_extended"
    RETENTION_STARTED = "audit.retention.started"
    ARCHIVE_HELD = "audit.archive.held"
    ARCHIVE_RELEASED = "audit.archive.released"
    HOLDS_CARRIED_OUT = "audit.archive.holds_carried_out"
    RESTORE_REQUESTED = "audit.restore.requested"
    RESTORE_MOVED = "audit.restore.moved"
    ARCHIVE_LISTED = "audit.archive.listed"
    ARCHIVE_ALARMED = "audit.archive.alarmed"
    ALARM_CLEARED = "audit.archive.alarm_cleared"
    ARCHIVE_DRILLED = "audit.archive.drilled"
    LOG_VERIFIED = "audit.log.verified"
    PASS_REQUESTED = "audit.pass.requested"
    PASS_FINISHED = "audit.pass.finished"
    EXPORT_REQUESTED = "audit.export.requested"
    EXPORT_BUILT = "audit.export.built"
    EXPORT_FAILED = "audit.export.failed"
    EXPORT_TAKEN = "audit.export.taken"
    EXPORT_DESTROYED = "audit.export.destroyed"
    WITNESS_REFUSED = "audit.witness.refused"
    CHECKPOINT_TIMESTAMPED = "audit.checkpoint.timestamped"
    TIMESTAMP_FAILED = "audit.checkpoint.timestamp_failed"


DESCRIPTIONS = {
    Event.SHARD_OPENED: "A log began: its origin and its key. Entry 0, signed by the log key.",
    Event.SHARD_CLOSED: "The last entry of a shard, which names the one that goes on.",
    Event.PRODUCER_KEY_INTRODUCED: "The log key delegated to a key that signs entries, until a date.",
    Event.PRODUCER_KEY_RETIRED: "No later entry is signed by that producer key. Signed by the log key.",
    Event.LOG_KEY_INTRODUCED: "A further key signs the log's checkpoints, on the word of a key that does already.",
    Event.LOG_KEY_RETIRED: "A log key vouches for no checkpoint that is larger than the size named here.",
    Event.LOG_KEY_LOST: "Somebody else may have a log key, or nobody: from the size named here on it vouches for nothing.",
    Event.ACTION_REFUSED: "An act of an authenticated actor was refused: the problem and the field names, no values.",
    Event.SUBJECT_ERASED: "A person's keys for one purpose were destroyed; their entries stay and can no longer be read.",
    Event.ERASURE_REQUESTED: "Someone asked to be erased: the bank's file number, how identity was checked, and the clock.",
    Event.ERASURE_EXTENDED: "The answer to a request for erasure takes longer: until when, and why.",
    Event.ERASURE_DECIDED: "A request for erasure was decided: the outcome, what was erased, what is kept and until when.",
    Event.ERASURE_DISPUTED: "Somebody disputes on which ground a request for erasure is answered: who, which ground, and why.",
    Event.ERASURE_SETTLED: "A disputed request for erasure was settled: the outcome, what was erased, what is kept and on which ground.",
    Event.HOLD_PLACED: "A legal hold was placed: its matter, what it covers, its custodian and when it is reviewed.",
    Event.HOLD_RELEASED: "A legal hold was released, and why.",
    Event.RETENTION_ENDED: "The retention period of all that is held about a person has ended, so that they were erased.",
    Event.RETENTION_REVIEWED: "All people whose period may have ended were looked at: how many went, and how many are held.",
    Event.HEARTBEAT: "The log is alive, though nothing happened.",
    Event.RECONCILIATION: "How many entries and recorded rows an hour left, and the digests of their ids.",
    Event.EPOCH_CLOSED: "A stretch of the log was closed for the archive, under one published checkpoint: until when it will be locked.",
    Event.LOCK_EXTENDED: "Archived objects were locked for longer: until when, and why. No lock is ever shortened.",
    Event.RETENTION_STARTED: "The event happened that starts a retention period of records made earlier.",
    Event.ARCHIVE_HELD: "Archived objects were put under legal hold for a matter.",
    Event.ARCHIVE_RELEASED: "The legal hold of a matter was released from archived objects.",
    Event.HOLDS_CARRIED_OUT: "The archive put legal holds in force, or lifted those of which none was left.",
    Event.RESTORE_REQUESTED: "Someone asked for an archived object to be restored from cold storage: why, how fast, and when it is expected.",
    Event.RESTORE_MOVED: "A restore went on to another state, or was refused.",
    Event.ARCHIVE_LISTED: "Every version and delete marker of the archive was listed and compared with what was archived.",
    Event.ARCHIVE_ALARMED: "Something under a recorded key is not as it was archived.",
    Event.ALARM_CLEARED: "A later listing no longer found what an alarm was raised for.",
    Event.ARCHIVE_DRILLED: "A random epoch was fetched from the archive and verified: whether it held.",
    Event.LOG_ARCHIVED: "Sealed entries were copied to the archive, read back and compared.",
    Event.LOG_VERIFIED: "The whole log was verified against the database and the archive.",
    Event.PASS_REQUESTED: "Someone asked a worker to archive or to verify the whole log.",
    Event.PASS_FINISHED: "What came of it, in one sentence.",
    Event.EXPORT_REQUESTED: "Someone asked for an evidence bundle.",
    Event.EXPORT_BUILT: "An evidence bundle was built: its digest and what it discloses.",
    Event.EXPORT_FAILED: "An evidence bundle could not be built: the reason.",
    Event.EXPORT_TAKEN: "A bundle that discloses private payloads was downloaded or copied, and by whom.",
    Event.EXPORT_DESTROYED: "A bundle's file was destroyed, because it disclosed a person who was erased.",
    Event.WITNESS_REFUSED: "A witness found that the log did not grow from what it cosigned last: which, and why.",
    Event.CHECKPOINT_TIMESTAMPED: "A timestamp authority stated when a published checkpoint existed.",
    Event.TIMESTAMP_FAILED: "No timestamp was had that can be relied on: the reason.",
}
