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
