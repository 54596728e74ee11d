"""Writing and reading artefacts: which format the bytes are in is told by their beginning."""

from sklearn.base import BaseEstimator

from registry.artefacts import boosters, pickles, skops_zip
from registry.artefacts.boosters import LightGBMModel, XGBoostModel
from registry.artefacts.content import content_sha256
from registry.errors import ArtefactMismatch, NotAnArtefact


def dump(estimator: BaseEstimator, made_by: str = "") -> bytes:
    """The bytes of an artefact, with `made_by` in them, so that no two runs leave the same bytes."""
    if isinstance(estimator, LightGBMModel | XGBoostModel):
        return estimator.dump(made_by)
    return skops_zip.dump(estimator, made_by)


def format_of(data: bytes) -> str:
    """`skops`, `lightgbm` or `xgboost`, by the first bytes. Raises PickleRefused or NotAnArtefact."""
    pickles.require_no_pickle(data)
    for opening, name in (
        (skops_zip.OPENING, skops_zip.FORMAT),
        (LightGBMModel.opening, LightGBMModel.format),
        (XGBoostModel.opening, XGBoostModel.format),
    ):
        if data.startswith(opening):
            return name
    raise NotAnArtefact(
        "The bytes are no artefact: neither a skops file, LightGBM's model text nor XGBoost's JSON."
    )


def load(data: bytes) -> BaseEstimator:
    """The estimator in an artefact.

    Nothing is created before its description was read and everything in it found allowed; trees are
    walked by no library before every child and column in them was found to exist. Raises
    PickleRefused, ArtefactTruncated, ArtefactWithoutSchema, UntrustedTypes, TreesUnusable, for
    anything else that is not an artefact of this registry NotAnArtefact, and ExtraMissing where the
    library that the model needs is not installed.
    """
    match format_of(data):
        case LightGBMModel.format:
            return boosters.load_lightgbm(data)
        case XGBoostModel.format:
            return boosters.load_xgboost(data)
        case _:
            return skops_zip.load(data)


def load_registered(data: bytes, registered_sha256: str) -> BaseEstimator:
    """The estimator in an artefact. Raises what `load` raises, and ArtefactMismatch where its content is not what was registered."""
    estimator = load(data)
    if content_sha256(estimator) != registered_sha256:
        raise ArtefactMismatch("The artefact holds a model other than the one registered.")
    return estimator
