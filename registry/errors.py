"""Why the registry refuses: one class per reason."""

from audit.errors import InvalidInput, NotFound, Refusal


class ContractMalformed(Refusal):
    """A feature contract cannot be used; every fault is named."""

    status = 422


class DescriptionRefused(Refusal):
    """A description of a data file cannot be used; every fault is named."""

    status = 422


class FileDiffersFromDescription(Refusal):
    """A data file does not have the columns or values that its description says."""

    status = 422


class NotParquet(Refusal):
    """The bytes of a data set are not a complete Parquet file."""

    status = 422


class ParamsRefused(Refusal):
    """Training parameters are unknown, of the wrong type or out of range; every one is named."""

    status = 422


class TrainingFailed(Refusal):
    """The algorithm did not produce a model of these rows with these parameters."""

    status = 422


class NotAnArtefact(Refusal):
    """The bytes are not an artefact of a kind and format that this registry reads."""

    status = 422


class PickleRefused(NotAnArtefact):
    """The bytes are a pickle, plain or as joblib writes it. Loading one would run code from it."""


class ArtefactTruncated(NotAnArtefact):
    """The bytes begin as an artefact and are not all there, or were changed on the way."""


class ArtefactWithoutSchema(NotAnArtefact):
    """A zip file without the schema that makes it a skops artefact."""


class UntrustedTypes(NotAnArtefact):
    """The artefact would create objects of types that no model of this registry consists of."""


class TreesUnusable(NotAnArtefact):
    """The trees in an artefact cannot be walked safely, or are not a sum that tells good from bad."""


class ExtraMissing(Refusal):
    """The model is of a library that is not installed here; the detail names the extra that brings it."""

    status = 503


class ContentNotCanonical(Refusal):
    """An estimator holds something whose content has no canonical form, so it has no digest."""

    status = 422


class BaselineTooSmall(Refusal):
    """Too few applicants are approved at the cut-off to explain a decision against."""

    status = 422


class BaselineDamaged(Refusal):
    """The bytes of a baseline cannot be read."""

    status = 503


class UnknownModel(NotFound):
    """The inventory holds no model of that name."""


class UnknownVersion(NotFound):
    """The model has no version of that number."""


class UnknownDataset(NotFound):
    """No data set is registered under that identifier."""


class UnknownFeatureTable(NotFound):
    """There is no feature table of that name and version."""


class FeatureTableRefused(Refusal):
    """A feature table cannot be defined so; every fault is named."""

    status = 422


class FeatureRowsRefused(Refusal):
    """Rows of a feature table are wrong, and none was taken; every fault is named by its row."""

    status = 422


class OnlineStoresMalformed(Refusal):
    """The operator's file of online stores cannot be read as one."""

    status = 503


class UnknownOnlineStore(InvalidInput):
    """A contract looks features up in an online store that the operator did not name."""


class OnlineStoreUnavailable(Refusal):
    """An online store is not named, does not answer in time, or answers something else. Nobody is decided without it; ask again."""

    status = 503


class FeaturesDifferFromTable(Refusal):
    """A contract looks features up that their table does not hold, or holds with another meaning."""

    status = 422


class UnknownRun(NotFound):
    """There is no run of that identifier."""


class UnknownPlot(NotFound):
    """The run drew no plot of that name."""


class UnknownPolicy(NotFound):
    """There is no policy of that identifier."""


class ModelExists(Refusal):
    """The inventory already holds a model of that name."""


class DatasetExists(Refusal):
    """These very bytes are already registered under that name."""


class DatasetFailsContract(Refusal):
    """A data set does not pass its checks; every failed check is named, with rows and without values."""

    status = 422


class DatasetFailsExpectations(Refusal):
    """A data set fails an expectation that blocks; each is named by column, with number and limit."""

    status = 422


class ProtectedColumn(Refusal):
    """A protected attribute would enter the registry, as a column or as a feature."""

    status = 422


class RunNotQueued(Refusal):
    """The run was already taken by a worker, or has ended."""


class RunNotRunning(Refusal):
    """The run is not at work, so it cannot end."""


class RunNotSucceeded(Refusal):
    """Only a run that left an artefact can become a version, or be reproduced."""


class RunNotOpen(Refusal):
    """The run has ended, or is trained here; nothing is reported of it any more."""


class RunOfAnother(Refusal):
    """A run is reported and ended by the person who opened it."""

    status = 403


class KeyUsedOtherwise(Refusal):
    """The same key came with something else before."""


class ReportConflicts(Refusal):
    """What is reported was reported before with another value; every such name is listed."""


class ReportRefused(Refusal):
    """A report cannot be used; every fault is named."""

    status = 422


class ModelHandedIn(Refusal):
    """The run was already given another model."""


class ModelDoesNotFit(Refusal):
    """The model does not take the columns that the data set's contract gives, or does not tell bad from good."""

    status = 422


class RunWithoutModel(Refusal):
    """The run ended without a model, so that no version can be made of it."""


class TrainedOutside(Refusal):
    """The run was trained outside: its record does not say how, so that it cannot be trained again here."""


class RunsNotComparable(Refusal):
    """Two to five different runs are compared."""

    status = 422


class TrackingRefused(Refusal):
    """An MLflow tracking server did not answer, or answered with an error."""

    status = 502


class TrackingMalformed(Refusal):
    """What an MLflow tracking server holds cannot be used; the detail says what to do."""

    status = 422


class WriteBackEnded(Refusal):
    """The tracking server was already told, or is not told any more."""


class PolicyMalformed(Refusal):
    """The body of a policy cannot be used; every fault is named."""

    status = 422


class PolicyNotProposed(Refusal):
    """Only a proposed policy can be adopted or rejected."""


class ApproverIsProposer(Refusal):
    """Nobody approves a policy they proposed."""

    status = 403


class NotEndorsed(Refusal):
    """What applicants are told is adopted by one person on the word of another; nobody else gave theirs."""


class PolicyNotInForce(Refusal):
    """The policy is of another kind, was not approved, or does not apply today."""


class PolicyDoesNotFit(Refusal):
    """A decision policy or reason library does not fit the model's features; every gap is named."""

    status = 422


class StageNotReachable(Refusal):
    """A version cannot move from where it stands to that stage by this act."""


class NotCleared(Refusal):
    """The version has no live clearance for that purpose, so it may not take that place."""


class ApproverIsDeveloper(Refusal):
    """Nobody approves a version they developed."""

    status = 403


class ClearanceWithoutApprover(Refusal):
    """A clearance rests on the word of at least one person."""

    status = 422


class ClearanceRevoked(Refusal):
    """The clearance was already revoked, or is itself a revocation."""


class ArtefactMismatch(Refusal):
    """The estimator loaded is not the one that was registered: its content has another digest."""

    status = 503


class NothingAmended(Refusal):
    """The change would leave the model's entry in the inventory as it is."""


class UnknownRestriction(NotFound):
    """There is no use restriction of that number."""


class RestrictionLifted(Refusal):
    """The use restriction was already lifted."""


class LifterIsDeveloper(Refusal):
    """Nobody lifts a restriction on a version they developed, or on a model of which they developed a version."""

    status = 403


class MomentRefused(Refusal):
    """The time asked about is no ISO 8601 time with an offset, or lies in the future."""

    status = 422
