"""Whose cosignatures make a checkpoint worth believing: the tlog-policy file, and whether a quorum is met.

Source: C2SP tlog-policy. Pure: text in, frozen dataclasses out.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass

from audit.notes import COSIGNATURE, ED25519, ML_DSA_44, MalformedKey, Verifier, parse_vkey

MAX_POLICY_BYTES = 1_000_000
NONE = "none"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")
_COUNT = re.compile(r"[1-9][0-9]{0,5}", re.ASCII)
_LOG_KINDS = {ED25519, ML_DSA_44}
_WITNESS_KINDS = {COSIGNATURE, ML_DSA_44}


class MalformedPolicy(ValueError):
    """A policy that does not parse, and so allows nothing."""


@dataclass(frozen=True)
class PolicyLog:
    """A log whose checkpoints are accepted: one of its keys, and where it is reached (or "")."""

    verifier: Verifier
    url: str


@dataclass(frozen=True)
class PolicyWitness:
    """A witness by the name that this policy gives it; `url` is its submission prefix, or ""."""

    name: str
    verifier: Verifier
    url: str

    @property
    def key_id(self) -> str:
        return f"{self.verifier.name}+{self.verifier.key_id.hex()}"


@dataclass(frozen=True)
class PolicyGroup:
    """At least `threshold` of the members, each a witness or a group defined before."""

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True)
class Policy:
    """Logs, witnesses, groups in the order of their definition, and the name of the quorum; None where no witness is needed."""

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: str | None

    def is_met(self, cosigned: Collection[str]) -> bool:
        """True when the witnesses of these names are enough."""
        if self.quorum is None:
            return True
        witnessed = {witness.name for witness in self.witnesses} & set(cosigned)
        for group in self.groups:  # members come before their group
            if sum(member in witnessed for member in group.members) >= group.threshold:
                witnessed.add(group.name)
        return self.quorum in witnessed


NO_WITNESSES = Policy((), (), (), None)


def parse_policy(text: str) -> Policy:
    """Read a policy file. Raises MalformedPolicy, naming the line.

    A name is defined before it is used, and is a member at most once, so that nobody counts twice.
    """
    if len(text.encode(errors="surrogateescape")) > MAX_POLICY_BYTES:
        raise MalformedPolicy(f"A policy has at most {MAX_POLICY_BYTES} bytes.")
    if not text.endswith("\n"):
        raise MalformedPolicy("The last line does not end in a newline: was the file cut off?")
    reader = _Reader()
    for number, line in enumerate(text.removesuffix("\n").split("\n"), start=1):
        try:
            reader.read(line)
        except ValueError as problem:
            raise MalformedPolicy(f"Line {number}: {problem}") from None
    return reader.finish()


def witness_lines(text: str) -> str:
    """The lines of a policy file that are about witnesses, groups and the quorum, as whoever wrote them wrote them."""
    lines = text.removesuffix("\n").split("\n")
    return "".join(f"{line}\n" for line in lines if _words(line)[:1] not in ([], ["log"]))


class _Reader:
    """What was defined so far."""

    def __init__(self) -> None:
        self._logs: list[PolicyLog] = []
        self._witnesses: list[PolicyWitness] = []
        self._groups: list[PolicyGroup] = []
        self._quorum: str | None = None
        self._names: set[str] = set()
        self._members: set[str] = set()
        self._keys: set[tuple[str, bytes]] = set()

    def read(self, line: str) -> None:
        if _CONTROL.search(line):
            raise ValueError("it holds a control character.")
        words = _words(line)
        if not words:
            return
        kinds = {
            "log": self._log,
            "witness": self._witness,
            "group": self._group,
            "quorum": self._quorum_line,
        }
        if words[0] not in kinds:
            raise ValueError(f"{words[0]!r} is none of log, witness, group and quorum.")
        kinds[words[0]](words[1:])

    def finish(self) -> Policy:
        if self._quorum is None:
            raise MalformedPolicy("There is no quorum line; without witnesses it is `quorum none`.")
        quorum = None if self._quorum == NONE else self._quorum
        return Policy(tuple(self._logs), tuple(self._witnesses), tuple(self._groups), quorum)

    def _log(self, words: list[str]) -> None:
        if len(words) not in (1, 2):
            raise ValueError("a log is `log <vkey> [<url>]`.")
        verifier = self._key("log", words[0], _LOG_KINDS)
        self._logs.append(PolicyLog(verifier, words[1] if len(words) == 2 else ""))

    def _witness(self, words: list[str]) -> None:
        if len(words) not in (2, 3):
            raise ValueError("a witness is `witness <name> <vkey> [<url>]`.")
        verifier = self._key("witness", words[1], _WITNESS_KINDS)
        self._define(words[0])
        self._witnesses.append(
            PolicyWitness(words[0], verifier, words[2] if len(words) == 3 else "")
        )

    def _group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise ValueError("a group is `group <name> <k|any|all> <member>...`.")
        name, threshold_text, *members = words
        for member in members:
            self._require_defined(member)
            if member in self._members:
                raise ValueError(f"{member!r} is a member already; nobody counts twice.")
            self._members.add(member)
        self._define(name)
        self._groups.append(
            PolicyGroup(name, _threshold(threshold_text, len(members)), tuple(members))
        )

    def _quorum_line(self, words: list[str]) -> None:
        if len(words) != 1:
            raise ValueError("the quorum is `quorum <name>` or `quorum none`.")
        if self._quorum is not None:
            raise ValueError("there is a quorum line already.")
        if words[0] != NONE:
            self._require_defined(words[0])
        self._quorum = words[0]

    def _key(self, what: str, vkey: str, kinds: set[int]) -> Verifier:
        try:
            verifier = parse_vkey(vkey)
        except (MalformedKey, UnicodeError) as problem:
            raise ValueError(f"the key of the {what} cannot be used: {problem}") from None
        if verifier.kind not in kinds:
            raise ValueError(f"a key of kind {verifier.kind:02x} is not the key of a {what}.")
        if (what, verifier.public) in self._keys:
            raise ValueError(f"another {what} has the same key.")
        self._keys.add((what, verifier.public))
        return verifier

    def _define(self, name: str) -> None:
        if name == NONE or name in self._names:
            raise ValueError(f"the name {name!r} is taken.")
        self._names.add(name)

    def _require_defined(self, name: str) -> None:
        if name not in self._names:
            raise ValueError(f"{name!r} is not defined on a line before.")


def _words(line: str) -> list[str]:
    """Between spaces and tabs; other spaces are part of a word. None of a comment."""
    words = [word for word in re.split(r"[ \t]+", line) if word]
    return [] if words and words[0].startswith("#") else words


def _threshold(text: str, members: int) -> int:
    if text in ("any", "all"):
        return 1 if text == "any" else members
    if not _COUNT.fullmatch(text) or int(text) > members:
        raise ValueError(f"{text!r} of {members} is no threshold: any, all, or 1 to {members}.")
    return int(text)
