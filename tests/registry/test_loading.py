"""Nothing is loaded that was swapped, resigned or changed."""

import io
import pickle
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from django.conf import LazySettings

from audit import key_making
from audit.errors import BadSignature, NotStored, StoredBytesDiffer
from audit.store import content_store
from registry import artefacts
from registry.errors import ArtefactMismatch, PickleRefused
from registry.loading import load_estimator, sign_artefact
from registry.models import Artefact
from tests.registry.builders import a_run

pytestmark = pytest.mark.django_db


@pytest.fixture
def artefact(settings: LazySettings, tmp_path: Path) -> Artefact:
    """An artefact in a store of this test's own."""
    settings.CREDENCE_STORE = tmp_path
    return a_run().artefact


def overwrite(artefact: Artefact, data: bytes) -> None:
    path = content_store().path("artefacts", artefact.sha256)
    path.chmod(0o644)
    path.write_bytes(data)


def as_registered(data: bytes, content_sha256: str) -> Artefact:
    """What someone who could write the database and sign with our key would register."""
    signature = sign_artefact(data)
    return Artefact(
        sha256=content_store().put("artefacts", data),
        content_sha256=content_sha256,
        key_id=signature.key_id,
        signature=signature.value,
    )


def test_an_artefact_loads_as_the_model_that_was_trained(artefact: Artefact) -> None:
    estimator = load_estimator(artefact)

    assert artefacts.content_sha256(estimator) == artefact.content_sha256


def test_bytes_swapped_on_disk_are_refused(artefact: Artefact) -> None:
    other = a_run(algorithm="hist_gradient_boosting").artefact
    overwrite(artefact, content_store().get("artefacts", other.sha256))

    with pytest.raises(StoredBytesDiffer):
        load_estimator(artefact)


def test_one_flipped_bit_is_refused(artefact: Artefact) -> None:
    data = bytearray(content_store().get("artefacts", artefact.sha256))
    data[len(data) // 2] ^= 1
    overwrite(artefact, bytes(data))

    with pytest.raises(StoredBytesDiffer):
        load_estimator(artefact)


def test_bytes_that_are_gone_are_refused(artefact: Artefact) -> None:
    content_store().path("artefacts", artefact.sha256).unlink()

    with pytest.raises(NotStored):
        load_estimator(artefact)


def test_an_artefact_signed_by_another_log_is_refused(
    artefact: Artefact, settings: LazySettings, tmp_path: Path
) -> None:
    data = content_store().get("artefacts", artefact.sha256)
    ours = settings.CREDENCE_KEYS
    settings.CREDENCE_KEYS = tmp_path / "keys"
    key_making.make_keys("elsewhere.test/log", datetime.now(UTC))
    signature = sign_artefact(data)
    settings.CREDENCE_KEYS = ours

    artefact.key_id, artefact.signature = signature.key_id, signature.value

    with pytest.raises(BadSignature):
        load_estimator(artefact)


def test_a_signature_of_other_bytes_is_refused(artefact: Artefact) -> None:
    artefact.signature = sign_artefact(b"something else").value

    with pytest.raises(BadSignature):
        load_estimator(artefact)


def test_a_pickle_is_not_loaded_even_when_it_is_signed(artefact: Artefact) -> None:
    with pytest.raises(PickleRefused):
        load_estimator(as_registered(pickle.dumps([1]), artefact.content_sha256))


def test_a_signed_artefact_that_holds_another_model_is_refused(artefact: Artefact) -> None:
    other: Any = load_estimator(artefact)
    other[-1].coef_ = np.zeros_like(other[-1].coef_)

    with pytest.raises(ArtefactMismatch):
        load_estimator(as_registered(artefacts.dump(other), artefact.content_sha256))


def test_an_artefact_names_the_run_that_left_it(artefact: Artefact) -> None:
    data = content_store().get("artefacts", artefact.sha256)

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.comment.decode() == f"run {artefact.run_id}"
