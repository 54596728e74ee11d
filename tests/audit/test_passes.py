"""A person asks for a pass over the whole log, and a worker carries it out."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import User
from django.test import Client

from audit.actions.passes import PassFinished, finish_pass, request_archiving, request_verification
from audit.errors import NotPermitted
from audit.models import ArchivedObject, Entry, LogPass
from audit.sequencer import seal
from audit.tasks import carry_out_forgotten, carry_out_pass


def test_an_operator_asks_for_archiving_and_a_worker_does_it(log: str, operator: User) -> None:
    log_pass = request_archiving(by=operator)
    seal()

    carry_out_pass(str(log_pass.pk))

    log_pass.refresh_from_db()
    assert log_pass.state == "done"
    assert "read back and compared" in log_pass.summary
    assert ArchivedObject.objects.exists()
    assert Entry.objects.filter(event="audit.pass.finished").exists()


def test_a_pass_whose_message_was_lost_is_found_by_the_sweep(log: str, operator: User) -> None:
    request_archiving(by=operator)
    seal()

    carry_out_forgotten()

    assert LogPass.objects.get().state == "done"


def test_a_pass_is_carried_out_once(log: str, operator: User) -> None:
    log_pass = request_archiving(by=operator)
    seal()
    carry_out_pass(str(log_pass.pk))

    with pytest.raises(PassFinished):
        finish_pass(log_pass.pk, by=operator, holds=True, summary="Again.")


def test_only_those_who_may_ask_do(lending: User) -> None:
    with pytest.raises(NotPermitted):
        request_verification(by=lending)

    assert not LogPass.objects.exists()


def test_the_rest_answer_says_where_to_look(
    operator: User, signed_in: Callable[[User], Client]
) -> None:
    browser = signed_in(operator)

    asked = browser.post("/api/v1/log/verifications")

    assert asked.status_code == 202
    assert browser.get(asked["Location"]).json()["state"] == "requested"
