"""The full check while the log grows: it must not call an entry removed that was sealed a moment ago."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import User
from django.db import connection

from audit.actions.keys import open_log
from audit.sequencer import seal
from audit.verification import verify_log
from tests.audit.acts import some_entries
from tests.audit.conftest import LOG, a_keeper

CHECKS = 5


@pytest.fixture
def keeper(own_database: str, own_folders: Path, settings: LazySettings) -> User:
    """Keeper of a log of 400 sealed entries, in a database that really commits."""
    keeper = a_keeper()
    open_log(LOG, by=keeper)
    some_entries(400, by=keeper)
    seal(LOG)
    return keeper


@contextmanager
def the_log_growing(keeper: User) -> Iterator[None]:
    """Entries are recorded and sealed in another thread, without a pause."""
    stop = threading.Event()

    def grow() -> None:
        while not stop.is_set():
            some_entries(1, by=keeper)
            seal(LOG)
        connection.close()

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_a_log_that_grows_while_it_is_checked_holds(keeper: User) -> None:
    with the_log_growing(keeper):
        found = [verify_log(by=keeper) for _ in range(CHECKS)]

    assert [check.problems for check in found] == [[]] * CHECKS
    assert found[-1].tree_size > found[0].tree_size > 400
