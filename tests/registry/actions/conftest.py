"""People who may and may not act on the registry, and what the log says."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import User

from audit import entries
from audit.models import Entry
from tests.registry.builders import the_builder, the_checker


@pytest.fixture
def builder(db: None) -> User:
    return the_builder()


@pytest.fixture
def checker(db: None) -> User:
    return the_checker()


@pytest.fixture
def outsider(db: None) -> User:
    """All of Django's power, and no role."""
    return User.objects.create_superuser("outsider")


@pytest.fixture
def last_entry(db: None) -> Callable[[], dict[str, Any]]:
    """The newest entry as recorded: event, actor, subject, details."""
    return lambda: entries.parse(bytes(Entry.objects.order_by("-id")[0].body))
