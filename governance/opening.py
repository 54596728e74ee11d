"""Showing a part of a change's evidence: an act the first time, and a read while the same person is shown the same."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from audit.action import holds
from audit.canonical import digest_json
from audit.errors import Refusal
from governance.actions.evidence import OPEN, open_part
from governance.models import EvidenceView
from governance.queries.evidence import shown_to


def part_shown(change_id: UUID, part: str, *, by: User) -> dict[str, Any]:
    """The part, and an entry that this person saw it unless the last one says so of the same. Raises what `open_part` raises."""
    views = EvidenceView.objects.filter(change_request=change_id, viewer=by, part=part)
    last = views.select_related("change_request__version", "change_request__policy").first()
    if last is not None and holds(by, OPEN):
        with suppress(Refusal):  # the act refuses, on record
            shown = shown_to(by, last.change_request, part)
            if digest_json(shown) == last.shown_sha256:
                return shown
    return open_part(change_id, part, by=by)
