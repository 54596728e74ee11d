"""Keys in AWS KMS: requests that its service model allows, answers with real keys."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from django.conf import LazySettings
from django.contrib.auth.models import User

from audit import keyring, keys, log_rotation
from audit.actions.keys import open_log
from audit.models import Checkpoint
from audit.notes import ED25519, ML_DSA_44, NoteSigner, open_note, parse_vkey, sign_note
from audit.sequencer import seal
from audit.signing.errors import KeyAddressMalformed, SignerUnavailable
from audit.signing.kms import KmsKey
from audit.verification import verify_log
from tests.audit.conftest import LOG
from tests.audit.signing.kms_server import ARN, Kms, running


@pytest.fixture
def kms(monkeypatch: pytest.MonkeyPatch) -> Iterator[Kms]:
    with running() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-tests")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-tests")
        yield server


@pytest.mark.parametrize(
    ("spec", "algorithm", "kind", "public"),
    [
        ("ECC_NIST_EDWARDS25519", "ED25519_SHA_512", ED25519, Ed25519PublicKey),
        ("ML_DSA_44", "ML_DSA_SHAKE_256", ML_DSA_44, MLDSA44PublicKey),
    ],
)
def test_a_key_in_kms_signs_raw_messages_under_its_raw_public_key(
    kms: Kms, spec: str, algorithm: str, kind: int, public: type
) -> None:
    key = KmsKey(f"kms:{kms.make_key(spec)}")
    checkpoint = "log.example\n0\n47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=\n"

    signer = NoteSigner("log.example", key)
    opened = open_note(sign_note(checkpoint, [signer], time=7), [parse_vkey(signer.vkey)])

    assert isinstance(key.public_key(), public)
    assert [s.kind for s in opened.signatures] == [kind]
    operation, params = kms.requests[-1]
    assert operation == "Sign"
    assert (params["MessageType"], params["SigningAlgorithm"]) == ("RAW", algorithm)
    assert [name for name, _ in kms.requests].count("GetPublicKey") == 1


def test_a_key_of_another_kind_is_refused(kms: Kms) -> None:
    with pytest.raises(SignerUnavailable, match="ECC_NIST_EDWARDS25519"):
        KmsKey(f"kms:{kms.make_key('ECC_NIST_P256')}").public_key()


def test_what_kms_refuses_is_told(kms: Kms) -> None:
    with pytest.raises(SignerUnavailable, match="does not exist"):
        KmsKey(f"kms:{ARN}no-such-key").sign(b"bytes")


def test_a_kms_that_cannot_be_reached_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL_KMS", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-the-tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-the-tests")

    with pytest.raises(SignerUnavailable, match="Could not connect"):
        KmsKey(f"kms:{ARN}0").public_key()


def test_a_message_longer_than_kms_signs_is_not_sent(kms: Kms) -> None:
    key = KmsKey(f"kms:{kms.make_key('ECC_NIST_EDWARDS25519')}")

    assert len(key.sign(b"x" * 4096)) == 64
    with pytest.raises(SignerUnavailable, match="4,096"):
        key.sign(b"x" * 4097)


@pytest.mark.parametrize("address", ["kms:", "kms:alias/log", "kms:arn:aws:s3:::bucket/key"])
def test_an_address_that_is_no_key_s_arn_is_refused(address: str) -> None:
    with pytest.raises(KeyAddressMalformed):
        KmsKey(address)


@pytest.fixture
def log_in_kms(kms: Kms, own_folders: Path, settings: LazySettings, keeper: User) -> str:
    specs = ("ECC_NIST_EDWARDS25519", "ML_DSA_44")
    settings.CREDENCE_LOG_KEYS = [f"kms:{kms.make_key(spec)}" for spec in specs]
    open_log(LOG, by=keeper)
    return LOG


def test_a_log_whose_keys_are_in_kms_is_opened_sealed_and_verified(
    log_in_kms: str, own_folders: Path, keeper: User
) -> None:
    seal()

    note = Checkpoint.objects.get().note
    opened = open_note(note, [parse_vkey(vkey) for vkey in keys.log_vkeys()])
    assert [s.kind for s in opened.signatures] == [ED25519, ML_DSA_44]
    assert not list((own_folders / "keys").glob("log*.key"))
    assert verify_log(by=keeper).problems == []


@pytest.mark.parametrize("kind", [ED25519, ML_DSA_44])
def test_a_log_moves_its_keys_into_kms_and_out_of_it(
    kms: Kms, log_in_kms: str, keeper: User, kind: int
) -> None:
    spec = "ML_DSA_44" if kind == ML_DSA_44 else "ECC_NIST_EDWARDS25519"
    address = f"kms:{kms.make_key(spec)}"

    log_rotation.rotate(kind, address, 0, by=keeper, seconds=30, on_step=lambda text: None)

    key = keyring.read(keys.folder()).newest(LOG, kind)
    assert key is not None
    assert key.address == address
    seal()
    assert verify_log(by=keeper).problems == []


def test_while_kms_refuses_nothing_is_remembered_as_signed_and_afterwards_all_is(
    kms: Kms, log_in_kms: str, keeper: User
) -> None:
    kms.broken = True
    with pytest.raises(SignerUnavailable, match="pending deletion"):
        seal()
    assert not Checkpoint.objects.exists()

    kms.broken = False
    seal()

    assert Checkpoint.objects.get().size == 2
