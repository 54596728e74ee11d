"""What tests of governance share."""

import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.utils import timezone

from audit.key_making import install_producer, prepare_producer
from tests.conftest import ORIGIN


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], None]:
    """Sets the time that acts see, as if it had passed."""

    def set_to(moment: datetime) -> None:
        monkeypatch.setattr(timezone, "now", lambda: moment)

    return set_to


@pytest.fixture
def lasting_key(settings: LazySettings, tmp_path: Path) -> None:
    """A producer key of ten years, in a folder of its own: for tests whose clock runs past the usual month."""
    keys = tmp_path / "keys"
    shutil.copytree(settings.CREDENCE_KEYS, keys)
    settings.CREDENCE_KEYS = keys
    install_producer(prepare_producer(ORIGIN, timezone.now(), days=3660))
