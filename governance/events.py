"""The names of what governance writes into the log."""

from enum import StrEnum


class Event(StrEnum):
    USER_CREATED = "governance.user.created"
    USER_DEACTIVATED = "governance.user.deactivated"
    ROLE_GRANTED = "governance.role.granted"
    ROLE_REVOKED = "governance.role.revoked"
    RECERTIFICATION_OPENED = "governance.recertification.opened"
    ROLE_RECERTIFIED = "governance.role.recertified"
    RECERTIFICATION_LATE = "governance.recertification.late"
    TOKEN_ISSUED = "governance.token.issued"
    TOKEN_REVOKED = "governance.token.revoked"
    SIGNED_IN = "governance.sign_in.succeeded"
    SIGN_IN_FAILED = "governance.sign_in.failed"
    PASSWORD_CHANGED = "governance.password.changed"
    DATASET_TAKEN_IN = "governance.dataset.taken_in"
    DATASET_EXTENDED = "governance.dataset.extended"
    GATES_REQUESTED = "governance.gates.requested"
    GATES_STARTED = "governance.gates.started"
    GATES_MEASURED = "governance.gates.measured"
    GATES_FAILED = "governance.gates.failed"
    CHANGE_REQUESTED = "governance.change.requested"
    CHANGE_APPROVED = "governance.change.approved"
    CHANGE_REJECTED = "governance.change.rejected"
    CHANGE_WITHDRAWN = "governance.change.withdrawn"
    CHANGE_VOIDED = "governance.change.voided"
    CHANGE_EXPIRED = "governance.change.expired"
    CHANGE_COMMENTED = "governance.change.commented"
    CHANGE_REMINDED = "governance.change.reminded"
    CONDITION_OPENED = "governance.condition.opened"
    VERSION_SUSPENDED = "governance.version.suspended"
    SEAT_DELEGATED = "governance.seat.delegated"
    DELEGATION_ENDED = "governance.delegation.ended"
    EVIDENCE_OPENED = "governance.evidence.opened"
    ROLLED_BACK = "governance.model.rolled_back"
    EXCEPTION_GRANTED = "governance.exception.granted"
    CASE_OPENED = "governance.case.opened"
    CASE_ALERT_ATTACHED = "governance.case.alert_attached"
    CASE_STEP_STARTED = "governance.case.step_started"
    CASE_STEP_WAITING = "governance.case.step_waiting"
    CASE_STEP_FINISHED = "governance.case.step_finished"
    CASE_CLOCK_WARNED = "governance.case.clock_warned"
    CASE_BREACHED = "governance.case.breached"
    CASE_CLOSED = "governance.case.closed"
    INCIDENT_OPENED = "governance.incident.opened"
    INCIDENT_CLOSED = "governance.incident.closed"
    FINDING_OPENED = "governance.finding.opened"
    FINDING_REMEDIATED = "governance.finding.remediated"
    FINDING_REMEDIATION_REJECTED = "governance.finding.remediation_rejected"
    FINDING_CLOSED = "governance.finding.closed"
    FINDING_EXTENDED = "governance.finding.extended"
    FINDING_OVERDUE = "governance.finding.overdue"
    FINDING_RESTRICTED = "governance.finding.use_restricted"
    MODEL_ATTESTED = "governance.model.attested"
    REVALIDATION_OPENED = "governance.revalidation.opened"
    REVALIDATION_COMPLETED = "governance.revalidation.completed"
    TIER_CHANGE_ANSWERED = "governance.tier_change.answered"
    MATERIALITY_ASSESSED = "governance.materiality.assessed"
    DOCUMENT_GENERATED = "governance.document.generated"
    DOCUMENT_APPROVED = "governance.document.approved"
    ACCESS_REQUESTED = "governance.access.requested"
    ACCESS_ANSWERED = "governance.access.answered"
    ACCESS_FAILED = "governance.access.failed"
    ACCESS_TAKEN = "governance.access.taken"
    ACCESS_ENDED = "governance.access.ended"


