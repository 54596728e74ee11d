"""A data file that lies as an object below a configured prefix."""

import hashlib
import os
from datetime import datetime

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from audit.errors import FieldProblem
from governance.data_files import read_data_file
from governance.errors import ObjectRefused, SourceUnavailable
from governance.sources.places import Gathered, S3Source

LARGEST_OBJECT = 1 << 30
"""1 GiB: the object is held in memory while it is read (our choice)."""


def read_object(source: S3Source, below: str, at: datetime) -> Gathered:
    """The rows of a CSV or Parquet object, with its version and ETag.

    Raises ObjectRefused, SourceUnavailable or UnreadableFile.
    """
    if not below or any(part in ("", ".", "..") for part in below.split("/")):
        raise _refused("Must be a key below the source's prefix, without empty or dotted parts.")
    key = source.key(below)
    try:
        answer = _client(source).get_object(Bucket=source.bucket, Key=key)
        if answer["ContentLength"] > LARGEST_OBJECT:
            raise _refused(f"Is larger than {LARGEST_OBJECT:,} bytes.")
        data = answer["Body"].read()
    except ClientError as problem:
        if problem.response["Error"]["Code"] in ("NoSuchKey", "404"):
            raise _refused("There is no such object.") from None
        raise SourceUnavailable(f"The source {source.name} refuses to give the object.") from None
    except BotoCoreError:
        raise SourceUnavailable(f"The source {source.name} does not answer.") from None
    return Gathered(
        read_data_file(data),
        {
            "kind": "s3",
            "source": source.name,
            "where": f"s3://{source.bucket}/{key}",
            "version_id": answer.get("VersionId"),
            "etag": answer["ETag"].strip('"'),
            "sha256": hashlib.sha256(data).hexdigest(),
            "read_at": at.isoformat(),
        },
    )


def _client(source: S3Source):  # type: ignore[no-untyped-def]  # boto3 makes its classes as it runs
    return boto3.session.Session().client(
        "s3",
        endpoint_url=source.endpoint or None,
        region_name=os.environ.get("AWS_REGION"),
        config=Config(
            retries={"max_attempts": 3, "mode": "standard"},
            s3={"addressing_style": "path" if source.endpoint else "auto"},
        ),
    )


def _refused(detail: str) -> ObjectRefused:
    return ObjectRefused("The object is not read.", errors=[FieldProblem("key", "refused", detail)])
