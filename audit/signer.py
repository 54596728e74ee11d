"""The log's signer: it vouches for a checkpoint only when the tree grew from what it signed last.

Its memory is a file beside its key, never the database: whoever restores or rewrites the database cannot make it sign
a second tree of one size, or a smaller one.
"""

import base64
import fcntl
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings

from audit import keys, notes
from audit.errors import Refusal
from audit.merkle import EMPTY_ROOT, BadProof, verify_consistency
from audit.tiles import CheckpointBody


class SignerRefused(Refusal):
    """The signer will not vouch for this tree. Nothing is signed until a person has found out why."""

    status = 503


class TreeShrank(SignerRefused):
    """The tree is smaller than one that was signed: an older database was restored, or entries were removed."""


class TreeRewritten(SignerRefused):
    """The tree does not begin with the one that was signed: entries were changed, reordered or removed."""


class SignerStateMissing(SignerRefused):
    """The signer does not know what it signed last, so it cannot know what it must not sign."""


class FileSigner:
    """Signs with the log key file, and remembers the last checkpoint in `log.state` beside it."""

    def __init__(self, folder: Path) -> None:
        self._state = folder / "log.state"

    def begin(self, origin: str) -> None:
        """Remember the empty tree of a new log. Raises FileExistsError where there is a memory already."""
        with self._state.open("x"):
            pass
        self._remember(CheckpointBody(origin, 0, EMPTY_ROOT))

    def last(self) -> CheckpointBody:
        """What was signed last; size 0 before the first. Raises SignerStateMissing."""
        try:
            state = json.loads(self._state.read_text())
            return CheckpointBody(state["origin"], state["size"], base64.b64decode(state["root"]))
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise SignerStateMissing(
                f"{self._state} cannot be read ({problem}). Restore it together with the key."
            ) from None

    def sign(self, body: CheckpointBody, growth: Sequence[bytes]) -> str:
        """The checkpoint as a signed note. `growth` proves that the tree grew from `last()`.

        1. Refuse what does not follow from the last checkpoint (TreeShrank, TreeRewritten).
        2. Remember this one durably. A crash after this step leaves a checkpoint that can only be signed again.
        3. Only then release the signature.
        """
        with self._alone():
            self._require_growth(self.last(), body, growth)
            self._remember(body)
            return notes.sign_note(body.text, [notes.NoteSigner(body.origin, keys.log_key())])

    def _require_growth(
        self, last: CheckpointBody, body: CheckpointBody, growth: Sequence[bytes]
    ) -> None:
        if body.origin != last.origin:
            raise TreeRewritten(f"This key signs for {last.origin}, not for {body.origin}.")
        if body.size < last.size:
            raise TreeShrank(
                f"The tree has {body.size} entries; {last.size} were signed. Restore the newer database."
            )
        if last.size == 0:
            return
        try:
            verify_consistency(last.size, body.size, growth, last.root, body.root)
        except BadProof as problem:
            raise TreeRewritten(
                f"The tree of {body.size} does not begin with the {last.size} entries that were signed: {problem}"
            ) from None

    def _remember(self, body: CheckpointBody) -> None:
        root = base64.b64encode(body.root).decode()
        state = json.dumps({"origin": body.origin, "size": body.size, "root": root})
        fresh = self._state.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            file.write(state + "\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.rename(self._state)
        folder = os.open(self._state.parent, os.O_RDONLY)
        try:
            os.fsync(folder)  # or a power cut could bring the earlier state back
        finally:
            os.close(folder)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Checking and remembering are one step, whichever processes call."""
        with self._state.with_suffix(".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def log_signer() -> FileSigner:
    return FileSigner(Path(settings.CREDENCE_KEYS))
