"""Why a key cannot be used."""

from audit.errors import Refusal


class KeyAddressMalformed(Refusal):
    """An address of a key is none that we can open: `file:NAME`, `pkcs11:...` or `kms:ARN`."""

    status = 422


class SignerUnavailable(Refusal):
    """What holds the key does not answer, or answers otherwise than it must. What waits is signed once it does."""

    status = 503
