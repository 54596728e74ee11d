"""Sending a task by its name once the act has committed. The row that holds the intent is what a sweep finds if this is lost."""

import logging
from functools import partial

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)


def send_on_commit(task: str, *arguments: str | int | None) -> None:
    transaction.on_commit(partial(_send, task, arguments))


def _send(task: str, arguments: tuple[str | int | None, ...]) -> None:
    try:
        current_app.send_task(task, args=arguments)
    except (OperationalError, OSError) as problem:
        # The act has committed: the caller must not see an error. The scheduled sweep carries the intent out.
        logger.warning("The broker did not take %s%r: %s", task, arguments, problem)
