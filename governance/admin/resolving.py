"""The buttons of people who decide: referred cases, overrides, and reviews of what others decided."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.auth.models import User

from audit.action import holds
from audit.errors import Refusal
from governance.admin.fields import Lines, choice, day, line, paragraph
from governance.admin.pages import ActPage, Done, offer
from governance.queries.accounts import account
from registry.contract import FeatureContract
from registry.features import in_words
from registry.reason_library import ReasonLibrary
from serving.actions.resolutions import PersonsWord, resolve_decision
from serving.actions.reviews import (
    SEE_DATA,
    Result,
    acknowledge_review,
    assign_review,
    close_review,
    open_review,
    receive_information,
    request_information,
)
from serving.answers import decision_answer
from serving.in_service import contract_of
from serving.models import Decision, Resolution, Review
from serving.review_evidence import evidence_shown

State, Code = Review.State, Resolution.OverrideCode
UNCHOSEN = ("", "Choose")
CODES = [("", "None"), *Code.choices]


class OwnReasons(forms.Form):
    override_code = choice(
        "Override",
        CODES,
        "Low side approves what was declined, high side declines what was approved; none for a referred case that nobody decided.",
    )
    reason_groups = Lines("Reasons of the library")
    statements = Lines("Reasons in your own words")
    rationale = paragraph("Rationale", "Why you decide so. It is recorded under your name.")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["override_code"].required = False
        self.fields[
            "reason_groups"
        ].help_text = "Names from the list of the library above, one on each line; the applicant reads their texts."
        self.fields[
            "statements"
        ].help_text = "Factors that you judged by, one on each line. Who declines gives at least one of either."


class ResolutionForm(OwnReasons):
    outcome = choice("Outcome", [UNCHOSEN, *Resolution.Outcome.choices])
    field_order = ("outcome",)


class ContestForm(forms.Form):
    grounds = paragraph("Grounds", "What the applicant says against the decision.")
    received_on = day("Received on", "Leave empty for today.", required=False)


class ReviewerForm(forms.Form):
    reviewer = line("Reviewer", "The account of somebody who had no part in the decision.")


class TextForm(forms.Form):
    text = paragraph("Text", "What is asked or answered.")


class ClosureForm(OwnReasons):
    result = choice(
        "Result",
        [
            UNCHOSEN,
            *(
                (one.value, str(one.label))
                for one in (State.UPHELD, State.OVERTURNED, State.PARTLY)
            ),
        ],
    )
    letter = paragraph("Letter", "What the applicant is told, with reasons.")
    field_order = ("result", "letter")


def _own(fields: dict[str, Any]) -> list[dict[str, str]]:
    groups = [{"reason_group": name} for name in fields["reason_groups"]]
    return [*groups, *({"statement": text} for text in fields["statements"])]


def _resolve(decision: Decision, fields: dict[str, Any], by: User) -> Done:
    word = PersonsWord(
        fields["outcome"], fields["rationale"], fields["override_code"], _own(fields)
    )
    resolution = resolve_decision(decision.pk, word, by=by)
    return Done(f"The application is {resolution.outcome}.")


def _contest(decision: Decision, fields: dict[str, Any], by: User) -> Done:
    review = open_review(decision.pk, fields["grounds"], by=by, received_on=fields["received_on"])
    until = f"answered by {review.due_on}" if review.due_on else "answered; no policy says by when"
    return Done(f"The review is open, to be {until}.")


def _acknowledge(review: Review, fields: dict[str, Any], by: User) -> Done:
    acknowledge_review(review.pk, by=by)
    return Done("It is noted that the applicant was told.")


def _assign(review: Review, fields: dict[str, Any], by: User) -> Done:
    assigned = assign_review(review.pk, account(fields["reviewer"]), by=by)
    return Done(f"{assigned.reviewer} reviews it.")


def _ask(review: Review, fields: dict[str, Any], by: User) -> Done:
    request_information(review.pk, fields["text"], by=by)
    return Done("It is noted what the applicant was asked.")


def _take_in(review: Review, fields: dict[str, Any], by: User) -> Done:
    receive_information(review.pk, fields["text"], by=by)
    return Done("The reviewer looks again.")


def _close(review: Review, fields: dict[str, Any], by: User) -> Done:
    result = Result(fields["result"], fields["letter"], fields["rationale"], fields["override_code"], _own(fields))  # fmt: skip
    closed = close_review(review.pk, result, by=by)
    return Done(f"The decision is {closed.get_state_display().lower()}.")


def _case(decision: Decision, reader: User) -> dict[str, Any]:
    """What whoever decides looks at: the score with its data, and the reasons that can be named."""
    sections = [_library(decision)]
    if holds(reader, SEE_DATA) and hasattr(decision, "observation"):
        answer = decision_answer(decision)
        sections = [
            _score(answer, contract_of(decision.version)),
            _reasons("Reasons of the score", answer["reasons"]),
            *sections,
        ]
    return {"sections": sections}


def _evidence(review: Review, reader: User) -> dict[str, Any]:
    """What the decision rests on and what was said. Showing it first is an act, and its refusal stands in its place."""
    try:
        shown = evidence_shown(review.pk, by=reader)
    except Refusal as refusal:
        return {"sections": [{"title": "Evidence", "text": refusal.detail}]}
    decision = shown["decision"]
    return {
        "sections": [
            _score(decision, contract_of(review.decision.version)),
            _reasons("Reasons that stand", (shown["resolutions"] or [decision])[-1]["reasons"]),
            {
                "title": "People's decisions",
                "table": {"rows": [[row["decided_by"], row["outcome"], row["rationale"]] for row in shown["resolutions"]]},
            },
            {
                "title": "Decided anew with corrected data",
                "table": {"rows": [[", ".join(row["features"]), row["outcome"], row["decision_id"]] for row in shown["corrections"]]},
            },
            {
                "title": "What was said",
                "table": {"rows": [[step["kind"].replace("_", " "), step["by"], step["text"]] for step in shown["steps"] if step["text"]]},
            },
            _library(review.decision),
        ]
    }  # fmt: skip


def _score(decision: dict[str, Any], contract: FeatureContract) -> dict[str, Any]:
    features = decision["explanation"]["attributions"]
    return {
        "title": f"The score: {decision['outcome']}, probability of bad {decision['pd']:.4f}, cut-off {decision['cut_off']:g}",
        "table": {
            "headers": ["Feature", "Value", "Contribution"],
            "rows": [[contract.by_name[one["feature"]].heading, in_words(one["value"]), f"{one['contribution']:+.4f}"] for one in features],
        },
    }  # fmt: skip


def _reasons(title: str, reasons: list[dict[str, Any]]) -> dict[str, Any]:
    rows = [[one["rank"], one["statement"], one.get("component", "score")] for one in reasons]
    return {"title": title, "table": {"rows": rows}}


def _library(decision: Decision) -> dict[str, Any]:
    library = ReasonLibrary.from_json(decision.version.reason_library.body)
    rows = [[name, library.texts_of(name).statement] for name in sorted(library.groups)]
    return {
        "title": "Reasons of the library",
        "table": {"headers": ["Name", "The applicant reads"], "rows": rows},
    }


def _in(*states: Review.State) -> Callable[[Review, User], bool]:
    return lambda review, user: review.state in states


def _is_mine(review: Review, user: User) -> bool:
    return review.state in {State.ASSIGNED, State.REVIEWED} and review.reviewer_id == user.pk


offer(
    ActPage(
        model=Decision,
        slug="resolve",
        title="Decide",
        icon="how_to_reg",
        needs="serving.resolve_decision",
        what_happens="You decide this application, whatever the score made of it. Who declines gives reasons of their own; the applicant is told them. After that only a review changes it.",
        perform=_resolve,
        form=ResolutionForm,
        evidence=_case,
        applies=lambda decision, user: (
            not decision.resolutions.exists()
            and not decision.reviews.filter(closed_at=None).exists()
        ),
    ),
    ActPage(
        model=Decision,
        slug="contest",
        title="Open a review",
        icon="contact_support",
        needs="serving.open_review",
        what_happens="The applicant contests this decision. Somebody who had no part in it looks again, in the time that the policy says.",
        perform=_contest,
        form=ContestForm,
        applies=lambda decision, user: not decision.reviews.filter(closed_at=None).exists(),
    ),
    ActPage(
        model=Review,
        slug="acknowledge",
        title="Acknowledge",
        icon="mark_email_read",
        needs="serving.handle_review",
        what_happens="You say that the applicant was told that the contest was received.",
        perform=_acknowledge,
        form=forms.Form,
        applies=_in(State.CONTEST_RECEIVED),
    ),
    ActPage(
        model=Review,
        slug="assign",
        title="Assign",
        icon="person_add",
        needs="serving.handle_review",
        what_happens="The reviewer must have had no part in the decision, and be able to overturn it.",
        perform=_assign,
        form=ReviewerForm,
        applies=_in(
            State.ACKNOWLEDGED, State.ASSIGNED, State.INFORMATION_REQUESTED, State.REVIEWED
        ),
    ),
    ActPage(
        model=Review,
        slug="ask",
        title="Ask the applicant",
        icon="contact_mail",
        needs="serving.resolve_decision",
        what_happens="The review waits for the applicant's answer. Its day stays.",
        perform=_ask,
        form=TextForm,
        applies=_is_mine,
    ),
    ActPage(
        model=Review,
        slug="answer",
        title="Take in an answer",
        icon="forward_to_inbox",
        needs="serving.open_review",
        what_happens="The reviewer has to look again before closing.",
        perform=_take_in,
        form=TextForm,
        applies=_in(State.INFORMATION_REQUESTED),
    ),
    ActPage(
        model=Review,
        slug="close",
        title="Look and close",
        icon="task_alt",
        needs="serving.resolve_decision",
        what_happens="That you looked at the evidence below is recorded. Overturning decides the application the other way round; it needs the code, the rationale and, to decline, reasons.",
        perform=_close,
        form=ClosureForm,
        applies=_is_mine,
        evidence=_evidence,
    ),
)
