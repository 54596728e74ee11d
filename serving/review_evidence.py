"""Looking at the evidence of a review: an act the first time, and a read while it stays the same."""

from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User

from audit.action import permissions_of
from audit.canonical import digest_json
from audit.errors import Refusal
from serving.actions.reviews import OVERTURN, SEE_DATA, open_review_evidence
from serving.models import Review
from serving.reviews import evidence_of, has_opened


def evidence_shown(review_id: UUID, *, by: User) -> dict[str, Any]:
    """The evidence, and once for each reviewer and digest of it an entry that they saw it: a page is drawn many times.

    Whoever may not look, or has not since something was said, goes by the act, which refuses or records.
    Raises what `open_review_evidence` raises.
    """
    review = Review.objects.filter(pk=review_id, state=Review.State.REVIEWED, reviewer=by).first()
    if review is not None and permissions_of(by) >= {OVERTURN, SEE_DATA}:
        with suppress(Refusal):  # the act refuses, on record
            shown = evidence_of(review)
            if has_opened(review, by, digest_json(shown)):
                return shown
    return open_review_evidence(review_id, by=by)
