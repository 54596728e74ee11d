"""Who writes documents and who approves them."""

import pytest
from django.contrib.auth.models import User

from registry.models import ModelVersion
from tests.conftest import a_person
from tests.governance.builders import a_measured_version


@pytest.fixture
def version(developer: User) -> ModelVersion:
    """A registered version that Dana built, with a passed gate report."""
    return a_measured_version(developer)


@pytest.fixture
def second_validator(db: None) -> User:
    return a_person("viola", "validator")
