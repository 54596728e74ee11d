"""From a registered artefact to its bytes and its estimator, with nothing taken on trust."""

from __future__ import annotations

from typing import TYPE_CHECKING

from audit.deferred import deferred
from audit.keys import Signature, sign, verify_signature
from audit.store import content_store
from registry.models import Artefact

if TYPE_CHECKING:
    from sklearn.base import BaseEstimator

    from registry import artefacts
else:
    artefacts = deferred("registry.artefacts")

SIGNATURE_DOMAIN = "credence-artefact/v1"


def sign_artefact(data: bytes) -> Signature:
    """A signature over the bytes by the producer key of this process."""
    return sign(SIGNATURE_DOMAIN, data)


def artefact_bytes(artefact: Artefact) -> bytes:
    """The artefact as it is stored.

    1. The bytes must have the digest under which they are registered: NotStored, StoredBytesDiffer.
    2. A key that the log key delegated to must have signed them: BadSignature.
    """
    # 1
    data = content_store().get("artefacts", artefact.sha256)
    # 2
    verify_signature(SIGNATURE_DOMAIN, data, artefact.key_id, artefact.signature)
    return data


def load_estimator(artefact: Artefact) -> BaseEstimator:
    """The estimator in the artefact's bytes. Raises what `artefact_bytes` and `load_registered` raise."""
    return artefacts.load_registered(artefact_bytes(artefact), artefact.content_sha256)
