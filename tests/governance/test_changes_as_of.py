"""Change requests and approvals, told as they stood at a time."""

from datetime import timedelta

import pytest

from governance.actions.changes import approve_change
from governance.models import ChangeRequest
from tests.governance.builders import WHY, a_request

pytestmark = pytest.mark.django_db
TICK = timedelta(microseconds=1)


def test_a_request_was_open_until_the_moment_of_its_approval(
    developer, validator, auditor, signed_in
):
    asked = a_request(developer)
    approve_change(asked.pk, WHY, by=validator)
    change = ChangeRequest.objects.get(pk=asked.pk)
    approval, browser = change.approvals.get(), signed_in(auditor)

    def stood(at):
        answer = browser.get(f"/api/v1/change-requests/{change.pk}", {"as_of": at.isoformat()})
        return answer.json().get("state"), len(answer.json().get("approvals", []))

    assert stood(change.requested_at - TICK) == (None, 0)
    assert stood(change.requested_at) == ("open", 0)
    assert stood(min(change.decided_at, approval.decided_at) - TICK) == ("open", 0)
    assert stood(max(change.decided_at, approval.decided_at)) == ("granted", 1)
    then = {"as_of": change.requested_at.isoformat()}
    listed = browser.get("/api/v1/change-requests", then | {"state": "open"}).json()["results"]
    assert [(row["id"], row["decided_at"]) for row in listed] == [(str(change.pk), None)]
    granted = browser.get("/api/v1/change-requests", then | {"state": "granted"}).json()
    assert granted["results"] == []
