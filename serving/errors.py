"""Why serving refuses: one class per reason."""

from collections.abc import Mapping

from audit.errors import InvalidInput, NotFound, Refusal


class NoSuchDecision(NotFound):
    """No decision by that identifier."""


class NoClearedVersion(Refusal):
    """The model has no version in production with a live clearance."""

    status = 503


class VersionNotCleared(Refusal):
    """The version asked for is not in production, or its clearance is not live."""

    status = 503


class ArtefactRefused(Refusal):
    """The cleared version's artefact, baseline or policies cannot be used as they are."""

    status = 503


class ExplanationDoesNotAddUp(Refusal):
    """Base value and attributions miss the margin by more than the tolerance."""

    status = 503


class NoPrincipalReason(Refusal):
    """The application would be declined or referred, and no reason for it can be given."""


class NoNewDecisions(Refusal):
    """A use restriction closes the model or its version to every application."""

    status = 503


class UseRestricted(Refusal):
    """The application lies outside of what the model may be used for; every feature in the way is named."""


class InvalidApplication(Refusal):
    """Fields of an application are wrong; every one of them is named."""

    status = 422


class InvalidOutcome(Refusal):
    """Fields of a reported outcome are wrong; every one of them is named."""

    status = 422


class BatchOutOfBounds(Refusal):
    """A batch holds nothing, or more than is taken at once."""

    status = 422


class IdempotencyKeyMalformed(Refusal):
    """An Idempotency-Key is 1 to 200 printable ASCII characters."""

    status = 422


class IdempotencyKeyReused(Refusal):
    """The key came before with another body."""

    status = 422


class NotTogether(Refusal):
    """Requests that came in at one moment cannot be decided in one transaction; each is decided alone."""


class RequestInProgress(Refusal):
    """A request with the same key is being decided right now; ask again."""


class InferenceMalformed(InvalidInput):
    """An inference request has other tensors than the model; every one at fault is named."""

    status = 400


class RowsRefused(InvalidInput):
    """Applications that are decided together or not at all: some cannot be decided, so none was. Each is named by its row."""


class TooManyRequests(Refusal):
    """The client asked more of the model in this minute than the serving policy allows. `headers` say when to ask again."""

    status = 429

    def __init__(self, detail: str, headers: Mapping[str, str]) -> None:
        super().__init__(detail)
        self.headers = headers


class FileUnusable(InvalidInput):
    """A file of applications, or of answers to be added to, is not one; every column at fault is named."""


class ShareOutOfBounds(Refusal):
    """The shares of versions beside the champion leave it less than half of the applications."""


class NoGuardRails(Refusal):
    """No serving policy in force says at which measures a step of a rollout ends by itself."""


class NothingToScore(Refusal):
    """Every application of the shadow's share was scored."""


class ContractsDiffer(Refusal):
    """The version takes other features than the champion, so applications cannot be split between them."""


class NoSuchDeployment(NotFound):
    """There is no step of a rollout by that number."""


class DeploymentEnded(Refusal):
    """The version's share went back to the champion before."""


class ReasonMissing(InvalidInput):
    """Ending a rollout says why."""


class ServingPolicyMalformed(InvalidInput):
    """A serving policy says what nobody follows, or leaves out a number of a part that it has."""


class ProbesKnown(Refusal):
    """The version has known answers; others take their place only when a person renews them."""


class NoKnownAnswers(Refusal):
    """The version has no known answers to renew."""


class DeveloperCannotRenew(Refusal):
    """Nobody renews the known answers of a version that they developed."""


class LetterPolicyMalformed(InvalidInput):
    """The letter of explanation in a notice policy lacks a text, or says what nobody follows."""


class LetterLanguageUnknown(InvalidInput):
    """The policy has no letter in that language."""


class NoLetterPolicy(Refusal):
    """No policy in force says what a letter of explanation holds."""


class NoSuchLetter(NotFound):
    """No letter of explanation was issued about the decision in that language."""


class RecordMovedOn(Refusal):
    """What the letter rests on changed while it was drawn; ask again."""


class NoticeTextsMalformed(InvalidInput):
    """A notice policy leaves out a text, a number or its law, or says what nobody reads."""


class NoNoticePolicy(Refusal):
    """No notice policy of the model, or for all models, with words for such a notice is approved and in force."""


class NoAdverseAction(Refusal):
    """The application was approved, so there is no adverse action to give notice of."""


class NotDecidedYet(Refusal):
    """The application was referred: its notice follows once a person has decided."""


class NoticeAlreadyIssued(Refusal):
    """The decision, or the status, has its notice; it is issued once and read as often as wanted."""


class NoSuchNotice(NotFound):
    """No notice was issued for the decision, or about the application."""


class NoticeNotNewest(Refusal):
    """Another notice about the application was issued since: the delivery of this one is recorded under its status."""


class NoSuchStatus(NotFound):
    """Nothing that a notice is composed of was reported of the application: no counteroffer, and nothing missing."""


class OfferTermsUnknown(Refusal):
    """The counteroffer was reported without what was asked for and what is offered instead."""


class OfferAfterApproval(Refusal):
    """The application stands as approved: a person declines the terms asked for first, and the offer gives their reasons."""


class DecidedMeanwhile(Refusal):
    """The application was decided, so that it lacks nothing any more: its notice is that of the decision."""


class NoticeLanguageDiffers(Refusal):
    """The reasons of the decision are in another language than the notice policy."""


class KeyFactorsUnknown(Refusal):
    """The notice must list the key factors of the score, and the decision holds none."""


class NoticeAltered(Refusal):
    """What is kept of a notice is not what its row says was issued."""

    status = 503


class InvalidDelivery(Refusal):
    """Fields of a reported delivery are wrong; every one of them is named."""

    status = 422


class InvalidStatus(Refusal):
    """Fields of a reported status are wrong; every one of them is named."""

    status = 422


class ApplicationEnded(Refusal):
    """The application was withdrawn, or an offer was taken or turned down, before."""


class ResolutionMalformed(InvalidInput):
    """Fields of a person's decision are wrong; every one of them is named."""


class ResolutionInForce(Refusal):
    """A person decided the case before; another decision follows a review."""


class NothingToOverride(Refusal):
    """The outcome that stands is the one that the person asks for."""


class CorrectionMalformed(InvalidInput):
    """Names or values of a correction are wrong; every one of them is named."""


class NoSuchReview(NotFound):
    """There is no review by that identifier."""


class ReviewMalformed(InvalidInput):
    """Fields of a review are wrong; every one of them is named."""


class ReviewOpenAlready(Refusal):
    """The decision is being reviewed."""


class WrongReviewState(Refusal):
    """The review is not in a state in which this is done."""


class ReviewerHadAPart(Refusal):
    """Whoever decided or resolved a case does not review it."""


class ReviewerCannotOverturn(Refusal):
    """The reviewer does not hold the permission to decide otherwise."""


class NotTheReviewer(Refusal):
    """Only the person to whom the review was given does this."""


class EvidenceNotOpened(Refusal):
    """The reviewer has not opened what the decision rests on since something was last said."""


class ReviewNotLate(Refusal):
    """The review is not late, or that is known."""
