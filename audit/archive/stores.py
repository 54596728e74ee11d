"""The archive that this installation writes to: CREDENCE_ARCHIVE names a folder, or `s3://bucket/prefix`."""

import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from django.conf import settings

from audit.archive.folder import WriteOnceFolder
from audit.archive.store import ArchiveNotReady, ArchiveStore

# boto3 and what needs it are imported where an S3 archive is opened: a folder does without, and so does a web process.
if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from audit.archive.s3 import LockedBucket

S3 = "s3://"


def archive_store() -> ArchiveStore:
    """Raises ArchiveNotReady where the address or the surroundings of an S3 archive are unusable."""
    place = str(settings.CREDENCE_ARCHIVE)
    if place.startswith(S3):
        return locked_bucket(place, settings.CREDENCE_ARCHIVE_ENDPOINT)
    return WriteOnceFolder(Path(place))


@lru_cache(maxsize=4)
def locked_bucket(url: str, endpoint: str = "") -> "LockedBucket":
    """The bucket of an `s3://bucket/prefix`. Credentials and region come from where AWS's tools look for them."""
    from botocore.exceptions import BotoCoreError

    from audit.archive.s3 import LockedBucket

    parts = urlsplit(url)
    if not parts.netloc:
        raise ArchiveNotReady(f"The address {url!r} names no bucket: s3://bucket/prefix.")
    try:
        client = s3_client(endpoint)
    except (BotoCoreError, ValueError) as problem:
        raise ArchiveNotReady(f"The bucket of {url} cannot be used: {problem}") from None
    return LockedBucket(client, parts.netloc, parts.path)


def s3_client(endpoint: str) -> "S3Client":
    """A client of the S3 server at that endpoint, or of AWS. Raises BotoCoreError or ValueError."""
    import boto3
    from botocore.config import Config

    return boto3.session.Session().client(
        "s3",
        endpoint_url=endpoint or None,
        region_name=os.environ.get("AWS_REGION"),
        config=Config(
            # One digest of ours over the whole body, and no trailing checksums that older servers cannot read.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            retries={"max_attempts": 5, "mode": "standard"},
            s3={
                "addressing_style": "path" if endpoint else "auto",
                "payload_signing_enabled": True,
            },
        ),
    )
