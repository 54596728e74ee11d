"""Keys in a security module: Debian's softhsm2, with a token of the test's own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.conf import LazySettings
from django.contrib.auth.models import User

from audit import keyring, keys, log_rotation
from audit.actions.keys import open_log
from audit.notes import ED25519
from audit.sequencer import seal
from audit.signing.addresses import make_or_open
from audit.signing.errors import SignerUnavailable
from audit.signing.pkcs11 import PIN, Pkcs11Key
from audit.verification import verify_log
from tests.audit.conftest import LOG

pytestmark = pytest.mark.long

MODULE = "/usr/lib/softhsm/libsofthsm2.so"


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The address of a key that does not exist yet, in a fresh token; its PIN lies in a file."""
    if shutil.which("softhsm2-util") is None:
        reason = "softhsm2 is not installed: .ci/install-packages"
        if os.environ.get("SERVICES") == "required":
            pytest.fail(reason)
        pytest.skip(reason)
    (tmp_path / "tokens").mkdir()
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"directories.tokendir = {tmp_path}/tokens\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(configuration))
    label = f"credence-{tmp_path.name}"[:32]
    command = [
        "softhsm2-util",
        "--init-token",
        "--free",
        "--label",
        label,
        "--pin",
        "1234",
        "--so-pin",
        "5678",
    ]
    subprocess.run(command, check=True, capture_output=True)
    _reload()
    (tmp_path / "pin").write_text("1234\n")
    return f"pkcs11:token={label};object=log?module-path={MODULE}&pin-source=file:{tmp_path}/pin"


def _reload() -> None:
    """The module reads its configuration when it is initialised, once per process."""
    import pkcs11

    pkcs11.lib(MODULE).reinitialize()


def test_a_key_is_made_in_the_module_and_signs_there(token: str, tmp_path: Path) -> None:
    key = make_or_open(token, tmp_path)

    signature = key.sign(b"bytes")

    public = key.public_key()
    assert isinstance(public, Ed25519PublicKey)
    public.verify(signature, b"bytes")
    again = make_or_open(token, tmp_path)  # there is one: none is made
    assert again.public_key().public_bytes_raw() == public.public_bytes_raw()


def test_the_private_half_can_be_neither_read_nor_wrapped(token: str, tmp_path: Path) -> None:
    import pkcs11

    make_or_open(token, tmp_path)
    label = token.partition("=")[2].partition(";")[0]
    with pkcs11.lib(MODULE).get_token(token_label=label).open(user_pin="1234") as session:
        private = session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label="log")

        assert private[pkcs11.Attribute.EXTRACTABLE] is False
        assert private[pkcs11.Attribute.SENSITIVE] is True
        with pytest.raises(pkcs11.exceptions.PKCS11Error):
            private[pkcs11.Attribute.VALUE]


def test_the_pin_may_come_from_the_environment(
    token: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(PIN, "1234")

    assert len(make_or_open(token.partition("&")[0], tmp_path).sign(b"bytes")) == 64


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (("pin-source=file:", "pin-source=file:/no/such"), "PIN"),
        (("token=credence", "token=other"), "NoSuchToken"),
        (("object=log", "object=none"), "NoSuchKey"),
    ],
)
def test_what_is_wrong_with_a_token_is_told(token: str, change: tuple[str, str], says: str) -> None:
    with pytest.raises(SignerUnavailable, match=says):
        Pkcs11Key(token.replace(*change)).public_key()


def test_a_wrong_pin_is_told_without_the_pin(token: str, tmp_path: Path) -> None:
    (tmp_path / "pin").write_text("9999")

    with pytest.raises(SignerUnavailable, match="PinIncorrect") as refusal:
        Pkcs11Key(token).public_key()

    assert "9999" not in refusal.value.detail


def test_a_log_signs_with_ed25519_in_the_module_and_ml_dsa_in_a_file(
    token: str, own_folders: Path, settings: LazySettings, keeper: User
) -> None:
    settings.CREDENCE_LOG_KEYS = [token, "file:log-ml-dsa.key?algorithm=ML-DSA-44"]

    open_log(LOG, by=keeper)
    seal()

    assert not (own_folders / "keys" / "log.key").exists()
    assert len(keys.log_signers()) == 2
    assert verify_log(by=keeper).problems == []


def test_a_log_moves_its_key_from_a_file_into_the_module(
    token: str, log: str, keeper: User
) -> None:
    seal()

    log_rotation.rotate(ED25519, token, 0, by=keeper, seconds=30, on_step=lambda text: None)

    key = keyring.read(keys.folder()).newest(log, ED25519)
    assert key is not None
    assert key.address == token
    assert "1234" not in (keys.folder() / keyring.FILE).read_text()
    assert verify_log(by=keeper).problems == []


def test_without_its_package_the_signer_says_what_to_install(token: str) -> None:
    script = (
        "import sys; sys.modules['pkcs11'] = None\n"
        "from audit.signing.pkcs11 import Pkcs11Key\n"
        "Pkcs11Key(sys.argv[1]).public_key()\n"
    )
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script, token],
        capture_output=True,
        text=True,
        check=False,
    )

    assert "SignerUnavailable" in ended.stderr
    assert "credence[pkcs11]" in ended.stderr
