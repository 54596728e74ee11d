"""What the archive relies on, asked of real S3 servers. Where one differs from AWS, `servers.KNOWN_DIFFERENCES` says so."""

import base64
import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.audit.archive.servers import KNOWN_DIFFERENCES, SERVERS, Bucket, in_days, in_seconds, md5
from tests.radosgw import LIFECYCLE_DAY_SECONDS

LOCK_SECONDS = 3


def refused(call: Callable[..., Any], **arguments: Any) -> str:
    with pytest.raises(ClientError) as problem:
        call(**arguments)
    return str(problem.value.response["Error"]["Code"])


def test_a_locked_version_cannot_be_deleted_by_any_way(bucket: Bucket) -> None:
    version = bucket.put_locked("a", in_days(1))
    one = {"Bucket": bucket.name, "Key": "a", "VersionId": version}

    assert refused(bucket.s3.delete_object, **one) == "AccessDenied"
    assert refused(bucket.s3.delete_object, **one, BypassGovernanceRetention=True) == "AccessDenied"
    many = bucket.s3.delete_objects(
        Bucket=bucket.name, Delete={"Objects": [{"Key": "a", "VersionId": version}]}
    )

    assert many["Errors"][0]["Code"] == "AccessDenied"
    assert bucket.s3.get_object(**one)["Body"].read() == b"bytes"


def test_a_delete_without_version_only_hides_the_object(bucket: Bucket) -> None:
    version = bucket.put_locked("a", in_days(1))

    bucket.s3.delete_object(Bucket=bucket.name, Key="a")

    listed = bucket.s3.list_object_versions(Bucket=bucket.name)
    assert len(listed["DeleteMarkers"]) == 1
    kept = bucket.s3.get_object(Bucket=bucket.name, Key="a", VersionId=version)
    assert kept["Body"].read() == b"bytes"


def test_a_compliance_lock_is_neither_shortened_nor_downgraded(bucket: Bucket) -> None:
    bucket.server.asked("shorten")
    version, until = bucket.put_locked("a", in_days(9)), in_days(9)
    one = {"Bucket": bucket.name, "Key": "a", "VersionId": version}

    for mode, date in (
        ("COMPLIANCE", in_days(1)),
        ("GOVERNANCE", in_days(1)),
        ("GOVERNANCE", until),
    ):
        for bypass in (False, True):
            code = refused(
                bucket.s3.put_object_retention,
                **one,
                Retention={"Mode": mode, "RetainUntilDate": date},
                BypassGovernanceRetention=bypass,
            )
            assert code == "AccessDenied"
    assert bucket.s3.head_object(**one)["ObjectLockMode"] == "COMPLIANCE"


def test_a_lock_can_be_extended(bucket: Bucket) -> None:
    version, later = bucket.put_locked("a", in_days(1)), in_days(5)
    one = {"Bucket": bucket.name, "Key": "a", "VersionId": version}

    bucket.s3.put_object_retention(
        **one, Retention={"Mode": "COMPLIANCE", "RetainUntilDate": later}
    )

    assert bucket.s3.head_object(**one)["ObjectLockRetainUntilDate"] == later


def test_versioning_of_a_locked_bucket_cannot_be_suspended(bucket: Bucket) -> None:
    bucket.server.asked("suspend versioning")

    code = refused(
        bucket.s3.put_bucket_versioning,
        Bucket=bucket.name,
        VersioningConfiguration={"Status": "Suspended"},
    )

    assert code == "InvalidBucketState"


def test_an_object_without_a_lock_of_its_own_gets_the_buckets(bucket: Bucket) -> None:
    bucket.server.asked("bucket default")
    bucket.put("a")

    head = bucket.s3.head_object(Bucket=bucket.name, Key="a")

    assert head["ObjectLockMode"] == "COMPLIANCE"
    assert head["ObjectLockRetainUntilDate"] > in_days(364)


def test_a_lock_ends_when_it_says(bucket: Bucket) -> None:
    version = bucket.put_locked("a", in_seconds(LOCK_SECONDS))
    one = {"Bucket": bucket.name, "Key": "a", "VersionId": version}

    assert refused(bucket.s3.delete_object, **one) == "AccessDenied"
    time.sleep(LOCK_SECONDS + 1)
    bucket.s3.delete_object(**one)

    assert "Versions" not in bucket.s3.list_object_versions(Bucket=bucket.name)


