"""Rows that are recorded while a decision is made: it sees them, or they are known later than it looked."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import numpy as np
import pytest
from django.db import connection, connections, transaction
from django.utils import timezone

from audit import turns
from registry.contract import FeatureContract
from registry.feature_tables import source_of, turn_of
from serving.actions.decisions import decide
from serving.models import Decision
from tests.registry.builders import CONTRACT, a_dataset, a_description, a_run
from tests.registry.tables import a_document, a_table, recorded
from tests.serving.builders import a_champion, an_application, the_client

pytestmark = pytest.mark.postgres


def decided(name: str, application: dict) -> Decision:
    try:
        decision = decide(name, application, by=the_client())
        assert isinstance(decision, Decision)
        return decision
    finally:
        connections.close_all()


def test_a_decision_waits_for_rows_that_are_being_recorded(own_database, django_db_blocker):
    if connection.vendor == "sqlite":
        pytest.skip("SQLite runs one act at a time")
    with django_db_blocker.unblock():
        dti, *others = CONTRACT.as_json()["features"]
        table = a_table(the_client(), "bureau", features={"features": [dti]})
        contract = FeatureContract.from_json({"features": [{**dti, "table": str(table)}, *others]})
        described = a_description(contract=contract.as_json())
        version = a_champion(run=a_run(dataset=a_dataset(contract=contract, description=described)))
        application = an_application(subject_ref="C-1")
        del application["features"]["dti"]
        document = a_document("C-1", timezone.now() - timedelta(days=1))
        recorded(table, {**document, "features": {"dti": 2.0}})

        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():  # as somebody who records rows and has not committed yet
                turns.take(turn_of(source_of(table)))
                deciding = pool.submit(decided, version.model.name, application)
                with pytest.raises(TimeoutError):
                    deciding.result(timeout=1)
                recorded_at = timezone.now()
            decision = deciding.result(timeout=20)

        seen = decision.observation
        assert np.frombuffer(seen.packed)[0] == 2.0
        assert datetime.fromisoformat(seen.lookups["as_of"]) > recorded_at
