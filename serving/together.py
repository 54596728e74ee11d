"""Deciding one application for each of many requests that arrive at one moment."""

import logging
from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import DatabaseError, close_old_connections

from audit.context import circumstances, within
from audit.errors import Refusal
from serving.actions.decisions import Asked, decide, decide_several
from serving.grouping import Grouping
from serving.idempotency import IdempotencyKey
from serving.models import Decision

MOST_TOGETHER = 64
logger = logging.getLogger(__name__)
_grouping: Grouping[Asked, Decision | Refusal] = Grouping(MOST_TOGETHER)


def decide_among_others(
    model_name: str,
    document: object,
    *,
    by: User,
    number: int | None = None,
    key: IdempotencyKey | None = None,
) -> Decision | Refusal:
    """As `decide`, and in one transaction with the requests of the same client that waited with it.

    Whatever does not go well together is decided, or refused on record, alone.
    """

    def alone() -> Decision | Refusal:
        return decide(model_name, document, by=by, number=number, key=key)

    def together(group: Sequence[Asked]) -> Sequence[Decision | Refusal | None]:
        try:
            with within(group[0].circumstances):
                return decide_several(model_name, group, by=by, number=number)
        except (Refusal, DatabaseError) as problem:
            logger.info("%s requests are decided one by one: %s", len(group), problem)
            return [None] * len(group)
        finally:
            close_old_connections()

    asked = Asked(document, key, circumstances())
    return _grouping.take_part((model_name, number, by.pk), asked, alone, together)
