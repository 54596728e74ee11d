"""The archive in S3: written once under a lock, read back, never hidden by a second version. On moto, and on Ceph."""

import hashlib
import io
import uuid

import pytest
from django.conf import LazySettings

from audit.archive.store import (
    ArchiveNotReady,
    ArchiveRefused,
    ObjectCold,
    ObjectDiffers,
    ObjectMissing,
    RestoreUnavailable,
)
from audit.archive.stores import archive_store, locked_bucket
from tests.audit.archive.servers import Bucket, Server, in_days, new_bucket, put


def versions_of(bucket: Bucket) -> list[str]:
    listed = bucket.s3.list_object_versions(Bucket=bucket.name)
    return [version["VersionId"] for version in listed.get("Versions", [])]


def test_an_object_is_written_under_its_own_lock_and_read_back(bucket: Bucket) -> None:
    archive, until = bucket.archive(), in_days(2557)

    stored = put(archive, "epoch/1.tar", b"bytes", until)

    assert stored.locked_until == until
    assert versions_of(bucket) == [stored.version_id]
    state = archive.state("epoch/1.tar", stored.version_id)
    assert (state.size, state.sha256) == (5, hashlib.sha256(b"bytes").hexdigest())
    assert (state.locked_until, state.held, state.storage_class) == (until, False, "STANDARD")
    assert archive.get("epoch/1.tar") == b"bytes"
    assert list(archive.names()) == ["epoch/1.tar"]
    with archive.open("epoch/1.tar", stored.version_id) as body:
        assert body.read(3) == b"byt"


def test_the_same_bytes_again_make_no_second_version(bucket: Bucket) -> None:
    archive, until = bucket.archive(), in_days(30)

    first = put(archive, "a", b"bytes", until)
    second = put(archive, "a", b"bytes", until)

    assert first == second
    assert versions_of(bucket) == [first.version_id]


def test_other_bytes_under_the_same_key_are_refused_and_the_first_stay(bucket: Bucket) -> None:
    archive = bucket.archive()
    first = put(archive, "a", b"first", in_days(30))

    with pytest.raises(ObjectDiffers):
        put(archive, "a", b"second", in_days(30))

    assert archive.get("a") == b"first"
    assert versions_of(bucket) == [first.version_id]


