"""What the operational log says when the database refuses a row."""

import logging
import sys

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from audit.logs import WithoutRows
from serving.models import Observation
from tests.serving.builders import a_champion, a_decision

pytestmark = pytest.mark.django_db


def test_a_row_that_the_database_refuses_is_not_quoted(lending: User) -> None:
    decision = a_decision(a_champion())
    seen = Observation.objects.get(decision=decision)
    seen.pk = "019aa5c3-7d3e-7cc1-8d2e-5a0f3f6f2b11"
    seen.pd, seen.method = 17.25, "one line\nof Ann Example"

    try:
        with transaction.atomic():
            seen.save(force_insert=True)
    except IntegrityError:
        record = logging.LogRecord("django.request", logging.ERROR, "", 0, "", (), sys.exc_info())
        line = WithoutRows("%(message)s").format(record)

    assert "IntegrityError" in line
    assert "serving_observation_pd" in line
    assert "17.25" not in line
    assert "Ann Example" not in line


def test_the_services_log_is_written_that_way() -> None:
    assert settings.LOGGING["formatters"]["line"]["()"] == "audit.logs.WithoutRows"
