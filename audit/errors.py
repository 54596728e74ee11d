"""Refusals: expected, safe to show, recorded. Everything else that goes wrong is a 500 without detail."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar


@dataclass(frozen=True)
class FieldProblem:
    """One thing wrong with one field. `type` is stable and meant for programs; `detail` for people; neither holds a value."""

    field: str
    type: str
    detail: str


class Refusal(Exception):
    """An act is refused, and nothing has changed. One subclass per reason.

    `status` is the HTTP status that an edge answers with.
    """

    status: ClassVar[int] = 409
    headers: Mapping[str, str] = MappingProxyType({})  # of the answer, beside its body

    def __init__(self, detail: str, *, errors: Sequence[FieldProblem] = ()) -> None:
        super().__init__(detail)
        self.detail = detail
        self.errors = tuple(errors)

    @property
    def type(self) -> str:
        """`ApproverIsDeveloper` is `approver-is-developer`."""
        return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", type(self).__name__).lower()

    @property
    def title(self) -> str:
        return self.type.replace("-", " ").capitalize()


class NotPermitted(Refusal):
    """The person or service account does not hold the permission through a role."""

    status = 403


class NotFound(Refusal):
    """Nothing by that name."""

    status = 404


class InvalidInput(Refusal):
    """The request names fields that are wrong; every one of them is listed."""

    status = 422


class EntryTooLarge(Refusal):
    """An entry would exceed 60 KB; large payloads enter the log by digest."""

    status = 413


class MalformedAddress(Refusal):
    """The address of a request holds what no address needs and no database takes."""

    status = 400


class MalformedBody(Refusal):
    """The body of a request is not the JSON object that is asked for."""

    status = 400


class TooDeeplyNested(Refusal):
    """The body of a request nests lists and objects deeper than any application does."""

    status = 400


class DuplicateName(Refusal):
    """An object in the body of a request names a member twice, so that its meaning is unclear."""

    status = 400


class BodyTooLarge(Refusal):
    """The body of a request is larger than the route takes."""

    status = 413


class Overtaken(Refusal):
    """Another act did the same, or held what this one needed, at the same moment. Asking again shows what it did."""


class ShardIsClosed(Refusal):
    """This shard of the log has ended and the next one is being opened. Asking again in a second succeeds."""

    status = 503


class NotRecordable(Refusal):
    """A value cannot be written into the log: half of a surrogate pair, a name that is not ASCII, a number beyond 2^53."""

    status = 422


class NoSuchSubject(NotFound):
    """The vault knows no subject by that reference or identifier."""


class NoSuchErasureCase(NotFound):
    """There is no request for erasure of that identifier."""


class NoSuchHold(NotFound):
    """There is no legal hold of that identifier."""


class AlreadyErased(Refusal):
    """The subject's keys are gone."""

    status = 410


class ErasureDisputed(Refusal):
    """The request is disputed: two people settle it, by a change request."""


class UnderLegalHold(Refusal):
    """A legal hold covers what would be destroyed."""


class NotStored(NotFound):
    """The content store has no bytes under that digest."""


class StoreRefused(Refusal):
    """The content store cannot be reached, did not take the bytes, or would not keep them."""

    status = 503


class StoredBytesDiffer(Refusal):
    """The bytes found do not have the digest under which they were stored."""

    status = 503


class KeyMissing(Refusal):
    """A key file is missing or cannot be read. `manage.py keys init` makes the keys of a new log."""

    status = 503


class BadSignature(Refusal):
    """A signature is not by a key that the log key has delegated to."""

    status = 422


class NothingRecorded(Exception):
    """An act changed state and recorded nothing: a fault of ours. The act was rolled back."""


class NotInAnAct(Exception):
    """`record` was called outside of an act: a fault of ours."""
