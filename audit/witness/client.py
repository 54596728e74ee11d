"""How a log asks a witness: one request, and what came of it. What to do about that is decided in `audit.publishing`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from audit.deferred import deferred
from audit.notes import NoteError, NoteSignature, Verifier
from audit.witness.protocol import SIZE_TYPE, AddCheckpoint, known_lines

if TYPE_CHECKING:
    import httpx
else:
    httpx = deferred("httpx")

MAX_ANSWER_BYTES = 100_000
CLOCK_SECONDS = 600  # a cosignature from further in the future says nothing about when it was made

_SIZE = re.compile(r"(0|[1-9][0-9]{0,18})\n", re.ASCII)


@dataclass(frozen=True)
class Cosigned:
    """Signature lines of the witness that were verified, each with what it says."""

    lines: dict[str, NoteSignature]


@dataclass(frozen=True)
class KnowsSize:
    """The witness cosigned another size last (409). Smaller than ours: ask from there. Larger: somebody went back."""

    size: int


@dataclass(frozen=True)
class RefusedProof:
    """The witness found that the log did not grow from what it cosigned last (422)."""

    detail: str


@dataclass(frozen=True)
class Failed:
    """No answer, or one that is of no use: ask again later."""

    detail: str


Answer = Cosigned | KnowsSize | RefusedProof | Failed


def ask(
    http: httpx.Client, url: str, request: AddCheckpoint, verifiers: Sequence[Verifier], now: float
) -> Answer:
    """Post a checkpoint to the witness with this submission prefix and these keys; `now` is in Unix seconds."""
    try:
        with http.stream(
            "POST", f"{url.rstrip('/')}/add-checkpoint", content=request.encode()
        ) as response:
            text = _read(response).decode()
    except (httpx.HTTPError, httpx.InvalidURL) as problem:
        return Failed(f"it did not answer ({type(problem).__name__}: {problem})")
    except ValueError as problem:
        return Failed(f"its answer cannot be read: {problem}")
    if response.status_code == 200:
        return _cosigned(text, request, verifiers, now)
    if response.status_code == 409 and (size := _SIZE.fullmatch(text)) and _is_size(response):
        return KnowsSize(int(size[1]))
    if response.status_code == 422:
        return RefusedProof(_said(text))
    return Failed(f"it answered {response.status_code}: {_said(text)}")


def _read(response: httpx.Response) -> bytes:
    data = b""
    for part in response.iter_bytes():
        data += part
        if len(data) > MAX_ANSWER_BYTES:
            raise ValueError(f"it is longer than {MAX_ANSWER_BYTES} bytes")
    return data


def _is_size(response: httpx.Response) -> bool:
    kind: str = response.headers.get("Content-Type", "")
    return kind.partition(";")[0].strip() == SIZE_TYPE


def _cosigned(
    text: str, request: AddCheckpoint, verifiers: Sequence[Verifier], now: float
) -> Answer:
    body = request.note.rpartition("\n\n")[0] + "\n"
    try:
        lines = known_lines(body, text.removesuffix("\n").split("\n"), verifiers)
    except NoteError as problem:
        return Failed(f"its cosignature is not good: {problem}")
    if not lines:
        return Failed("it cosigned with none of the keys that the policy names")
    if any((signature.time or 0) > now + CLOCK_SECONDS for signature in lines.values()):
        return Failed("its clock is ahead of ours by more than ten minutes")
    return Cosigned(lines)


def _said(text: str) -> str:
    """What a stranger's server said, short enough for a log line and without its line breaks."""
    return " ".join(text.split())[:200] or "nothing"