def test_a_legal_hold_keeps_an_object_whose_lock_has_ended(bucket: Bucket) -> None:
    version = bucket.put_locked("a", in_seconds(LOCK_SECONDS))
    one = {"Bucket": bucket.name, "Key": "a", "VersionId": version}
    bucket.s3.put_object_legal_hold(**one, LegalHold={"Status": "ON"})
    time.sleep(LOCK_SECONDS + 1)

    assert refused(bucket.s3.delete_object, **one) == "AccessDenied"
    bucket.s3.put_object_legal_hold(**one, LegalHold={"Status": "OFF"})
    bucket.s3.delete_object(**one)

    assert "Versions" not in bucket.s3.list_object_versions(Bucket=bucket.name)


def test_a_lock_moves_with_the_object_into_cold_storage(bucket: Bucket) -> None:
    bucket.server.asked("lifecycle")
    version, until = bucket.put_locked("a", in_days(99)), in_days(98)
    bucket.s3.put_bucket_lifecycle_configuration(
        Bucket=bucket.name,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "cold",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "Transitions": [{"Days": 1, "StorageClass": "GLACIER"}],
                }
            ]
        },
    )
    one = {"Bucket": bucket.name, "Key": "a", "VersionId": version}

    eventually(lambda: bucket.s3.head_object(**one).get("StorageClass") == "GLACIER")

    assert bucket.s3.head_object(**one)["ObjectLockRetainUntilDate"] > until
    assert refused(bucket.s3.delete_object, **one) == "AccessDenied"


def test_an_expiry_rule_leaves_markers_and_keeps_locked_versions(bucket: Bucket) -> None:
    bucket.server.asked("lifecycle")
    version = bucket.put_locked("a", in_days(99))
    bucket.s3.put_bucket_lifecycle_configuration(
        Bucket=bucket.name,
        LifecycleConfiguration={
            "Rules": [
                {
                    "ID": "expire",
                    "Status": "Enabled",
                    "Filter": {"Prefix": ""},
                    "Expiration": {"Days": 1},
                }
            ]
        },
    )

    eventually(lambda: "DeleteMarkers" in bucket.s3.list_object_versions(Bucket=bucket.name))

    kept = bucket.s3.get_object(Bucket=bucket.name, Key="a", VersionId=version)
    assert kept["Body"].read() == b"bytes"


def test_a_cold_object_cannot_be_read_before_it_is_restored(bucket: Bucket) -> None:
    bucket.server.asked("cold objects are unreadable")
    bucket.put("a", StorageClass="GLACIER")

    assert refused(bucket.s3.get_object, Bucket=bucket.name, Key="a") == "InvalidObjectState"


def test_a_cold_object_can_be_restored(bucket: Bucket) -> None:
    bucket.server.asked("restore")
    bucket.put("a", StorageClass="DEEP_ARCHIVE")

    bucket.s3.restore_object(
        Bucket=bucket.name,
        Key="a",
        RestoreRequest={"Days": 3, "GlacierJobParameters": {"Tier": "Bulk"}},
    )

    assert "expiry-date" in bucket.s3.head_object(Bucket=bucket.name, Key="a")["Restore"]


def test_a_second_write_is_refused_where_the_writer_asks_for_it(bucket: Bucket) -> None:
    bucket.server.asked("if-none-match")
    bucket.put_locked("a", in_days(1))

    code = refused(bucket.put, key="a", body=b"other", IfNoneMatch="*")

    assert code == "PreconditionFailed"


def test_bytes_that_are_not_what_content_md5_says_are_refused(bucket: Bucket) -> None:
    bucket.server.asked("content-md5")

    code = refused(bucket.put, key="a", ContentMD5=md5(b"others"))

    assert code in {"BadDigest", "InvalidDigest"}


def test_bytes_that_are_not_what_their_sha_256_says_are_refused(bucket: Bucket) -> None:
    bucket.server.asked("sha-256 checksum")
    wrong = base64.b64encode(hashlib.sha256(b"others").digest()).decode()

    refused(bucket.s3.put_object, Bucket=bucket.name, Key="a", Body=b"bytes", ChecksumSHA256=wrong)


def test_a_locked_write_without_a_digest_is_refused(bucket: Bucket) -> None:
    bucket.server.asked("lock needs a digest")

    refused(
        bucket.s3.put_object,
        Bucket=bucket.name,
        Key="a",
        Body=b"bytes",
        ObjectLockMode="COMPLIANCE",
        ObjectLockRetainUntilDate=in_days(1),
    )


def test_every_known_difference_names_a_server_and_a_row_that_is_asked() -> None:

    asked = Path(__file__).read_text()
    names = {getattr(server, "values", (server,))[0] for server in SERVERS}

    for server, row in KNOWN_DIFFERENCES:
        assert server in names
        assert f'asked("{row}")' in asked, row


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 12 * LIFECYCLE_DAY_SECONDS
    while not holds():
        assert time.monotonic() < deadline, "It did not happen in time."
        time.sleep(1)
