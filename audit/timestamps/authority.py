"""Asking a timestamp authority, and checking what it answers before anything is kept.

Source: RFC 3161; the request, the parsing and the check are those of rfc3161-client. A token is over SHA-256 of the data.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import httpx
from cryptography.x509 import Certificate, load_pem_x509_certificates
from rfc3161_client import (
    HashAlgorithm,
    PKIStatus,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from audit.errors import Refusal

SECONDS_PER_REQUEST = 15.0
MAX_RESPONSE_BYTES = 100_000
CLOCK = timedelta(minutes=10)  # how far the authority's clock and ours may differ
SHA256_OID = "2.16.840.1.101.3.4.2.1"


class TimestampFailed(Refusal):
    """The authority did not answer, refused, or answered with what cannot be relied on. Nothing was kept."""

    status = 503


@dataclass(frozen=True)
class Timestamp:
    """A response that was verified: its bytes, and when the authority says that it saw the data."""

    response: bytes
    stamped_at: datetime

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.response).hexdigest()


def read_roots(pem: bytes) -> list[Certificate]:
    """The certificates of a PEM file. Raises TimestampFailed where there is none: no root never means any root."""
    try:
        return load_pem_x509_certificates(pem)
    except ValueError as problem:
        raise TimestampFailed(f"The root certificates cannot be used: {problem}") from None


def request_timestamp(
    http: httpx.Client, url: str, data: bytes, roots: Sequence[Certificate], now: datetime
) -> Timestamp:
    """A verified timestamp over `data`, asked for at `now`. Raises TimestampFailed."""
    request = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    response = _post(http, url, request.as_bytes())
    stamped_at = verify_timestamp(response, data, roots, nonce=request.nonce)
    if abs(stamped_at - now) > CLOCK:
        raise TimestampFailed(
            f"The authority's clock says {stamped_at:%Y-%m-%d %H:%M:%S} UTC, ours {now:%Y-%m-%d %H:%M:%S} UTC."
        )
    return Timestamp(response, stamped_at)


def verify_timestamp(
    response: bytes, data: bytes, roots: Sequence[Certificate], *, nonce: int | None = None
) -> datetime:
    """When the authority says that it saw `data`. Raises TimestampFailed unless it does so under one of `roots`.

    `nonce` is that of our own request; a token that was kept is checked without it.
    """
    parsed = _parsed(response)
    builder = VerifierBuilder(roots=list(roots), nonce=nonce)
    try:
        imprint = parsed.tst_info.message_imprint
        if imprint.hash_algorithm.dotted_string != SHA256_OID:
            raise TimestampFailed("The token is not over a SHA-256 digest.")
        builder.build().verify(parsed, hashlib.sha256(data).digest())
        return parsed.tst_info.gen_time
    except (VerificationError, ValueError) as problem:  # ValueError: parts are parsed when used
        raise TimestampFailed(f"The token cannot be relied on: {problem}") from None


def _parsed(response: bytes) -> TimeStampResponse:
    try:
        parsed = decode_timestamp_response(response)
    except ValueError as problem:
        raise TimestampFailed(f"The answer is no timestamp response: {problem}") from None
    if PKIStatus(parsed.status) != PKIStatus.GRANTED:
        said = "; ".join(parsed.status_string) or "no reason given"
        raise TimestampFailed(f"The authority refused ({PKIStatus(parsed.status).name}): {said}")
    return parsed


def _post(http: httpx.Client, url: str, request: bytes) -> bytes:
    headers = {"Content-Type": "application/timestamp-query"}
    try:
        with http.stream("POST", url, content=request, headers=headers) as answer:
            data = b""
            for part in answer.iter_bytes():
                data += part
                if len(data) > MAX_RESPONSE_BYTES:
                    raise TimestampFailed("The authority's answer is too long.")
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        raise TimestampFailed(
            f"The authority at {url} did not answer ({type(problem).__name__}: {problem})."
        ) from None
    if answer.status_code != 200:
        raise TimestampFailed(f"The authority at {url} answered {answer.status_code}.")
    return data
