"""What comes in when a person asks for something about their data, and what is wrong with it. Pure."""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from audit.errors import FieldProblem, InvalidInput

NEEDED = {
    "correspondence": "Give the bank's own file number of the request.",
    "identity_check": "Say how you made sure that the person is who they say.",
}


class PersonRequestMalformed(InvalidInput):
    """A person's request lacks something, or names something that cannot be."""


@dataclass(frozen=True)
class PersonRequest:
    """The person is named by a client's own reference, or by their identifier here: one of the two.

    The reference is looked up and then forgotten; `correspondence` is the bank's file number, without a name in it.
    """

    correspondence: str
    identity_check: str
    received_on: date
    client: str = ""
    subject_ref: str = ""
    subject_id: UUID | None = None

    def require_sound(self, today: date) -> None:
        """Raises PersonRequestMalformed with every bad field."""
        problems = [
            FieldProblem(name, "missing", detail)
            for name, detail in NEEDED.items()
            if not getattr(self, name).strip()
        ]
        if self.received_on > today:
            detail = "Must not lie in the future."
            problems.append(FieldProblem("received_on", "out_of_range", detail))
        if (self.subject_id is None) == (not self.subject_ref):
            detail = "Name the person by subject_ref, or by subject_id: one of the two."
            problems.append(FieldProblem("subject_ref", "missing", detail))
        if self.subject_ref and not self.client:
            detail = "Say whose reference it is: the lending system's account."
            problems.append(FieldProblem("client", "missing", detail))
        if problems:
            raise PersonRequestMalformed("The request cannot be taken.", errors=problems)
