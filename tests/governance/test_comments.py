"""Whoever may see a change may say something about it; nothing that was said goes away, and it decides nothing."""

from uuid import uuid4

import pytest
from django.db import IntegrityError, transaction

from audit.errors import NotPermitted
from governance.actions.changes import withdraw_change
from governance.actions.comments import comment_on_change
from governance.errors import NoSuchChange, RationaleMissing
from governance.models import ChangeComment
from tests.governance.builders import a_request, assert_refused, last_entry, said
from tests.governance.test_api import get, post

pytestmark = pytest.mark.django_db
TEXT = "Section 3 compares with the wrong year."


@pytest.fixture
def change(developer):
    return a_request(developer)


def test_a_comment_is_kept_and_logged_and_changes_nothing(change, auditor):
    comment_on_change(change.pk, TEXT, by=auditor)

    comment = ChangeComment.objects.get()
    assert (comment.author, comment.text, comment.change_request) == (auditor, TEXT, change)
    assert last_entry() == comment.entry
    assert last_entry().event == "governance.change.commented"
    assert said(last_entry()) == {"text": TEXT, "state": "open"}
    change.refresh_from_db()
    assert change.state == "open"


def test_a_closed_change_is_still_spoken_about(change, developer, validator):
    withdraw_change(change.pk, "Never mind.", by=developer)

    comment_on_change(change.pk, "A pity.", by=validator)

    assert said(last_entry())["state"] == "withdrawn"


def test_whoever_may_not_see_a_change_says_nothing_about_it(change, lending):
    with pytest.raises(NotPermitted):
        comment_on_change(change.pk, TEXT, by=lending)

    assert not ChangeComment.objects.exists()
    assert_refused("governance.change.commented", "not-permitted")


def test_an_empty_comment_and_one_on_nothing_are_refused(change, developer):
    with pytest.raises(RationaleMissing):
        comment_on_change(change.pk, "  ", by=developer)
    with pytest.raises(NoSuchChange):
        comment_on_change(uuid4(), TEXT, by=developer)

    assert not ChangeComment.objects.exists()


def test_comments_over_http_the_oldest_first(change, developer, validator, lending):
    path = f"change-requests/{change.pk}/comments"

    made = post(validator, path, text=TEXT)
    post(developer, path, text="It is the only one with outcomes.")
    empty = post(developer, path, text="")

    assert (made.status_code, made.json()["author"]) == (201, "victor")
    assert empty.status_code == 422
    assert [each["author"] for each in get(developer, path).json()["results"]] == ["victor", "dana"]
    assert get(lending, path).status_code == 403
    assert post(lending, path, text=TEXT).status_code == 403


def test_in_the_admin_a_comment_is_made_on_the_page_and_shown_to_whoever_decides(
    change, developer, validator, signed_in
):
    answer = signed_in(developer).post(
        f"/governance/changerequest/{change.pk}/comment/", {"text": TEXT}
    )

    assert answer.status_code == 302
    browser = signed_in(validator)
    for page in ("change", "approve"):
        shown = browser.get(f"/governance/changerequest/{change.pk}/{page}/").content.decode()
        assert TEXT in shown


def test_the_database_keeps_what_was_said(change, developer):
    comment_on_change(change.pk, TEXT, by=developer)

    for write in (
        lambda: ChangeComment.objects.update(text="I said nothing."),
        ChangeComment.objects.all().delete,
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            write()
