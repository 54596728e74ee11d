"""A key in AWS KMS, which it never leaves: Ed25519 (ECC_NIST_EDWARDS25519) or ML-DSA-44 (ML_DSA_44).

Its address is `kms:` and the key's ARN. Credentials come from where boto3 looks for them; the role needs kms:Sign and
kms:GetPublicKey on this key, and nothing else.
"""

from typing import TYPE_CHECKING

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from audit.signing.errors import KeyAddressMalformed, SignerUnavailable

if TYPE_CHECKING:
    from mypy_boto3_kms.client import KMSClient
    from mypy_boto3_kms.literals import SigningAlgorithmSpecType

LONGEST_MESSAGE = 4096  # bytes that KMS signs as they are; a checkpoint has about 100
CALLS = Config(connect_timeout=5, read_timeout=10, retries={"max_attempts": 4, "mode": "standard"})

PublicKey = Ed25519PublicKey | MLDSA44PublicKey


class KmsKey:
    """Signs in KMS. The public half is asked for once per process."""

    def __init__(self, uri: str) -> None:
        self._arn = uri.removeprefix("kms:")
        parts = self._arn.split(":")
        if len(parts) < 6 or parts[0] != "arn" or parts[2] != "kms" or not parts[3]:
            raise KeyAddressMalformed(
                "A KMS address is kms:arn:aws:kms:REGION:ACCOUNT:key/ID, not an alias without its ARN."
            )
        self._region = parts[3]
        self._client: KMSClient | None = None
        self._public: PublicKey | None = None

    def public_key(self) -> PublicKey:
        """Raises SignerUnavailable."""
        if self._public is None:
            try:
                answer = self._kms().get_public_key(KeyId=self._arn)
            except (BotoCoreError, ClientError) as problem:
                raise self._unavailable(problem) from problem
            self._public = _from_spki(answer["PublicKey"])
        return self._public

    def sign(self, data: bytes, /) -> bytes:
        """Raises SignerUnavailable."""
        if len(data) > LONGEST_MESSAGE:
            raise SignerUnavailable(
                f"KMS signs at most {LONGEST_MESSAGE:,} bytes; these are {len(data):,}."
            )
        try:
            answer = self._kms().sign(
                KeyId=self._arn,
                Message=data,
                MessageType="RAW",
                SigningAlgorithm=_algorithm(self.public_key()),
            )
        except (BotoCoreError, ClientError) as problem:
            raise self._unavailable(problem) from problem
        return answer["Signature"]

    def _kms(self) -> "KMSClient":
        if self._client is None:
            self._client = boto3.client("kms", region_name=self._region, config=CALLS)
        return self._client

    def _unavailable(self, problem: Exception) -> SignerUnavailable:
        return SignerUnavailable(f"AWS KMS does not sign with {self._arn}: {problem}")


def _algorithm(public: PublicKey) -> "SigningAlgorithmSpecType":
    return "ML_DSA_SHAKE_256" if isinstance(public, MLDSA44PublicKey) else "ED25519_SHA_512"


def _from_spki(der: bytes) -> PublicKey:
    try:
        key = load_der_public_key(der)
    except ValueError as problem:
        raise SignerUnavailable(f"KMS gave a public key that cannot be read: {problem}") from None
    if not isinstance(key, Ed25519PublicKey | MLDSA44PublicKey):
        raise SignerUnavailable(
            "The KMS key is neither ECC_NIST_EDWARDS25519 nor ML_DSA_44. Other kinds sign no notes."
        )
    return key
