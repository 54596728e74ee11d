"""An applicant contests a decision, and somebody without a part in it looks again, in time, and can turn it round."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import User
from django.db import DatabaseError, transaction
from django.utils import timezone

from audit import vault
from audit.canonical import digest_json
from audit.errors import NotPermitted
from audit.models import Entry
from audit.queries import service_account
from serving.actions.resolutions import resolve_decision
from serving.actions.reviews import (
    Result,
    acknowledge_review,
    assign_review,
    close_review,
    notice_late_review,
    open_review,
    open_review_evidence,
    receive_information,
    request_information,
)
from serving.errors import (
    EvidenceNotOpened,
    NotDecidedYet,
    NotTheReviewer,
    ResolutionMalformed,
    ReviewerCannotOverturn,
    ReviewerHadAPart,
    ReviewMalformed,
    ReviewNotLate,
    ReviewOpenAlready,
    WrongReviewState,
)
from serving.models import LateReview, Resolution, Review, ReviewStep
from serving.resolutions import final_of, said_in
from serving.review_evidence import evidence_shown
from serving.reviews import evidence_of, newly_late_reviews, review_figures
from tests.serving.reviewing import (
    GROUNDS,
    WHY,
    a_decline,
    a_read_review,
    a_referral,
    a_review,
    a_serving_policy,
    an_approval,
    an_assigned_review,
    approved,
    declined,
    overridden,
    own,
)

pytestmark = pytest.mark.django_db
LETTER = "We looked again. The late payments are not yours, and the credit is granted."
UPHELD = Result("upheld", "We looked again, and the decision stands, because the debts are yours.")
OVERTURNED = Result("overturned", LETTER, WHY, "low_side")


@pytest.fixture
def decision(champion, lending):
    return a_decline(champion, by=lending)


def refusals() -> int:
    return Entry.objects.filter(event="audit.action_refused").count()


def test_the_clock_runs_one_calendar_month_from_the_day_of_the_contest(
    decision, lending, credit_officer
):
    policy = a_serving_policy()

    review = a_review(decision, lending)

    today = timezone.now().date()
    assert (review.state, review.received_on, review.policy) == ("contest_received", today, policy)
    assert review.due_on is not None
    assert timedelta(days=28) <= review.due_on - today <= timedelta(days=31)
    assert review.alert_on == review.due_on - timedelta(days=7)
    entry = Entry.objects.get(event="serving.review.opened")
    assert GROUNDS.encode() not in bytes(entry.body)
    assert vault.open_private(entry) == {"text": GROUNDS}


def test_without_a_policy_a_review_has_no_day(decision, lending):
    review = a_review(decision, lending)

    assert (review.due_on, review.alert_on, review.policy) == (None, None, None)


@pytest.mark.parametrize(
    ("grounds", "received_on", "fields"),
    [
        (" ", None, ["grounds"]),
        ("", date(2020, 1, 1), ["grounds", "received_on"]),
        (GROUNDS, date(2999, 1, 1), ["received_on"]),
    ],
)
def test_a_contest_says_what_against_and_when(decision, lending, grounds, received_on, fields):
    with pytest.raises(ReviewMalformed) as caught:
        open_review(decision.pk, grounds, by=lending, received_on=received_on)

    assert [problem.field for problem in caught.value.errors] == fields
    assert not Review.objects.exists()
    assert refusals() == 1


def test_a_lending_system_contests_for_its_own_applicants_only(champion, lending, credit_officer):
    other = a_decline(champion)

    with pytest.raises(NotPermitted):
        a_review(other, lending)

    assert not Review.objects.exists()
    assert a_review(other, credit_officer)


def test_a_case_that_nobody_decided_is_not_reviewed_yet(champion, lending, credit_officer):
    decision = a_referral(champion, by=lending)

    with pytest.raises(NotDecidedYet):
        a_review(decision, lending)

    resolve_decision(decision.pk, declined(), by=credit_officer)
    assert a_review(decision, lending)


def test_a_decision_has_one_open_review(decision, lending):
    a_review(decision, lending)

    with pytest.raises(ReviewOpenAlready):
        a_review(decision, lending)

    assert Review.objects.count() == 1


def test_a_review_goes_its_way_and_every_step_is_recorded(decision, lending, credit_officer):
    review = an_assigned_review(decision, credit_officer, credit_officer)
    request_information(review.pk, "Please send the letter of the bureau.", by=credit_officer)
    receive_information(review.pk, "Here it is.", by=lending)

    shown = open_review_evidence(review.pk, by=credit_officer)
    closed = close_review(review.pk, UPHELD, by=credit_officer)

    assert closed.state == "upheld"
    assert closed.closed_at is not None
    steps = [(step.kind, step.by.username) for step in ReviewStep.objects.all()]
    assert steps == [
        ("opened", "chloe"),
        ("acknowledged", "chloe"),
        ("assigned", "chloe"),
        ("information_requested", "chloe"),
        ("information_received", "lending"),
        ("evidence_opened", "chloe"),
        ("closed", "chloe"),
    ]
    assert [step["text"] for step in shown["steps"]][-1] == "Here it is."
    assert shown["decision"]["reasons"] == decision.observation.reasons
    assert shown["decision"]["explanation"]["attributions"]
    assert Entry.objects.filter(subject_id=str(review.pk)).count() == len(steps)
    assert vault.open_private(Entry.objects.get(event="serving.review.closed")) == {
        "result": "upheld",
        "text": UPHELD.letter,
    }
    assert final_of(decision).by == "score"


def test_a_state_is_not_left_out(decision, lending, credit_officer):
    review = a_review(decision, lending)

    with pytest.raises(WrongReviewState):
        assign_review(review.pk, credit_officer, by=credit_officer)
    with pytest.raises(WrongReviewState):
        close_review(review.pk, UPHELD, by=credit_officer)

    review.refresh_from_db()
    assert review.state == "contest_received"
    assert refusals() == 2


def test_whoever_resolved_a_case_does_not_review_it(
    champion, lending, credit_officer, second_officer
):
    decision = a_referral(champion, by=lending)
    resolve_decision(decision.pk, declined(), by=credit_officer)
    review = a_review(decision, lending)
    acknowledge_review(review.pk, by=credit_officer)

    with pytest.raises(ReviewerHadAPart):
        assign_review(review.pk, credit_officer, by=credit_officer)

    review.refresh_from_db()
    assert (review.state, review.reviewer) == ("acknowledged", None)
    with pytest.raises(DatabaseError, match="had a part"), transaction.atomic():
        Review.objects.update(state="assigned", reviewer=credit_officer)
    assert assign_review(review.pk, second_officer, by=credit_officer).reviewer == second_officer


@pytest.mark.parametrize("person", ["validator", "approver", "auditor"])
def test_a_reviewer_can_overturn(decision, lending, credit_officer, request, person):
    review = a_review(decision, lending)
    acknowledge_review(review.pk, by=credit_officer)

    with pytest.raises(ReviewerCannotOverturn):
        assign_review(review.pk, request.getfixturevalue(person), by=credit_officer)

    review.refresh_from_db()
    assert review.reviewer is None


def test_nobody_closes_what_they_did_not_look_at(decision, lending, credit_officer):
    review = an_assigned_review(decision, credit_officer, credit_officer)

    with pytest.raises(EvidenceNotOpened):
        close_review(review.pk, UPHELD, by=credit_officer)

    review.refresh_from_db()
    assert review.state == "assigned"
    assert refusals() == 1
    with pytest.raises(DatabaseError, match="did not open"), transaction.atomic():
        Review.objects.update(state="upheld", closed_at=timezone.now())


def test_what_is_said_later_is_looked_at_again(decision, lending, credit_officer):
    review = a_read_review(decision, credit_officer, credit_officer)
    request_information(review.pk, "And the other account?", by=credit_officer)
    receive_information(review.pk, "Closed in May.", by=lending)

    with pytest.raises(EvidenceNotOpened):
        close_review(review.pk, UPHELD, by=credit_officer)

    open_review_evidence(review.pk, by=credit_officer)
    assert close_review(review.pk, UPHELD, by=credit_officer).state == "upheld"


def test_looking_again_is_an_act_only_where_something_was_said(decision, lending, credit_officer):
    review = a_read_review(decision, credit_officer, credit_officer)

    again = evidence_shown(review.pk, by=credit_officer)
    request_information(review.pk, "And the other account?", by=credit_officer)
    receive_information(review.pk, "Closed in May.", by=lending)
    later = [evidence_shown(review.pk, by=credit_officer) for _ in range(2)]

    opened = review.steps.filter(kind="evidence_opened")
    assert [step.shown_sha256 for step in opened] == [digest_json(again), digest_json(later[0])]
    assert later[0] == later[1]
    assert Entry.objects.filter(event="serving.review.evidence_opened").count() == 2


def test_whoever_looked_once_and_may_not_any_more_is_refused(
    decision, credit_officer, second_officer
):
    review = a_read_review(decision, credit_officer, credit_officer)
    credit_officer.groups.clear()

    with pytest.raises(NotPermitted):
        evidence_shown(review.pk, by=credit_officer)
    with pytest.raises(NotTheReviewer):
        evidence_shown(review.pk, by=second_officer)

    assert review.steps.filter(kind="evidence_opened").count() == 1
    assert refusals() == 2


def test_only_the_reviewer_looks_and_closes(decision, credit_officer, second_officer):
    review = a_read_review(decision, credit_officer, credit_officer)

    with pytest.raises(NotTheReviewer):
        open_review_evidence(review.pk, by=second_officer)
    with pytest.raises(NotTheReviewer):
        close_review(review.pk, UPHELD, by=second_officer)

    assign_review(review.pk, second_officer, by=credit_officer)
    with pytest.raises(EvidenceNotOpened):
        close_review(review.pk, UPHELD, by=second_officer)


def test_overturning_decides_the_case_and_is_linked_to_the_review(
    decision, credit_officer, second_officer
):
    review = a_read_review(decision, credit_officer, second_officer)

    close_review(review.pk, OVERTURNED, by=second_officer)

    resolution = Resolution.objects.get()
    assert (resolution.kind, resolution.override_code) == ("override", "low_side")
    assert (resolution.review, resolution.decided_by) == (review, second_officer)
    assert final_of(decision).outcome == "approved"


def test_overturning_a_persons_decision_supersedes_it(champion, credit_officer, second_officer):
    decision = an_approval(champion)
    first = overridden(decision, credit_officer)
    review = a_read_review(decision, credit_officer, second_officer)

    close_review(review.pk, OVERTURNED, by=second_officer)

    second = Resolution.objects.get(supersedes=first)
    assert (first.outcome, second.outcome) == ("declined", "approved")
    assert final_of(decision).decided_at == second.decided_at
    again = a_read_review(decision, credit_officer, _third_officer())
    word = Result("overturned", LETTER, WHY, "high_side", own("Employer denies the salary"))
    close_review(again.pk, word, by=_third_officer())
    assert said_in(Resolution.objects.get(supersedes=second))["reasons"][0]["statement"] == (
        "Employer denies the salary"
    )


def _third_officer() -> User:
    from tests.conftest import a_person

    return User.objects.filter(username="cyril").first() or a_person("cyril", "credit officer")


@pytest.mark.parametrize(
    ("result", "refusal"),
    [
        (Result("upheld", " "), ReviewMalformed),
        (Result("maybe", LETTER), ReviewMalformed),
        (Result("overturned", LETTER), ResolutionMalformed),
        (Result("overturned", LETTER, WHY, "high_side"), ResolutionMalformed),
    ],
)
def test_a_review_that_cannot_end_like_that_stays_open(decision, credit_officer, result, refusal):
    review = a_read_review(decision, credit_officer, credit_officer)

    with pytest.raises(refusal):
        close_review(review.pk, result, by=credit_officer)

    review.refresh_from_db()
    assert review.state == "reviewed"
    assert not Resolution.objects.exists()
    assert refusals() == 1


def test_the_database_holds_a_closed_review_to_what_was_resolved(decision, credit_officer):
    review = a_read_review(decision, credit_officer, credit_officer)

    with pytest.raises(DatabaseError, match="has its resolution"), transaction.atomic():
        Review.objects.update(state="overturned", closed_at=timezone.now())

    close_review(review.pk, UPHELD, by=credit_officer)
    with pytest.raises(DatabaseError, match="closed"), transaction.atomic():
        Review.objects.update(state="reviewed", closed_at=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        Review.objects.update(due_on=None)
    with pytest.raises(DatabaseError), transaction.atomic():
        ReviewStep.objects.all().delete()


def test_a_review_that_is_late_leaves_one_fact(decision, lending, monkeypatch):
    a_serving_policy()
    review, monitor = a_review(decision, lending), service_account("monitor")
    with pytest.raises(ReviewNotLate):
        notice_late_review(review.pk, by=monitor)
    assert review.due_on is not None
    later = timezone.now() + timedelta(days=40)

    monkeypatch.setattr("serving.actions.reviews.timezone", SimpleNamespace(now=lambda: later))
    [late] = newly_late_reviews(later.date())
    notice_late_review(late.pk, by=monitor)

    assert LateReview.objects.get().due_on == review.due_on
    assert not newly_late_reviews(later.date()).exists()
    with pytest.raises(ReviewNotLate):
        notice_late_review(review.pk, by=monitor)


def test_while_a_decision_is_reviewed_nobody_else_overrides_it(
    decision, lending, credit_officer, second_officer
):
    an_assigned_review(decision, credit_officer, second_officer)

    with pytest.raises(ReviewOpenAlready):
        overridden(decision, credit_officer)

    assert not Resolution.objects.exists()
    assert refusals() == 1


def test_an_answer_is_handed_in_by_the_system_that_asked(champion, credit_officer, lending):
    review = an_assigned_review(a_decline(champion), credit_officer, credit_officer)
    request_information(review.pk, "Which brother?", by=credit_officer)

    with pytest.raises(NotPermitted):
        receive_information(review.pk, "Karl.", by=lending)

    review.refresh_from_db()
    assert review.state == "information_requested"


def test_figures_say_how_often_reviews_overturn(
    champion, decision, credit_officer, operator, signed_in
):
    for result in (UPHELD, OVERTURNED):
        review = a_read_review(a_decline(champion), credit_officer, credit_officer)
        close_review(review.pk, result, by=credit_officer)
    a_review(decision, credit_officer)
    today = timezone.now().date()

    figures = review_figures(champion.model, today, today, today)

    assert (figures.received, figures.open, figures.late) == (3, 1, 0)
    assert figures.results == {"upheld": 1, "overturned": 1}
    assert figures.overturn_rate == 0.5
    answer = signed_in(operator).get(f"/api/v1/models/{champion.model.name}/review-figures")
    assert answer.json()["overturn_rate"] == 0.5


def test_the_whole_way_over_http(decision, post, credit_officer, signed_in):
    officer = signed_in(credit_officer)

    def send(path, **body):
        answer = officer.post(f"/api/v1/{path}", body, content_type="application/json")
        assert answer.status_code in {200, 201}, answer.content
        return answer.json()

    contest = post(f"decisions/{decision.pk}/reviews", {"grounds": GROUNDS})
    assert contest.status_code == 201, contest.content
    address = f"reviews/{contest.json()['id']}"
    send(f"{address}/steps", step="acknowledge")
    send(f"{address}/steps", step="assign", reviewer="chloe")
    assert officer.get("/api/v1/reviews/due").json()["count"] == 1
    shown = send(f"{address}/evidence")
    closed = send(
        f"{address}/closure", result="overturned", letter=LETTER, rationale=WHY, override_code="low_side"
    )  # fmt: skip

    assert shown["steps"][0]["text"] == GROUNDS
    assert (closed["state"], closed["reviewer"]) == ("overturned", "chloe")
    assert [step["kind"] for step in closed["steps"]][-1] == "closed"
    assert officer.get(f"/api/v1/{address}").json()["closed_at"]
    assert officer.get("/api/v1/reviews/due").json()["count"] == 0
    stands = officer.get(f"/api/v1/decisions/{decision.pk}/resolution").json()
    assert (stands["outcome"], stands["by"]) == ("approved", "person")
    assert stands["resolutions"][0]["review"] == closed["id"]


def test_evidence_holds_every_resolution_with_its_reasons(champion, credit_officer):
    decision = a_referral(champion)
    resolve_decision(decision.pk, approved(), by=credit_officer)
    review = a_review(decision, credit_officer)

    [shown] = evidence_of(review)["resolutions"]

    assert (shown["outcome"], shown["rationale"], shown["reasons"]) == ("approved", WHY, [])
