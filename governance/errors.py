"""Why governance refuses: one class per reason."""

from audit.errors import InvalidInput, NotFound, Refusal


class RationaleMissing(InvalidInput):
    """A decision about a model says why, in words that a stranger can follow later."""


class RequesterCannotApprove(Refusal):
    """Whoever asks for a change does not decide it."""

    status = 403


class DeveloperCannotApprove(Refusal):
    """Whoever developed or registered a version, or wrote a policy, does not decide about it."""

    status = 403


class ValidatorCannotApprove(Refusal):
    """Whoever cleared a version for staging does not also put it in production."""

    status = 403


class NotTheRequester(Refusal):
    """Only the person who requested a change withdraws it."""

    status = 403


class AlreadyDecided(Refusal):
    """The change is no longer open."""


class AlreadyRequested(Refusal):
    """An open change request asks for the same."""


class Expired(Refusal):
    """The change was not decided in time. Request it again."""


class EvidenceChanged(Refusal):
    """What was requested is no longer what would be approved. The request is void; request it again."""


class GateNotPassed(Refusal):
    """The version has no passed gate report under the policy in force."""


class NoGatePolicy(Refusal):
    """No approved gate policy is in force. Without rules nothing passes."""


class GatePolicyMalformed(InvalidInput):
    """A gate policy names a check, a limit or a severity that does not exist, or is empty."""


class WrongStage(Refusal):
    """The version is not in the stage from which this change is possible."""


class NotASuccessor(Refusal):
    """The version is not the champion's artefact with another cut-off."""


class NotProposed(Refusal):
    """The policy is not waiting for a decision."""


class ChangeMalformed(InvalidInput):
    """A change request names neither, or both, of a version and a policy, or an unknown target."""


class EvidenceUnchanged(Refusal):
    """The evidence of a request is what it was, so there is nothing to void."""


class NotExpired(Refusal):
    """The request can still be decided."""


class NotAGatePolicy(InvalidInput):
    """The policy is of a kind that measured versions are not judged by."""


class NotADecisionPolicy(InvalidInput):
    """The policy is of a kind that applications are not decided by, or cannot be read as one."""


class AlreadyMeasuring(Refusal):
    """The version is being measured now."""


class GateRunNotQueued(Refusal):
    """The measuring was already taken by a worker, or has ended."""


class GateRunNotRunning(Refusal):
    """The measuring is not at work, so it cannot end."""


class UnknownRole(InvalidInput):
    """There is no such role."""


class AccountExists(Refusal):
    """An account of that name exists."""


class PasswordTooWeak(InvalidInput):
    """The password does not satisfy the rules for passwords."""


class ServiceAccountFixed(Refusal):
    """Accounts of our own processes come from the permission matrix and are not changed by hand."""

    status = 403


class OwnAccountFixed(Refusal):
    """Nobody gives themselves a role, takes one from themselves, or closes their own account."""

    status = 403


class RoleNotHeld(Refusal):
    """The account does not hold that role."""


class UnreadableFile(InvalidInput):
    """A data file is neither CSV nor Parquet."""


class NoSuchSource(NotFound):
    """The operator configured no source of that name."""


class SourcesMalformed(Refusal):
    """The operator's file of sources cannot be used."""

    status = 503


class SourceUnavailable(Refusal):
    """A source does not answer, or does not let the service in."""

    status = 503


class SourceOfAnotherKind(InvalidInput):
    """A database is asked by a query, and a bucket by a key."""


class QueryRefused(InvalidInput):
    """What is asked of a database is not one SELECT, gives too much, or the database refuses it."""


class ObjectRefused(InvalidInput):
    """The key names no object below the source's prefix, or one that is too large."""


class NoWayBack(Refusal):
    """The model has no champion to go back from, or no former one that holds a clearance for rollback."""


class WayBackExpired(Refusal):
    """The former champion's clearance for rollback has run out; it comes back with new evidence."""


class WayBackDamaged(Refusal):
    """What the former champion scores with is missing or is not what was approved."""


class ApprovedAlready(Refusal):
    """Somebody approved the change before; the other seats of its quorum are for other people."""


class NothingToCompare(Refusal):
    """The change is not about production, or there is no champion that takes the same features."""


class ComparisonNotOpened(Refusal):
    """Whoever decides about production has not opened the comparison with the champion on this evidence."""


class NoSuchChange(NotFound):
    """There is no change request of that identifier."""


class NoSuchCase(NotFound):
    """There is no retraining case of that identifier."""


class NoSuchIncident(NotFound):
    """There is no incident of that identifier."""


class NoSuchGateRun(NotFound):
    """There is no gate run of that identifier."""


class NoSuchGateReport(NotFound):
    """The version has no gate report of that number."""


class NoSuchAccount(NotFound):
    """There is no account of that name."""


class NoSuchToken(NotFound):
    """There is no token with that public key."""


class NoRetrainingPolicy(Refusal):
    """No approved retraining policy is in force for the model, so nothing may be trained unattended."""


class RetrainingPolicyMalformed(InvalidInput):
    """A retraining policy lacks a part, or names one that does not exist."""


class CaseClosed(Refusal):
    """The retraining case is closed."""


