"""The content store in a bucket with Object Lock: kept, locked, and never taken for what was stored when it is not."""

from datetime import timedelta
from typing import Any

import pytest
from django.conf import LazySettings
from django.utils import timezone

from audit.archive.store import ArchiveNotReady
from audit.errors import NotStored, StoredBytesDiffer, StoreRefused
from audit.store import BucketStore, content_store
from registry.loading import load_estimator
from registry.models import Stage
from serving import in_service
from serving.actions.decisions import decide
from serving.errors import ArtefactRefused
from serving.models import LoadFailure
from serving.scoring import loaded
from tests.audit.archive.servers import Bucket, Server, md5
from tests.registry.builders import a_run
from tests.serving.builders import a_champion, an_application, the_client

DATA = b"the bytes of a model"


@pytest.fixture
def s3_store(
    bucket: Bucket, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> BucketStore:
    """This installation's content store is a bucket of the test's own."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", bucket.server.access_key)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", bucket.server.secret_key)
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    settings.CREDENCE_STORE = f"s3://{bucket.name}/content"
    settings.CREDENCE_STORE_ENDPOINT = bucket.server.endpoint
    settings.CREDENCE_STORE_LOCK_DAYS = 3
    store = content_store()
    assert isinstance(store, BucketStore)
    return store


def key_of(kind: str, sha256: str) -> str:
    return f"content/{kind}/{sha256[:2]}/{sha256}"


def swap(bucket: Bucket, kind: str, sha256: str, data: bytes) -> None:
    """A newer version over the locked one, which Object Lock lets anyone with a key write."""
    bucket.s3.put_object(
        Bucket=bucket.name, Key=key_of(kind, sha256), Body=data, ContentMD5=md5(data)
    )


def test_bytes_are_kept_once_under_their_digest_and_locked(
    s3_store: BucketStore, bucket: Bucket
) -> None:
    sha256 = s3_store.put("artefacts", DATA)

    assert s3_store.put("artefacts", DATA) == sha256
    assert s3_store.get("artefacts", sha256) == DATA
    versions = bucket.s3.list_object_versions(Bucket=bucket.name)["Versions"]
    assert [version["Key"] for version in versions] == [key_of("artefacts", sha256)]
    head = bucket.s3.head_object(Bucket=bucket.name, Key=key_of("artefacts", sha256))
    assert head["ObjectLockMode"] == "COMPLIANCE"
    left = head["ObjectLockRetainUntilDate"] - timezone.now()
    assert timedelta(days=2, hours=23) < left <= timedelta(days=3)


@pytest.mark.parametrize("kind", ["datasets", "baselines"])
def test_the_rows_of_people_can_go_when_a_person_goes(
    s3_store: BucketStore, bucket: Bucket, kind: str
) -> None:
    sha256 = s3_store.put(kind, DATA)

    head = bucket.s3.head_object(Bucket=bucket.name, Key=key_of(kind, sha256))
    assert head["ObjectLockRetainUntilDate"] - timezone.now() <= timedelta(days=1)


def test_what_was_never_stored_or_is_hidden_is_not_there(
    s3_store: BucketStore, bucket: Bucket
) -> None:
    with pytest.raises(NotStored):
        s3_store.get("artefacts", "0" * 64)
    sha256 = s3_store.put("artefacts", DATA)

    bucket.s3.delete_object(Bucket=bucket.name, Key=key_of("artefacts", sha256))  # a delete marker

    with pytest.raises(NotStored):
        s3_store.get("artefacts", sha256)


def test_a_newer_version_is_found_by_its_digest(s3_store: BucketStore, bucket: Bucket) -> None:
    sha256 = s3_store.put("artefacts", DATA)

    swap(bucket, "artefacts", sha256, b"the bytes of another")

    with pytest.raises(StoredBytesDiffer):
        s3_store.get("artefacts", sha256)
    with pytest.raises(StoredBytesDiffer):
        s3_store.put("artefacts", DATA)


@pytest.fixture
def plain_bucket(server: Server) -> str:
    name = "a-bucket-without-lock"
    server.client().create_bucket(Bucket=name)
    return name


def test_a_bucket_without_object_lock_takes_nothing(
    s3_store: BucketStore, plain_bucket: str, settings: LazySettings
) -> None:
    settings.CREDENCE_STORE = f"s3://{plain_bucket}/content"

    with pytest.raises(StoreRefused):
        content_store().put("artefacts", DATA)


def test_an_address_without_a_bucket_is_refused(settings: LazySettings) -> None:
    settings.CREDENCE_STORE = "s3:///content"

    with pytest.raises(ArchiveNotReady, match="names no bucket"):
        content_store()


@pytest.mark.django_db
def test_an_artefact_swapped_in_s3_after_approval_is_refused_and_the_champion_stays(
    s3_store: BucketStore, bucket: Bucket
) -> None:
    champion = a_champion()
    other = a_run(algorithm="random_forest", params={"n_estimators": 3}).artefact
    swapped: Any = s3_store.get("artefacts", other.sha256)
    loaded.cache_clear()

    swap(bucket, "artefacts", champion.artefact_id, swapped)

    with pytest.raises(StoredBytesDiffer):
        load_estimator(champion.artefact)
    answer = decide(champion.model.name, an_application(), by=the_client())
    assert isinstance(answer, ArtefactRefused)
    champion.refresh_from_db()
    assert champion.stage == Stage.PRODUCTION
    assert in_service.cleared_version(champion.model.name, timezone.now())
    failure = LoadFailure.objects.get()
    assert (failure.version, failure.artefact_sha256) == (champion, champion.artefact_id)
    assert failure.entry.event == "serving.version.load_failed"
