"""From a registered artefact to an estimator, with nothing taken on trust."""

from sklearn.base import BaseEstimator

from audit.keys import Signature, sign, verify_signature
from audit.store import content_store
from registry import artefacts
from registry.errors import ArtefactMismatch
from registry.models import Artefact

SIGNATURE_DOMAIN = "credence-artefact/v1"


def sign_artefact(data: bytes) -> Signature:
    """A signature over the bytes by the producer key of this process."""
    return sign(SIGNATURE_DOMAIN, data)


def load_estimator(artefact: Artefact) -> BaseEstimator:
    """The estimator in the artefact's bytes.

    1. The bytes must have the digest under which they are registered: NotStored, StoredBytesDiffer.
    2. A key that the log key delegated to must have signed them: BadSignature.
    3. They must be an artefact of a known format, of trusted types and sound trees: NotAnArtefact;
       ExtraMissing where its library is not installed.
    4. What they hold must be what was registered: ArtefactMismatch.
    """
    # 1
    data = content_store().get("artefacts", artefact.sha256)
    # 2
    verify_signature(SIGNATURE_DOMAIN, data, artefact.key_id, artefact.signature)
    # 3
    estimator = artefacts.load(data)
    # 4
    if artefacts.content_sha256(estimator) != artefact.content_sha256:
        raise ArtefactMismatch(
            f"The artefact {artefact} holds a model other than the one registered."
        )
    return estimator
