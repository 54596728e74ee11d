"""An Ed25519 key in a hardware security module, which it never leaves (PKCS #11 v3.0).

Its address is an RFC 7512 URI:

    pkcs11:token=credence;object=log?module-path=/usr/lib/softhsm/libsofthsm2.so&pin-source=file:/run/secrets/pin

Without `pin-source` the PIN is read from the environment variable CREDENCE_PKCS11_PIN. It never stands in the address,
which is kept in `log.json`.
"""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit.signing.errors import KeyAddressMalformed, SignerUnavailable

ED25519_OID = bytes.fromhex(
    "06032b6570"
)  # 1.3.101.112 in DER: how softhsm2 and PKCS #11 v3 name the curve
PIN = "CREDENCE_PKCS11_PIN"
_LOGGED_IN = threading.Lock()


@dataclass(frozen=True)
class Address:
    """Where a key is: a token by its label, and an object in it by its label."""

    token: str
    label: str
    module: str
    pin_source: str | None

    @classmethod
    def parse(cls, uri: str) -> "Address":
        """Raises KeyAddressMalformed."""
        path, _, query = uri.removeprefix("pkcs11:").partition("?")
        named = dict(part.partition("=")[::2] for part in path.split(";"))
        asked = dict(parse_qsl(query))
        if "pin-value" in asked:
            raise KeyAddressMalformed(
                f"A PIN does not belong into an address. Name a file in pin-source, or set {PIN}."
            )
        if not named.get("token") or not named.get("object") or not asked.get("module-path"):
            raise KeyAddressMalformed(
                "A PKCS #11 address is pkcs11:token=LABEL;object=LABEL?module-path=FILE[&pin-source=file:FILE]."
            )
        return cls(
            unquote(named["token"]),
            unquote(named["object"]),
            asked["module-path"],
            asked.get("pin-source"),
        )

    def pin(self) -> str:
        """Raises SignerUnavailable."""
        if self.pin_source is None:
            return os.environ.get(PIN, "")
        path = Path(self.pin_source.removeprefix("file:"))
        try:
            return path.read_text().strip()
        except OSError as problem:
            raise SignerUnavailable(
                f"The PIN of the token {self.token!r} cannot be read: {problem.strerror}."
            ) from None


class Pkcs11Key:
    """Signs in the module, in a session that lasts for the one signature."""

    def __init__(self, uri: str) -> None:
        self._address = Address.parse(uri)
        self._public: Ed25519PublicKey | None = None

    def public_key(self) -> Ed25519PublicKey:
        """Raises SignerUnavailable."""
        if self._public is None:
            with self._answering() as (library, session):
                found = session.get_key(
                    object_class=library.ObjectClass.PUBLIC_KEY, label=self._address.label
                )
                self._public = _from_ec_point(bytes(found[library.Attribute.EC_POINT]))
        return self._public

    def sign(self, data: bytes, /) -> bytes:
        """Raises SignerUnavailable, also where the module's signature is not by the key it shows."""
        with self._answering() as (library, session):
            key = session.get_key(
                object_class=library.ObjectClass.PRIVATE_KEY, label=self._address.label
            )
            signature: bytes = key.sign(data, mechanism=library.Mechanism.EDDSA)
        try:
            self.public_key().verify(signature, data)
        except InvalidSignature:
            raise SignerUnavailable(
                f"The token {self._address.token!r} gave a signature that is not by its public key."
            ) from None
        return signature

    def exists(self) -> bool:
        """Raises SignerUnavailable."""
        with self._answering() as (library, session):
            attribute = library.Attribute
            wanted = {
                attribute.CLASS: library.ObjectClass.PUBLIC_KEY,
                attribute.LABEL: self._address.label,
            }
            return any(True for _ in session.get_objects(wanted))

    def generate(self) -> None:
        """Make the key pair in the module: the private half can sign, and can neither be read nor wrapped."""
        with self._answering(write=True) as (library, session):
            attribute = library.Attribute
            parameters = session.create_domain_parameters(
                library.KeyType.EC_EDWARDS, {attribute.EC_PARAMS: ED25519_OID}, local=True
            )
            parameters.generate_keypair(
                mechanism=library.Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
                store=True,
                label=self._address.label,
                public_template={attribute.VERIFY: True},
                private_template={
                    attribute.SIGN: True,
                    attribute.SENSITIVE: True,
                    attribute.EXTRACTABLE: False,
                },
            )

    @contextmanager
    def _answering(self, *, write: bool = False) -> Iterator[tuple[Any, Any]]:
        """A session for one step. A process is logged in at a token once: whoever comes at the same moment waits."""
        library, address = _library(), self._address
        try:
            with (
                _LOGGED_IN,
                library.lib(address.module)
                .get_token(token_label=address.token)
                .open(rw=write, user_pin=address.pin()) as session,
            ):
                yield library, session
        except (
            library.exceptions.PKCS11Error,
            RuntimeError,
        ) as problem:  # RuntimeError: no such module
            named = f"{type(problem).__name__} {problem}".strip()
            raise SignerUnavailable(
                f"The key {address.label!r} of the token {address.token!r} cannot be used: {named}."
            ) from problem


def _library() -> Any:
    """Loaded when first needed: the package is an extra."""
    try:
        import pkcs11
    except ImportError:
        raise SignerUnavailable(
            "Keys in a security module need the package python-pkcs11: `pip install credence[pkcs11]`."
        ) from None
    return pkcs11


def _from_ec_point(point: bytes) -> Ed25519PublicKey:
    """CKA_EC_POINT is a DER octet string around the 32 bytes; some modules give the bytes alone."""
    raw = point[2:] if len(point) == 34 and point[:2] == b"\x04\x20" else point
    try:
        return Ed25519PublicKey.from_public_bytes(raw)
    except ValueError:
        raise SignerUnavailable("The object in the token is not an Ed25519 key.") from None
