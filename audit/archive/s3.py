"""The archive in S3: versioned objects under Object Lock, which nobody can delete or change before their date, root included.

Works against AWS and against servers that speak S3 (Ceph's radosgw is tested). What such a server leaves out is asked for all
the same, and made up for: a server that ignores If-None-Match or a checksum is caught by the listing before and the reading after.
"""

import base64
import hashlib
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import IO, TYPE_CHECKING, Any, Final, cast

from botocore.exceptions import BotoCoreError, ClientError

from audit.archive.store import (
    ArchiveNotReady,
    ArchiveRefused,
    ObjectCold,
    ObjectDiffers,
    ObjectMissing,
    ObjectState,
    RestoreUnavailable,
    Stored,
    Version,
)

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import ObjectLockRetentionTypeDef, PutObjectRequestTypeDef

COMPLIANCE: Final = "COMPLIANCE"
CHUNK = 1 << 20
# The largest object that one PUT takes.
LARGEST_PUT_MB = 5000
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
_TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
_NO_RESTORE = frozenset({"NotImplemented", "MethodNotAllowed", "501"})
_EXPIRY = re.compile(r'expiry-date="([^"]+)"')


class LockedBucket:
    """An ArchiveStore in one bucket, below `prefix`."""

    locks = True

    def __init__(self, client: "S3Client", bucket: str, prefix: str = "") -> None:
        self._s3, self._bucket = client, bucket
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""

    def require_ready(self) -> None:
        """Versioning is on, Object Lock is enabled, and its default is COMPLIANCE."""
        try:
            versioning = self._s3.get_bucket_versioning(Bucket=self._bucket).get("Status")
            lock = self._s3.get_object_lock_configuration(Bucket=self._bucket)
            configuration = lock.get("ObjectLockConfiguration", {})
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code != "ObjectLockConfigurationNotFoundError":
                raise ArchiveNotReady(
                    f"The archive's bucket {self._bucket} cannot be used: {_said(error)}. "
                    "See deploy/cloudformation for a bucket and a role that can."
                ) from None
            configuration = {}
        except BotoCoreError as error:
            raise ArchiveNotReady(f"The archive cannot be reached: {error}") from None
        if configuration.get("ObjectLockEnabled") != "Enabled":
            raise ArchiveNotReady(
                f"The bucket {self._bucket} has no Object Lock: nothing in it is kept. Make a bucket with it (deploy/cloudformation)."
            )
        if versioning != "Enabled":
            raise ArchiveNotReady(f"Versioning of the bucket {self._bucket} is not on: turn it on.")
        default = configuration.get("Rule", {}).get("DefaultRetention", {})
        if default.get("Mode") != COMPLIANCE:
            raise ArchiveNotReady(
                f"The bucket {self._bucket} has no default retention in COMPLIANCE mode: "
                "an object that reached it by another way would lie there unlocked. Set one."
            )

    def put(self, key: str, file: IO[bytes], *, sha256: str, locked_until: datetime) -> Stored:
        """1. Look which versions there are: a second one is never made.

        2. Write, with a lock of its own and both digests; a writer that was faster is found by the next look.
        3. A lock that ends too early is extended.
        4. Read the very version back, and compare mode, date, size and digest.
        """
        version_id = self._only_version(key)
        if version_id is None:
            version_id = self._write(key, file, sha256, locked_until)
        state = self.state(key, version_id)
        if state.locked_until is None or state.locked_until < locked_until:
            self.extend(key, version_id, locked_until)
            state = self.state(key, version_id)
        self._require_same(key, state, sha256, locked_until)
        return Stored(version_id, state.locked_until)

    @contextmanager
    def open(self, key: str, version_id: str = "") -> Iterator[IO[bytes]]:
        with _speaking(key), closing(self._get(key, version_id)) as body:
            yield cast(IO[bytes], body)

    def get(self, key: str) -> bytes:
        with self.open(key) as body:
            return body.read()

    def names(self) -> Iterator[str]:
        pages = self._s3.get_paginator("list_objects_v2")
        with _speaking(self._prefix):
            for page in pages.paginate(Bucket=self._bucket, Prefix=self._prefix):
                for item in page.get("Contents", []):
                    yield item["Key"].removeprefix(self._prefix)

    def state(self, key: str, version_id: str = "") -> ObjectState:
        with _speaking(key):
            head = self._s3.head_object(**self._at(key, version_id))
        restore = head.get("Restore", "")
        expiry = _EXPIRY.search(restore)
        until = head.get("ObjectLockRetainUntilDate")
        return ObjectState(
            key=key,
            version_id=head.get("VersionId", ""),
            size=head["ContentLength"],
            sha256=head.get("Metadata", {}).get("sha256"),
            # A GOVERNANCE lock can be lifted: here it counts as none.
            locked_until=until if head.get("ObjectLockMode") == COMPLIANCE else None,
            held=head.get("ObjectLockLegalHoldStatus") == "ON",
            storage_class=head.get("StorageClass", "STANDARD"),
            restoring='ongoing-request="true"' in restore,
            restored_until=parsedate_to_datetime(expiry[1]).astimezone(UTC) if expiry else None,
        )

    def extend(self, key: str, version_id: str, locked_until: datetime) -> None:
        now = self.state(key, version_id).locked_until
        if now is not None and now >= locked_until:
            return
        retention: ObjectLockRetentionTypeDef = {
            "Mode": COMPLIANCE,
            "RetainUntilDate": locked_until,
        }
        with _speaking(key):
            self._s3.put_object_retention(**self._at(key, version_id), Retention=retention)

    def hold(self, key: str, version_id: str = "") -> None:
        self._set_hold(key, version_id, "ON")

    def release(self, key: str, version_id: str = "") -> None:
        self._set_hold(key, version_id, "OFF")

    def restore(self, key: str, version_id: str, *, tier: str, days: int) -> None:
        request: Any = {"Days": days, "GlacierJobParameters": {"Tier": tier.capitalize()}}
        try:
            self._s3.restore_object(**self._at(key, version_id), RestoreRequest=request)
        except ClientError as error:
            code = error.response["Error"]["Code"]
            if code == "RestoreAlreadyInProgress":
                return
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            if code in _NO_RESTORE or status == 501:
                raise RestoreUnavailable(
                    "This S3 server knows no restore: its objects are readable in every storage class."
                ) from None
            if code in _MISSING:
                raise ObjectMissing(f"The archive has no {key}.") from None
            raise RestoreUnavailable(f"The restore of {key} was refused: {_said(error)}") from None
        except BotoCoreError as error:
            raise ArchiveRefused(f"The archive cannot be reached: {error}") from None

    def versions(self) -> Iterator[Version]:
        return self._list_versions(self._prefix)

    def _only_version(self, key: str) -> str | None:
        """The version that holds the key; None where there is none yet. Raises ObjectDiffers for anything else."""
        found = [v for v in self._list_versions(self._prefix + key) if v.key == key]
        if not found:
            return None
        if len(found) > 1 or found[0].is_delete_marker:
            raise ObjectDiffers(
                f"The archive holds {len(found)} versions or delete markers of {key}. Someone else wrote there: "
                "see the runbook, Archive alarms."
            )
        return found[0].version_id

    def _list_versions(self, prefix: str) -> Iterator[Version]:
        pages = self._s3.get_paginator("list_object_versions")
        with _speaking(prefix):
            for page in pages.paginate(Bucket=self._bucket, Prefix=prefix):
                for is_marker, items in (
                    (False, page.get("Versions", [])),
                    (True, page.get("DeleteMarkers", [])),
                ):
                    for item in items:
                        yield Version(
                            item["Key"].removeprefix(self._prefix),
                            item["VersionId"],
                            is_marker,
                            bool(item["IsLatest"]),
                        )

    def _write(self, key: str, file: IO[bytes], sha256: str, locked_until: datetime) -> str:
        request: PutObjectRequestTypeDef = {
            "Bucket": self._bucket,
            "Key": self._prefix + key,
            "Body": file,
            "ContentMD5": _md5(file),
            "ChecksumSHA256": base64.b64encode(bytes.fromhex(sha256)).decode(),
            "Metadata": {"sha256": sha256},
            "ObjectLockMode": COMPLIANCE,
            "ObjectLockRetainUntilDate": locked_until,
            "IfNoneMatch": "*",
        }
        try:
            file.seek(0)
            written = self._s3.put_object(**request)
        except ClientError as error:
            if error.response["Error"]["Code"] not in _TAKEN:
                raise ArchiveRefused(f"The archive did not take {key}: {_said(error)}") from None
        except BotoCoreError as error:
            raise ArchiveRefused(f"The archive did not take {key}: {error}") from None
        else:
            if version_id := written.get("VersionId"):
                return version_id
            raise ArchiveNotReady(f"The bucket {self._bucket} gave {key} no version.")
        version = self._only_version(key)
        if version is None:
            raise ArchiveRefused(f"The archive took {key} from someone else, and shows no version.")
        return version

    def _require_same(
        self, key: str, state: ObjectState, sha256: str, locked_until: datetime
    ) -> None:
        if state.locked_until is None or state.locked_until < locked_until:
            raise ArchiveRefused(
                f"{key} is in the archive, but locked until {state.locked_until} in COMPLIANCE mode instead of {locked_until}."
            )
        digest, size = hashlib.sha256(), 0
        with self.open(key, state.version_id) as body:
            while chunk := body.read(CHUNK):
                digest.update(chunk)
                size += len(chunk)
        if (digest.hexdigest(), size) != (sha256, state.size):
            raise ObjectDiffers(f"The archive holds other bytes under {key}.")

    def _get(self, key: str, version_id: str) -> Any:
        return self._s3.get_object(**self._at(key, version_id))["Body"]

    def _set_hold(self, key: str, version_id: str, status: Any) -> None:
        version = version_id or self.state(key).version_id
        with _speaking(key):
            self._s3.put_object_legal_hold(**self._at(key, version), LegalHold={"Status": status})

    def _at(self, key: str, version_id: str) -> Any:
        at = {"Bucket": self._bucket, "Key": self._prefix + key}
        return at | {"VersionId": version_id} if version_id else at


@contextmanager
def _speaking(key: str) -> Iterator[None]:
    """What S3 answers, in our refusals."""
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code in _MISSING:
            raise ObjectMissing(f"The archive has no {key}.") from None
        if code == "InvalidObjectState":
            raise ObjectCold(
                f"{key} lies in cold storage: ask for a restore first (`manage.py archive_restore`)."
            ) from None
        raise ArchiveRefused(f"The archive refuses {key}: {_said(error)}") from None
    except BotoCoreError as error:
        raise ArchiveRefused(f"The archive cannot be reached for {key}: {error}") from None


def _said(error: ClientError) -> str:
    answer = error.response["Error"]
    return f"{answer.get('Code')} {answer.get('Message', '')}".strip()


def _md5(file: IO[bytes]) -> str:
    file.seek(0)
    digest = hashlib.md5(usedforsecurity=False)
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return base64.b64encode(digest.digest()).decode()