DESCRIPTIONS = {
    Event.USER_CREATED: "An account was made for a person or a client system.",
    Event.USER_DEACTIVATED: "An account was closed: it can neither sign in nor act, and its tokens are gone.",
    Event.ROLE_GRANTED: "A role was given to an account.",
    Event.ROLE_REVOKED: "A role was taken from an account; the next act already needs it.",
    Event.RECERTIFICATION_OPENED: "The quarterly review of roles was opened: who held which, and by when it is decided.",
    Event.ROLE_RECERTIFIED: "Somebody certified a role that another person holds, or revoked it, and why.",
    Event.RECERTIFICATION_LATE: "Roles were not certified in time: whose, and which.",
    Event.TOKEN_ISSUED: "An API token was issued: its public key and expiry, never the token.",
    Event.TOKEN_REVOKED: "An API token was revoked.",
    Event.SIGNED_IN: "Someone signed in.",
    Event.SIGN_IN_FAILED: "A sign-in to an account failed, and whether the account is now locked.",
    Event.PASSWORD_CHANGED: "Someone changed their own password.",
    Event.DATASET_TAKEN_IN: "A data file was split: features and label to the registry, protected columns to the vault.",
    Event.DATASET_EXTENDED: "Decided applications with a final outcome were added to a data set, as a new one.",
    Event.GATES_REQUESTED: "Someone asked for a version to be measured against the gate policy.",
    Event.GATES_STARTED: "A process began to measure a version.",
    Event.GATES_MEASURED: "A version was measured against the gate policy: the report's digest and whether it passed.",
    Event.GATES_FAILED: "A version could not be measured: the reason.",
    Event.CHANGE_REQUESTED: "A change was requested, bound to the digest of its evidence.",
    Event.CHANGE_APPROVED: "Someone approved a change, which took effect if nobody else's approval is awaited.",
    Event.CHANGE_REJECTED: "A change was rejected.",
    Event.CHANGE_WITHDRAWN: "A change was withdrawn by the person who requested it.",
    Event.CHANGE_VOIDED: "A change was voided, because its evidence changed after the request.",
    Event.CHANGE_EXPIRED: "A change was not decided in time.",
    Event.CHANGE_COMMENTED: "Someone who may see a change said something about it.",
    Event.CHANGE_REMINDED: "Those who may decide a change were reminded on their desk: how many days are left, and who they are.",
    Event.CONDITION_OPENED: "A condition of an approval became a finding, because the change was granted.",
    Event.VERSION_SUSPENDED: "A version lost every clearance at once: it cannot score from here on.",
    Event.EVIDENCE_OPENED: "Someone opened a part of a change's evidence before a decision: which, the digest of what was shown, and what protected attributes were read for it.",
    Event.SEAT_DELEGATED: "Somebody let another person take their seat for a while: which, whom, and how long.",
    Event.DELEGATION_ENDED: "A delegated seat went back before its time.",
    Event.EVIDENCE_OPENED: "Someone opened the comparison with the champion before a decision: the digest of what was shown.",
    Event.ROLLED_BACK: "The former champion took the place of the champion again, at once: from which version to which.",
    Event.EXCEPTION_GRANTED: "Other limits than the gate policy's hold for one check: which, why, until when, and what makes up for it.",
    Event.CASE_OPENED: "A retraining case was opened, with its deadline.",
    Event.CASE_ALERT_ATTACHED: "An alert was added to an open retraining case of the same cause.",
    Event.CASE_STEP_STARTED: "A step of a retraining case was begun, or taken over from a worker that stopped.",
    Event.CASE_STEP_WAITING: "A step of a retraining case waits: for which runs, or for whom.",
    Event.CASE_STEP_FINISHED: "A step of a retraining case ended: its outcome.",
    Event.CASE_CLOCK_WARNED: "Part of a retraining case's time is used up.",
    Event.CASE_BREACHED: "A retraining case passed its deadline.",
    Event.CASE_CLOSED: "A retraining case was closed: how and why.",
    Event.INCIDENT_OPENED: "An incident was opened from a fact that a lower floor left.",
    Event.INCIDENT_CLOSED: "An incident was closed, with its cause.",
    Event.FINDING_OPENED: "A finding about a model was opened: how severe, whose, due when.",
    Event.FINDING_REMEDIATED: "The owner of a finding said how it was put right.",
    Event.FINDING_REMEDIATION_REJECTED: "A remediation was not enough; the finding is open again.",
    Event.FINDING_CLOSED: "A finding was closed by somebody who neither owns it nor developed what it is about.",
    Event.FINDING_EXTENDED: "A finding got more time: until when, why, and how often it did.",
    Event.FINDING_OVERDUE: "A high or critical finding was not closed in time.",
    Event.FINDING_RESTRICTED: "A finding restricts the use of what it is about: how, and by which rule of the policy.",
    Event.MODEL_ATTESTED: "The owner of a model attested that its inventory entry and its use are as recorded.",
    Event.REVALIDATION_OPENED: "A model is due to be validated again: why, and by when.",
    Event.REVALIDATION_COMPLETED: "A model was validated again: the outcome, and when the next is due.",
    Event.TIER_CHANGE_ANSWERED: "A model changed its tier: which revalidation answers that.",
    Event.MATERIALITY_ASSESSED: "How material a model is: what it decided in a period, what for, and the tier that makes.",
    Event.DOCUMENT_GENERATED: "A document about a version was generated from the record: its digests, its signature, and how many entries it cites.",
    Event.DOCUMENT_APPROVED: "Somebody who neither generated a document nor built the version approved it, under its digest.",
    Event.ACCESS_REQUESTED: "Someone asked for a copy of their data: how identity was checked, and the clock.",
    Event.ACCESS_ANSWERED: "A copy of a person's data was made: its digest, and how much of what was read for it.",
    Event.ACCESS_FAILED: "A copy of a person's data could not be made: the reason.",
    Event.ACCESS_TAKEN: "A copy of a person's data was downloaded, and by whom.",
    Event.ACCESS_ENDED: "A copy of a person's data was deleted: it expired, or the person was erased.",
}
