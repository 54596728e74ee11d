"""What a witness keeps, in a folder of its own: its keys, and the checkpoint that it cosigned last for each log.

witness.key            Ed25519, PEM, mode 0600
witness.ml-dsa.key     ML-DSA-44 beside it, where it was asked for
witness.vkeys          the public halves, one verifier key a line
logs/<hex SHA-256 of the origin>/checkpoint    the log's note with our cosignatures: state, and what monitors fetch
"""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from audit import durable
from audit.errors import Refusal
from audit.notes import Cosigner, Verifier, open_note, parse_vkey
from audit.tiles import CheckpointBody, parse_checkpoint
from audit.witness.protocol import AddCheckpoint, checkpoint_of, monitor_name, require_growth

ED25519_FILE = "witness.key"
ML_DSA_FILE = "witness.ml-dsa.key"
VKEYS_FILE = "witness.vkeys"
PrivateKey = Ed25519PrivateKey | MLDSA44PrivateKey


class WitnessExists(Refusal):
    """Keys are never overwritten: a witness that loses its key is another witness."""


class WitnessUnusable(Refusal):
    """The folder holds no witness, or one that cannot be relied on. Nothing is cosigned."""

    status = 503


def make_witness(folder: Path, name: str, *, ml_dsa: bool = False) -> list[str]:
    """Make the keys of a new witness; its verifier keys. Raises WitnessExists, and MalformedKey for a name that is none."""
    keys: list[tuple[str, PrivateKey]] = [(ED25519_FILE, Ed25519PrivateKey.generate())]
    if ml_dsa:
        keys.append((ML_DSA_FILE, MLDSA44PrivateKey.generate()))
    vkeys = [Cosigner(name, key).vkey for _, key in keys]
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    if (folder / ED25519_FILE).exists():
        raise WitnessExists(f"{folder} already holds a witness. Its keys are never overwritten.")
    for file, key in keys:
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        durable.write(folder / file, pem)
    durable.write(folder / VKEYS_FILE, "".join(f"{vkey}\n" for vkey in vkeys).encode())
    return vkeys


class WitnessStore:
    """A witness: vouches for each log it was told to watch, never for two trees of one size nor for one that shrank."""

    def __init__(
        self,
        folder: Path,
        logs: Sequence[Verifier],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Raises WitnessUnusable without keys, or where a log was not named."""
        self._folder, self._clock = folder, clock
        self._cosigners = _cosigners(folder)
        self._trusted: Mapping[str, list[Verifier]] = {
            log.name: [other for other in logs if other.name == log.name] for log in logs
        }
        if not self._trusted:
            raise WitnessUnusable("Name at least one log to watch, by its verifier key.")

    @property
    def vkeys(self) -> list[str]:
        return [cosigner.vkey for cosigner in self._cosigners]

    @property
    def origins(self) -> list[str]:
        return sorted(self._trusted)

    def cosign(self, request: AddCheckpoint) -> str:
        """Our signature lines over the checkpoint of a request.

        1. Whose it is: a checkpoint that no trusted key signed is nobody's (NotCosigned, before any lock is taken).
        2. Alone with this log's state: refuse whatever does not grow from what was cosigned last.
        3. Keep the new state durably. A crash after this step leaves a log that is told its own size, and may ask again.
        4. Only then release the cosignatures.
        """
        body, note = checkpoint_of(request, self._trusted)
        with self._alone(body.origin) as path:
            last = self._last(path, body.origin)
            require_growth(request, body, last)
            lines = "".join(
                cosigner.line(body.text, int(self._clock())) for cosigner in self._cosigners
            )
            durable.write(path, (note + lines).encode())
        return lines

    def checkpoint(self, name: str) -> bytes | None:
        """What monitors see under `monitor_name(origin)`; None where nothing was cosigned or no log has that name."""
        if name not in {monitor_name(origin) for origin in self._trusted}:
            return None
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            return None

    def _path(self, name: str) -> Path:
        return self._folder / "logs" / name / "checkpoint"

    def _last(self, path: Path, origin: str) -> CheckpointBody | None:
        """What was cosigned last: our own signature says so. Raises WitnessUnusable where the file does not."""
        try:
            note = path.read_bytes()
        except FileNotFoundError:
            return None
        ours = [parse_vkey(vkey) for vkey in self.vkeys]
        try:
            body = parse_checkpoint(open_note(note, ours).text)
        except ValueError as problem:
            raise WitnessUnusable(f"{path} is damaged ({problem}). Restore it; do not remove it.") from None  # fmt: skip
        if body.origin != origin:
            raise WitnessUnusable(f"{path} is about {body.origin}, not about {origin}.")
        return body

    @contextmanager
    def _alone(self, origin: str) -> Iterator[Path]:
        """Checking and keeping are one step, whichever threads and processes ask."""
        path = self._path(monitor_name(origin))
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with durable.alone(path.with_name("lock")):
            yield path


def _cosigners(folder: Path) -> list[Cosigner]:
    """The keys in the folder, under the names that their public halves give them. Raises WitnessUnusable."""
    try:
        vkeys = (folder / VKEYS_FILE).read_text().split()
        files = [folder / ED25519_FILE, folder / ML_DSA_FILE][: len(vkeys)]
        cosigners = [
            Cosigner(parse_vkey(vkey).name, _private_key(file))
            for vkey, file in zip(vkeys, files, strict=True)
        ]
    except (OSError, ValueError) as problem:
        raise WitnessUnusable(
            f"{folder} holds no witness ({problem}). `manage.py witness init` makes one."
        ) from None
    if not vkeys or [cosigner.vkey for cosigner in cosigners] != vkeys:
        raise WitnessUnusable(f"The keys in {folder} are not those that {VKEYS_FILE} names.")
    return cosigners


def _private_key(path: Path) -> PrivateKey:
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, Ed25519PrivateKey | MLDSA44PrivateKey):
        raise ValueError(f"{path.name} is neither an Ed25519 nor an ML-DSA-44 key")
    return key
