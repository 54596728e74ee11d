"""What is accepted from a timestamp authority, and what is not: against OpenSSL's."""

from datetime import UTC, datetime, timedelta

import httpx
import pytest

from audit.timestamps.authority import (
    Timestamp,
    TimestampFailed,
    read_roots,
    request_timestamp,
    verify_timestamp,
)
from tests.audit.timestamps.conftest import Authorities, Authority, run

DATA = b"a published checkpoint\n"


def asked(authority: Authority, *, now: datetime | None = None) -> Timestamp:
    roots = read_roots(authority.roots.read_bytes())
    with httpx.Client(timeout=5) as http:
        return request_timestamp(http, authority.url, DATA, roots, now or datetime.now(UTC))


def test_a_token_is_verified_and_openssl_agrees(authority: Authority) -> None:
    stamp = asked(authority)

    assert abs(stamp.stamped_at - datetime.now(UTC)) < timedelta(minutes=1)
    (authority.folder / "data").write_bytes(DATA)
    (authority.folder / "kept.tsr").write_bytes(stamp.response)
    run(
        "openssl", "ts", "-verify", "-data", "data", "-in", "kept.tsr", "-CAfile", "root.pem",
        folder=authority.folder,
    )  # fmt: skip
    roots = read_roots(authority.roots.read_bytes())
    assert verify_timestamp(stamp.response, DATA, roots) == stamp.stamped_at


def test_a_token_over_other_data_is_refused(authority: Authority) -> None:
    stamp = asked(authority)

    with pytest.raises(TimestampFailed, match="Mismatch between messages"):
        verify_timestamp(stamp.response, DATA + b" ", read_roots(authority.roots.read_bytes()))


def test_a_token_under_another_root_is_refused(
    authority: Authority, authorities: Authorities
) -> None:
    stamp = asked(authority)
    other = authorities.start("other")

    with pytest.raises(TimestampFailed, match="cannot be relied on"):
        verify_timestamp(stamp.response, DATA, read_roots(other.roots.read_bytes()))


def test_every_changed_byte_of_the_signed_part_is_refused(authority: Authority) -> None:
    stamp, roots = asked(authority), read_roots(authority.roots.read_bytes())
    refused = 0

    for place in range(0, len(stamp.response), 23):
        changed = bytearray(stamp.response)
        changed[place] ^= 1
        try:
            seen_at = verify_timestamp(bytes(changed), DATA, roots)
        except TimestampFailed:
            refused += 1
        else:
            # Some bytes are covered by nobody: a status text, a certificate that nobody needs.
            assert seen_at == stamp.stamped_at
    assert refused > len(stamp.response) / 23 * 0.7


def test_a_signature_that_was_changed_is_refused(authority: Authority) -> None:
    authority.spoil = lambda data: data[:-3] + bytes([data[-3] ^ 1]) + data[-2:]

    with pytest.raises(TimestampFailed, match="cannot be relied on"):
        asked(authority)


def test_an_older_answer_is_no_answer_to_a_new_question(authority: Authority) -> None:
    authority.replay = asked(authority).response

    with pytest.raises(TimestampFailed, match="Nonce"):
        asked(authority)


def test_a_certificate_that_is_not_for_timestamps_is_refused(authorities: Authorities) -> None:
    """OpenSSL will not even sign with it, so a good certificate's answer is checked under the other key's usage."""
    with pytest.raises(TimestampFailed):
        asked(authorities.start("web", usage="critical,serverAuth"))


def test_a_clock_far_from_ours_is_refused(authority: Authority) -> None:
    with pytest.raises(TimestampFailed, match="clock says"):
        asked(authority, now=datetime.now(UTC) + timedelta(hours=1))


def test_an_authority_that_refuses_is_heard(authorities: Authorities) -> None:
    with pytest.raises(TimestampFailed, match="refused"):
        asked(authorities.start("sha512 only", digests="sha512"))


@pytest.mark.parametrize(
    ("status", "said", "problem"),
    [
        (500, b"", "answered 500"),
        (200, b"", "no timestamp response"),
        (200, b"<html>", "no timestamp response"),
        (200, b"x" * 200_000, "too long"),
    ],
)
def test_what_is_no_response_is_refused(
    authority: Authority, status: int, said: bytes, problem: str
) -> None:
    authority.status, authority.spoil = status, lambda _: said

    with pytest.raises(TimestampFailed, match=problem):
        asked(authority)


def test_an_authority_that_is_not_there_is_a_refusal(authority: Authority) -> None:
    authority.url = "http://127.0.0.1:9/"

    with pytest.raises(TimestampFailed, match="did not answer"):
        asked(authority)


def test_without_a_root_nothing_is_accepted(authority: Authority) -> None:
    for pem in (b"", b"no certificate"):
        with pytest.raises(TimestampFailed, match="root certificates"):
            read_roots(pem)
    with pytest.raises(TimestampFailed):
        verify_timestamp(asked(authority).response, DATA, [])
