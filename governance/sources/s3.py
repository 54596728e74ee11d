"""A data file that lies as an object below a configured prefix."""

import hashlib
import tempfile
from contextlib import ExitStack
from datetime import datetime

from botocore.exceptions import BotoCoreError, ClientError

from audit.archive.stores import s3_client
from audit.errors import FieldProblem
from governance.data_files import FileRows
from governance.errors import ObjectRefused, SourceUnavailable
from governance.sources.places import Gathered, S3Source

LARGEST_OBJECT = 64 << 30
"""64 GiB: the object is copied to a temporary file (our choice, for a worker's disk)."""
CHUNK = 1 << 20


def read_object(source: S3Source, below: str, at: datetime) -> Gathered:
    """The rows of a CSV or Parquet object, with its version and ETag.

    It is copied to a temporary file, which goes with what is returned. Raises ObjectRefused or SourceUnavailable.
    """
    if not below or any(part in ("", ".", "..") for part in below.split("/")):
        raise _refused("Must be a key below the source's prefix, without empty or dotted parts.")
    key = source.key(below)
    digest = hashlib.sha256()
    with ExitStack() as until_read:
        file = until_read.enter_context(tempfile.TemporaryFile())
        try:
            answer = s3_client(source.endpoint).get_object(Bucket=source.bucket, Key=key)
            if answer["ContentLength"] > LARGEST_OBJECT:
                raise _refused(f"Is larger than {LARGEST_OBJECT:,} bytes.")
            for chunk in answer["Body"].iter_chunks(CHUNK):
                digest.update(chunk)
                file.write(chunk)
        except ClientError as problem:
            if problem.response["Error"]["Code"] in ("NoSuchKey", "404"):
                raise _refused("There is no such object.") from None
            raise SourceUnavailable(
                f"The source {source.name} refuses to give the object."
            ) from None
        except BotoCoreError:
            raise SourceUnavailable(f"The source {source.name} does not answer.") from None
        until_read.pop_all()
        return Gathered(
            FileRows(file),
            {
                "kind": "s3",
                "source": source.name,
                "where": f"s3://{source.bucket}/{key}",
                "version_id": answer.get("VersionId"),
                "etag": answer["ETag"].strip('"'),
                "sha256": digest.hexdigest(),
                "read_at": at.isoformat(),
            },
            file,
        )


def _refused(detail: str) -> ObjectRefused:
    return ObjectRefused("The object is not read.", errors=[FieldProblem("key", "refused", detail)])