def test_a_writer_that_was_overtaken_finds_the_other_ones_object(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the write another process wrote the same: on a server that compares, that is no second version."""
    bucket.server.asked("if-none-match")
    archive, other, until = bucket.archive(), bucket.archive(), in_days(30)
    md5 = "audit.archive.s3._md5"
    from audit.archive.s3 import _md5

    def overtaken(file: io.BytesIO) -> str:
        monkeypatch.setattr(md5, _md5)
        put(other, "a", b"bytes", until)
        return _md5(file)

    monkeypatch.setattr(md5, overtaken)
    put(archive, "a", b"bytes", until)

    assert len(versions_of(bucket)) == 1


def test_bytes_that_arrive_changed_do_not_count_as_archived(bucket: Bucket) -> None:
    with pytest.raises(ArchiveRefused):
        bucket.archive().put("a", io.BytesIO(b"changed"), sha256="0" * 64, locked_until=in_days(30))


def test_a_hidden_or_doubled_object_is_not_written_over(bucket: Bucket) -> None:
    archive = bucket.archive()
    put(archive, "hidden", b"bytes", in_days(30))
    bucket.s3.delete_object(Bucket=bucket.name, Key="log/hidden")
    bucket.put_locked("log/doubled", in_days(30))
    bucket.put_locked("log/doubled", in_days(30))

    for key in ("hidden", "doubled"):
        with pytest.raises(ObjectDiffers, match="runbook"):
            put(archive, key, b"bytes", in_days(30))


def test_an_object_that_was_locked_too_briefly_is_locked_for_longer(bucket: Bucket) -> None:
    archive, later = bucket.archive(), in_days(90)
    put(archive, "a", b"bytes", in_days(30))

    stored = put(archive, "a", b"bytes", later)

    assert stored.locked_until == later
    archive.extend("a", stored.version_id, in_days(5))
    assert archive.state("a", stored.version_id).locked_until == later


def test_a_lock_in_governance_mode_counts_as_none(bucket: Bucket) -> None:
    bucket.put("log/a", ObjectLockMode="GOVERNANCE", ObjectLockRetainUntilDate=in_days(30))

    assert bucket.archive().state("a").locked_until is None


def test_a_legal_hold_is_placed_and_released(bucket: Bucket) -> None:
    archive = bucket.archive()
    stored = put(archive, "a", b"bytes", in_days(30))

    archive.hold("a", stored.version_id)
    archive.hold("a")
    assert archive.state("a").held
    archive.release("a", stored.version_id)
    archive.release("a")

    assert not archive.state("a").held


def test_a_listing_shows_versions_and_markers_of_this_archive_only(bucket: Bucket) -> None:
    archive = bucket.archive()
    put(archive, "a", b"bytes", in_days(30))
    put(bucket.archive("other"), "b", b"bytes", in_days(30))
    bucket.s3.delete_object(Bucket=bucket.name, Key="log/a")

    found = sorted((v.key, v.is_delete_marker, v.is_latest) for v in archive.versions())

    assert found == [("a", False, False), ("a", True, True)]
    assert list(archive.names()) == []


def test_what_is_not_there_is_missing(bucket: Bucket) -> None:
    archive = bucket.archive()

    for ask in (archive.get, archive.state, archive.hold, archive.release):
        with pytest.raises(ObjectMissing):
            ask("nothing")


def test_a_bucket_that_can_keep_what_it_is_given_is_ready(bucket: Bucket) -> None:
    bucket.archive().require_ready()


def test_a_bucket_that_cannot_is_refused_with_the_reason(server: Server) -> None:
    s3 = server.client()
    names = [f"plain-{uuid.uuid4().hex[:12]}" for _ in range(2)]
    s3.create_bucket(Bucket=names[0])
    s3.create_bucket(Bucket=names[1], ObjectLockEnabledForBucket=True)

    for name, reason in (
        (names[0], "no Object Lock"),
        (names[1], "no default retention in COMPLIANCE mode"),
        ("there-is-no-such-bucket", "cannot be used"),
    ):
        with pytest.raises(ArchiveNotReady, match=reason):
            Bucket(server, name, s3).archive().require_ready()


def test_a_bucket_whose_versioning_was_suspended_is_refused(moto: Server) -> None:
    bucket = new_bucket(moto)
    bucket.s3.put_bucket_versioning(
        Bucket=bucket.name, VersioningConfiguration={"Status": "Suspended"}
    )

    with pytest.raises(ArchiveNotReady, match="Versioning of the bucket"):
        bucket.archive().require_ready()


def test_a_cold_object_is_restored_for_some_days(bucket: Bucket) -> None:
    bucket.server.asked("restore")
    bucket.put("log/a", StorageClass="GLACIER")
    archive = bucket.archive()
    version = archive.state("a").version_id
    with pytest.raises(ObjectCold):
        archive.get("a")

    archive.restore("a", version, tier="standard", days=3)

    state = archive.state("a")
    assert state.storage_class == "GLACIER"
    assert state.restored_until is not None
    assert state.restored_until > in_days(2)
    assert archive.get("a") == b"bytes"


@pytest.mark.long
def test_a_server_without_restores_says_so(radosgw: Server) -> None:
    bucket = new_bucket(radosgw)
    stored = put(bucket.archive(), "a", b"bytes", in_days(30))

    with pytest.raises(RestoreUnavailable, match="knows no restore"):
        bucket.archive().restore("a", stored.version_id, tier="standard", days=3)


def test_an_archive_that_does_not_answer_is_a_refusal_and_no_crash(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "tests")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    archive = locked_bucket("s3://nowhere/log", "http://127.0.0.1:1")

    with pytest.raises(ArchiveNotReady, match="cannot be reached"):
        archive.require_ready()
    with pytest.raises(ArchiveRefused):
        archive.get("a")


def test_the_setting_names_the_bucket_the_prefix_and_the_server(
    moto: Server, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = new_bucket(moto)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "tests")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "tests")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    settings.CREDENCE_ARCHIVE = f"s3://{bucket.name}/a/prefix"
    settings.CREDENCE_ARCHIVE_ENDPOINT = moto.endpoint

    archive = archive_store()
    archive.require_ready()
    put(archive, "x", b"bytes", in_days(30))  # type: ignore[arg-type]  # it is one

    listed = bucket.s3.list_objects_v2(Bucket=bucket.name)["Contents"]
    assert [item["Key"] for item in listed] == ["a/prefix/x"]
    settings.CREDENCE_ARCHIVE = "s3:///x"
    with pytest.raises(ArchiveNotReady, match="names no bucket"):
        archive_store()
