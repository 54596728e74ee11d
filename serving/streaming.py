"""Applications as NDJSON, one a line, answered as NDJSON in the same order.

A body is as long as it likes: it lies in a temporary file while it is answered a chunk at a time, each chunk committed before
its answers are sent. It is taken in whole before the first answer, because most clients read nothing before they have
sent everything, and both sides would wait for the other.
"""

import hashlib
import json
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO

from django.contrib.auth.models import User
from django.utils import timezone

from audit.bodies import LARGEST_SINGLE, LARGEST_STREAM, MIB
from audit.context import acting, circumstances
from audit.errors import BodyTooLarge, Refusal
from serving.answers import refusal_answer
from serving.application_files import Row, ndjson_row
from serving.chunks import CHUNK, answered
from serving.errors import BatchOutOfBounds
from serving.idempotency import IdempotencyKey
from serving.limits import admit

MEDIA_TYPE = "application/x-ndjson"
LARGEST_CHUNK = 8 * MIB
IN_MEMORY = 1 * MIB  # of a body; more lies in a file
AT_ONCE = 64 * 1024


def taken_in(body: IO[bytes]) -> IO[bytes]:
    """The whole body, from its beginning. Raises BodyTooLarge."""
    kept = SpooledTemporaryFile(IN_MEMORY)  # noqa: SIM115  closed by whoever answers it
    size = 0
    while part := body.read(AT_ONCE):
        size += len(part)
        if size > LARGEST_STREAM:
            kept.close()
            raise BodyTooLarge(f"The body is larger than {LARGEST_STREAM // MIB} MiB.")
        kept.write(part)
    kept.seek(0)
    return kept


def answers_to(
    model: str, body: IO[bytes], *, by: User, key: IdempotencyKey | None
) -> Iterator[bytes]:
    """The lines of the answer, a chunk at a time; `body` is closed in the end.

    What refuses the first chunk is raised. Later there is no status left to say it with: each row of a chunk that is
    refused as a whole has that as its problem, and the chunks after it are still tried. `key` stands for the whole
    body; each chunk has one of its own, made of it and of where the chunk begins.
    """
    within, first = circumstances(), 0
    with body:
        for chunk in _chunks(body):
            # The answer is sent after the request's own circumstances have ended.
            with acting(request_id=within.request_id, authn=within.authn):
                rows = _answered(model, chunk, first, by, key)
            yield b"".join(json.dumps(row, separators=(",", ":")).encode() + b"\n" for row in rows)
            first += len(chunk)
    if not first:
        raise BatchOutOfBounds("The body holds no application.")


def _answered(
    model: str, chunk: list[bytes], first: int, by: User, key: IdempotencyKey | None
) -> list[dict[str, object]]:
    documents: list[Row] = [ndjson_row(line) for line in chunk]
    try:
        admit(by, model, requests=0 if first else 1, decisions=len(chunk), at=timezone.now())
        return answered(model, documents, by=by, key=_key_of(chunk, first, key)).rows
    except Refusal as refusal:
        if not first:
            raise
        return [{"problem": refusal_answer(refusal)}] * len(chunk)


def _key_of(chunk: list[bytes], first: int, key: IdempotencyKey | None) -> IdempotencyKey | None:
    """A body that grew or shrank under the same key meets the same keys of chunks, and is refused there."""
    if key is None:
        return None
    digest = hashlib.sha256(key.body_sha256.encode() + b"\n" + b"".join(chunk)).hexdigest()
    whole = hashlib.sha256(key.key.encode()).hexdigest()
    return IdempotencyKey(f"stream {whole} from row {first + 1}", digest)


def _chunks(body: IO[bytes]) -> Iterator[list[bytes]]:
    """Lines that hold something, CHUNK of them or LARGEST_CHUNK bytes at a time, whichever is less."""
    chunk: list[bytes] = []
    size = 0
    for line in _lines(body):
        chunk.append(line)
        size += len(line)
        if len(chunk) == CHUNK or size >= LARGEST_CHUNK:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _lines(body: IO[bytes]) -> Iterator[bytes]:
    """A line that is longer than one application may be comes cut, one byte too long, to be refused in its place."""
    while line := body.readline(LARGEST_SINGLE + 1):
        rest = line
        while not rest.endswith(b"\n") and (rest := body.readline(AT_ONCE)):
            pass
        if line.strip():
            yield line
