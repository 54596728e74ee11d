"""Logs of a test's own: keys, signer, archive and store in its own folder."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings
from django.contrib.auth.models import Group, Permission, User

from audit.actions.keys import open_log

LOG = "credence.test/own/2026"


@pytest.fixture
def vectors(reference: Path) -> Callable[[str], Any]:
    """Reads a reference vector file by name."""
    return lambda name: json.loads((reference / "vectors" / f"{name}.json").read_text())


@pytest.fixture
def keeper(db: None) -> User:
    """Someone whose role allows every act on the log."""
    return a_keeper()


def a_keeper() -> User:
    user, _ = User.objects.get_or_create(username="keeper")
    role, _ = Group.objects.get_or_create(name="keeper of the tests")
    role.permissions.set(Permission.objects.filter(content_type__app_label="audit"))
    user.groups.add(role)
    return user


@pytest.fixture
def own_folders(settings: LazySettings, tmp_path: Path) -> Path:
    """Keys, signer state, sequencer lock, archive and store that no other test sees."""
    for name in ("VAR", "KEYS", "STORE", "ARCHIVE"):
        setattr(settings, f"CREDENCE_{name}", tmp_path / name.lower())
    return tmp_path


@pytest.fixture
def log(own_folders: Path, keeper: User) -> str:
    """A log that was opened and not yet sealed; its origin."""
    open_log(LOG, by=keeper)
    return LOG
