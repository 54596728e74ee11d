"""S3 servers that the archive is tested on, and where each is known to differ from AWS (documented behaviour)."""

import base64
import hashlib
import io
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config

from audit.archive.s3 import LockedBucket
from audit.archive.store import Stored

MOTO, RADOSGW = "moto", "radosgw"
SERVERS = [MOTO, pytest.param(RADOSGW, marks=pytest.mark.long)]

# (server, row of the contract): why the row cannot be asked of that server. Everything else is asked of both.
KNOWN_DIFFERENCES = {
    (MOTO, "shorten"): "moto lets COMPLIANCE retention be shortened and downgraded to GOVERNANCE",
    (MOTO, "suspend versioning"): "moto lets versioning of a lock bucket be suspended",
    (MOTO, "bucket default"): "moto answers 500 when an object under the bucket's default is read",
    (MOTO, "content-md5"): "moto stores bytes whatever Content-MD5 says",
    (MOTO, "lifecycle"): "moto stores lifecycle rules and carries none out",
    (
        RADOSGW,
        "cold objects are unreadable",
    ): "radosgw's GLACIER is just another pool, and readable",
    (RADOSGW, "restore"): "radosgw answers RestoreObject with 501",
    (RADOSGW, "if-none-match"): "radosgw ignores If-None-Match and makes a second version",
    (RADOSGW, "sha-256 checksum"): "radosgw ignores x-amz-checksum-sha256",
    (RADOSGW, "lock needs a digest"): "radosgw accepts a locked PUT without a digest",
}


@dataclass(frozen=True)
class Server:
    name: str
    endpoint: str
    access_key: str
    secret_key: str

    def client(self, service: str = "s3") -> Any:
        return boto3.client(
            service,
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            config=Config(
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
                s3={"addressing_style": "path", "payload_signing_enabled": True},
            ),
        )

    def asked(self, row: str) -> None:
        """Skips where this server is known to differ in that row of the contract."""
        if reason := KNOWN_DIFFERENCES.get((self.name, row)):
            pytest.skip(f"known difference: {reason}")


@dataclass(frozen=True)
class Bucket:
    """A bucket with Object Lock of a test's own."""

    server: Server
    name: str
    s3: Any

    def archive(self, prefix: str = "log") -> LockedBucket:
        return LockedBucket(self.s3, self.name, prefix)

    def put(self, key: str, body: bytes = b"bytes", **more: Any) -> str:
        """By the server's own client, with its Content-MD5; the version."""
        more.setdefault("ContentMD5", md5(body))
        answer = self.s3.put_object(Bucket=self.name, Key=key, Body=body, **more)
        return str(answer["VersionId"])

    def put_locked(self, key: str, until: datetime) -> str:
        return self.put(key, ObjectLockMode="COMPLIANCE", ObjectLockRetainUntilDate=until)


def new_bucket(server: Server, *, years: int = 1) -> Bucket:
    s3, name = server.client(), f"archive-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name, ObjectLockEnabledForBucket=True)
    s3.put_object_lock_configuration(
        Bucket=name,
        ObjectLockConfiguration={
            "ObjectLockEnabled": "Enabled",
            "Rule": {"DefaultRetention": {"Mode": "COMPLIANCE", "Years": years}},
        },
    )
    return Bucket(server, name, s3)


def put(archive: LockedBucket, key: str, data: bytes, until: datetime) -> Stored:
    sha256 = hashlib.sha256(data).hexdigest()
    return archive.put(key, io.BytesIO(data), sha256=sha256, locked_until=until)


def in_seconds(seconds: float) -> datetime:
    return datetime.now(UTC).replace(microsecond=0) + timedelta(seconds=seconds)


def in_days(days: int) -> datetime:
    return in_seconds(days * 86_400)


def md5(data: bytes) -> str:
    return base64.b64encode(hashlib.md5(data).digest()).decode()
