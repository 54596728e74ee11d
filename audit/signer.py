"""The log's signer: it vouches for a checkpoint only when the tree grew from what it signed last.

Its memory is a file beside its key, never the database: whoever restores or rewrites the database cannot make it sign
a second tree of one size, or a smaller one.
"""

import base64
import json
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from urllib.parse import quote

from audit import durable, keys, notes
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


class LogSigner:
    """Signs checkpoints of one origin with all keys of the log, and remembers the last in `signer/<origin>.json`."""

    def __init__(self, origin: str, folder: Path) -> None:
        self.origin = origin
        self._state = folder / "signer" / f"{quote(origin, safe='')}.json"

    def begin(self) -> None:
        """Remember the empty tree of a new log. Raises FileExistsError where there is a memory already."""
        self._state.parent.mkdir(exist_ok=True, mode=0o700)
        with self._alone():
            if self._state.exists():
                raise FileExistsError(f"{self._state.name} exists.")
            self._remember(CheckpointBody(self.origin, 0, EMPTY_ROOT))

    def has_begun(self) -> bool:
        return self._state.exists()

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
        2. Have every key at hand before anything is remembered (KeyMissing, SignerUnavailable).
        3. Remember this one durably. A crash after this step leaves a checkpoint that can only be signed again.
        4. Only then release the signatures: Ed25519, and ML-DSA-44 with the time of signing.
        """
        with self._alone():
            self._require_growth(self.last(), body, growth)
            signers = keys.log_signers(self.origin)
            self._remember(body)
            return notes.sign_note(body.text, signers, time=int(time.time()))

    def _require_growth(
        self, last: CheckpointBody, body: CheckpointBody, growth: Sequence[bytes]
    ) -> None:
        if not body.origin == last.origin == self.origin:
            raise TreeRewritten(f"This signs for {self.origin}, not for {body.origin}.")
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
        durable.write(self._state, state.encode() + b"\n")

    def _alone(self) -> AbstractContextManager[None]:
        """Checking and remembering are one step, whichever processes call."""
        return durable.alone(self._state.with_suffix(".lock"))


def log_signer(origin: str | None = None) -> LogSigner:
    """What signs the checkpoints of that log, by default of the one that is written now."""
    return LogSigner(origin or keys.current_origin(), keys.folder())
