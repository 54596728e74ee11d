"""From the address of a key to the key."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey

from audit.errors import KeyMissing
from audit.signing.addresses import make_or_open, open_key
from audit.signing.errors import KeyAddressMalformed, SignerUnavailable
from audit.signing.kms import KmsKey
from audit.signing.pkcs11 import Pkcs11Key


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("file:log.key", Ed25519PrivateKey),
        ("file:log.key?algorithm=Ed25519", Ed25519PrivateKey),
        ("file:log.key?algorithm=ML-DSA-44", MLDSA44PrivateKey),
    ],
)
def test_a_key_in_a_file_is_made_once_and_then_opened(
    tmp_path: Path, address: str, kind: type
) -> None:
    made = make_or_open(address, tmp_path)

    again = make_or_open(address, tmp_path)

    assert isinstance(again, kind)
    assert again.public_key().public_bytes_raw() == made.public_key().public_bytes_raw()
    assert stat.S_IMODE((tmp_path / "log.key").stat().st_mode) == 0o600


def test_a_file_may_be_named_by_its_whole_path(tmp_path: Path) -> None:
    make_or_open("file:log.key", tmp_path)

    assert open_key(f"file:{tmp_path}/log.key", Path("/nowhere"))


@pytest.mark.parametrize(
    "address",
    ["log.key", "file:", "file:a.key?algorithm=RSA", "vault:x", "kms:x", "pkcs11:token=x"],
)
def test_what_is_no_address_of_a_key_is_refused(tmp_path: Path, address: str) -> None:
    with pytest.raises(KeyAddressMalformed):
        make_or_open(address, tmp_path)

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("content", [b"", b"no key", b"-----BEGIN PRIVATE KEY-----\nAAAA\n"])
def test_a_file_without_a_key_is_named_without_its_folder(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "log.key").write_bytes(content)

    with pytest.raises(KeyMissing, match=r"log\.key") as refusal:
        open_key("file:log.key", tmp_path)

    assert str(tmp_path) not in refusal.value.detail


def test_a_key_elsewhere_is_not_asked_for_before_it_is_needed(tmp_path: Path) -> None:
    kms = open_key("kms:arn:aws:kms:eu-central-1:1:key/x", tmp_path)
    module = open_key("pkcs11:token=t;object=o?module-path=/no/module.so", tmp_path)

    assert isinstance(kms, KmsKey)
    assert isinstance(module, Pkcs11Key)
    with pytest.raises(SignerUnavailable, match="token 't'"):
        module.public_key()


def test_a_pin_does_not_stand_in_an_address(tmp_path: Path) -> None:
    with pytest.raises(KeyAddressMalformed, match="pin-source"):
        open_key("pkcs11:token=t;object=o?module-path=/m.so&pin-value=1234", tmp_path)