class CaseAlreadyOpen(Refusal):
    """A retraining case of that model and cause is open."""


class StepTaken(Refusal):
    """The step is finished, was not begun, or another worker is at it."""


class CaseStopped(Refusal):
    """A step of a retraining case cannot go on; the case waits for a person to close it."""


class CandidateNotChampion(Refusal):
    """The case's candidate does not serve in production, so it answers nothing yet."""


class ClockNotThere(Refusal):
    """The case has not used that much of its time."""


class IncidentAlreadyOpen(Refusal):
    """An incident of that kind about that version is open."""


class IncidentClosed(Refusal):
    """The incident is closed."""


class NoSuchAccessRequest(NotFound):
    """There is no access request of that identifier."""


class AccessAnswered(Refusal):
    """The access request is not in the state in which this is possible."""


class NoOversightPolicy(Refusal):
    """No approved oversight policy is in force, so nobody knows what is due when."""


class OversightPolicyMalformed(InvalidInput):
    """An oversight policy lacks days of a severity or months of a tier, or names what does not exist."""


class NoSuchFinding(NotFound):
    """There is no finding of that identifier."""


class FindingMalformed(InvalidInput):
    """A finding lacks what it must say, or says what cannot be."""


class OpenFinding(Refusal):
    """A critical finding is open, or a high one is overdue, so the version is not promoted."""


class FindingNotOpen(Refusal):
    """The finding is not open."""


class FindingNotRemediated(Refusal):
    """The owner of the finding has not said how it was put right, so there is nothing to judge."""


class FindingClosed(Refusal):
    """The finding is closed."""


class NotTheOwner(Refusal):
    """Only the owner does this."""

    status = 403


class OwnerCannotDecide(Refusal):
    """Whoever owns a finding neither closes nor extends it."""

    status = 403


class DeveloperCannotJudge(Refusal):
    """Whoever developed what is judged does not judge it."""

    status = 403


class FindingNotOverdue(Refusal):
    """The finding is in time, is not severe enough, or its being late is known."""


class AlreadyAttested(Refusal):
    """The owner attested today."""


class NoSuchRevalidation(NotFound):
    """There is no revalidation of that identifier."""


class RevalidationMalformed(InvalidInput):
    """A revalidation names an unknown cause or outcome."""


class RevalidationAlreadyOpen(Refusal):
    """A revalidation of that model for that cause is open."""


class RevalidationCompleted(Refusal):
    """The revalidation is completed."""


class NoSuchEvidence(NotFound):
    """The evidence of the change has no such part."""


class ConditionMalformed(InvalidInput):
    """A condition lacks what must be done, by whom or by when, or names what cannot be."""


class ConditionOverdue(Refusal):
    """The day of a condition has passed before the change was granted. Ask for the change again."""


class ReminderNotDue(Refusal):
    """The change does not expire so soon, or those who may decide it were reminded."""


class TierChangeAnswered(Refusal):
    """A revalidation answers this tier change already, or the record tells of none."""


class NoMaterialityRules(Refusal):
    """The oversight policy in force does not say from which numbers on a model is material."""


class FindingRestrictsNothing(Refusal):
    """The policy in force restricts no use because of this finding, or the restriction is there."""


class NoSuchRecertification(NotFound):
    """There is no such review of roles."""


class NoSuchRoleHeld(NotFound):
    """No review asks about such a role."""


class RecertificationExists(Refusal):
    """The roles of a quarter are reviewed once."""


class NoRecertificationRules(Refusal):
    """No oversight policy says by when roles are certified. Name the day."""


class RecertificationMalformed(InvalidInput):
    """A review ends on a day that is to come, and a role is certified or revoked."""


class OwnRole(Refusal):
    """Nobody certifies their own role."""

    status = 403


class RoleDecidedAlready(Refusal):
    """The role was certified or revoked in this review."""


class NotLate(Refusal):
    """Nothing of the review is late, or it is known."""


class NoSuchDelegation(NotFound):
    """There is no such delegation."""


class SeatNotHeld(Refusal):
    """Only who holds a seat through a role lends it: what was delegated is not passed on."""

    status = 403


class DelegationMalformed(InvalidInput):
    """A delegation names a seat, another person who decides about changes, and a time that is to come."""


class NotYourDelegation(Refusal):
    """A delegation is ended by one of its two sides."""

    status = 403


class DelegationEnded(Refusal):
    """The delegation was ended before."""


class DelegatorCannotApprove(Refusal):
    """Nobody approves through a delegate what they could not approve themselves."""

    status = 403


class DelegateApproved(Refusal):
    """Whoever a delegate approved for takes no seat of the change themselves."""


class UnknownDocumentKind(InvalidInput):
    """There is no such kind of document."""


class NoSuchDocument(NotFound):
    """The version has no document of that kind, or of that number."""


class DocumentUnchanged(Refusal):
    """The newest document of that kind says what the record says now."""


class DocumentStale(Refusal):
    """The record has moved on since the document was generated. Generate it again and read that."""


class DocumentApproved(Refusal):
    """The document is approved."""


class GeneratorCannotApprove(Refusal):
    """Whoever generated a document does not approve it."""

    status = 403
