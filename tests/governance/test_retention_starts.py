"""The retention of a version's documents starts when it is put into service, and when it is retired."""

from datetime import timedelta

import pytest
from django.utils import timezone

from audit.models import Entry, RetentionStart
from governance import sweeps
from registry.models import ModelVersion
from tests.audit.tampering import drop_triggers
from tests.serving.builders import a_champion

pytestmark = pytest.mark.django_db


def known() -> list[tuple[str, str]]:
    return sorted(RetentionStart.objects.values_list("record_class", "subject_id"))


def test_a_champion_is_in_service_and_not_retired():
    version = a_champion()

    sweeps.start_retentions()
    sweeps.start_retentions()

    assert known() == [("technical_documentation", str(version.pk))]
    assert Entry.objects.filter(event="audit.retention.started").count() == 1


def test_an_archived_version_is_retired_once_nobody_can_roll_back_to_it():
    version = a_champion()
    drop_triggers("registry_modelversion")
    archived = ModelVersion.objects.filter(pk=version.pk)
    archived.update(stage="archived", stage_changed_at=timezone.now() - timedelta(days=20))
    sweeps.start_retentions()
    assert ("model_document", str(version.pk)) not in known()

    archived.update(stage_changed_at=timezone.now() - timedelta(days=32))
    sweeps.start_retentions()

    start = RetentionStart.objects.get(record_class="model_document")
    assert start.subject_id == str(version.pk)
    assert start.started_on == (timezone.now() - timedelta(days=32)).date()
