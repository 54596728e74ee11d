"""The outcome follows from the facts: hold, retention, purpose."""

from datetime import date
from uuid import UUID

import pytest

from audit.letters import COMPLAINT, erasure_letter
from audit.purposes import DECISION, MONITORING
from audit.weighing import Facts, Hold, Holding, Kept, Outcome, weighed

TODAY = date(2026, 11, 21)
ANNA, BEN = UUID(int=1), UUID(int=2)


def a_holding(purpose: str = "decision", **changes: object) -> Holding:
    fields = {
        "record_class": purpose,
        "purpose": purpose,
        "records": 2,
        "started_on": date(2024, 5, 3),
        "first_on": date(2024, 1, 9),
        "last_on": date(2024, 5, 3),
        "models": frozenset({"loanapp"}),
    }
    return Holding(**{**fields, **changes})  # type: ignore[arg-type]


def decisions(ends_on: date | None) -> Kept:
    return Kept(DECISION, (a_holding(),), 1, ends_on)


ATTRIBUTES = Kept(MONITORING, (a_holding("monitoring"),), 1, None)


def outcome(*kept: Kept, holds: tuple[Hold, ...] = (), who: UUID | None = ANNA) -> Outcome:
    return weighed(Facts(who, kept, holds), TODAY).outcome


def test_what_the_law_keeps_stays_and_the_rest_goes() -> None:
    found = weighed(Facts(ANNA, (decisions(date(2031, 5, 3)), ATTRIBUTES), ()), TODAY)

    assert found.outcome == Outcome.PARTIALLY_ERASED
    assert found.erased == ("monitoring",)
    kept, gone = found.parts
    assert (kept.article, kept.ends_on, kept.records) == ("GDPR Art. 17(3)(b)", date(2031, 5, 3), 2)
    assert gone.article == "GDPR Art. 17(1)"
    assert "restricted" in found.restriction


def test_where_the_law_keeps_everything_nothing_is_erased() -> None:
    assert outcome(decisions(date(2031, 5, 3))) == Outcome.RETAINED_LEGAL_OBLIGATION


@pytest.mark.parametrize(
    ("ends_on", "expected"),
    [
        (TODAY, Outcome.ERASED),
        (date(2026, 11, 22), Outcome.RETAINED_LEGAL_OBLIGATION),
        (None, Outcome.RETAINED_LEGAL_OBLIGATION),
    ],
)
def test_a_period_ends_on_its_last_day_and_never_where_it_did_not_begin(
    ends_on: date | None, expected: Outcome
) -> None:
    assert outcome(decisions(ends_on)) == expected


def test_a_legal_hold_beats_everything_even_what_nobody_must_keep() -> None:
    held = (Hold("M-7", subject_id=ANNA),)

    found = weighed(Facts(ANNA, (decisions(TODAY), ATTRIBUTES), held), TODAY)

    assert found.outcome == Outcome.RETAINED_LEGAL_CLAIMS
    assert found.erased == ()
    assert found.matters == ("M-7",)
    assert {part.article for part in found.parts} == {"GDPR Art. 17(3)(e)"}


@pytest.mark.parametrize(
    ("hold", "covered"),
    [
        (Hold("m", subject_id=ANNA), True),
        (Hold("m", subject_id=BEN), False),
        (Hold("m"), True),
        (Hold("m", model="loanapp"), True),
        (Hold("m", model="cards"), False),
        (Hold("m", first_on=date(2024, 5, 3)), True),
        (Hold("m", first_on=date(2024, 5, 4)), False),
        (Hold("m", last_on=date(2024, 1, 9)), True),
        (Hold("m", last_on=date(2024, 1, 8)), False),
        (Hold("m", model="loanapp", first_on=date(2025, 1, 1)), False),
    ],
)
def test_a_hold_covers_whom_it_names_and_whose_records_lie_in_its_days(
    hold: Hold, covered: bool
) -> None:
    assert hold.covers(ANNA, [a_holding()]) is covered


def test_a_hold_on_a_model_keeps_attributes_that_name_no_model_as_well() -> None:
    assert Hold("m", model="loanapp").covers(ANNA, [a_holding("monitoring", models=frozenset())])


def test_somebody_unknown_or_already_erased_is_told_that_nothing_is_held() -> None:
    assert outcome(who=None) == Outcome.REFUSED_NOT_SUBJECT
    assert outcome(Kept(DECISION, (), 0, None)) == Outcome.REFUSED_NOT_SUBJECT


def test_another_fact_gives_another_digest() -> None:
    one = weighed(Facts(ANNA, (decisions(TODAY), ATTRIBUTES), ()), TODAY)
    other = weighed(Facts(ANNA, (decisions(TODAY),), ()), TODAY)

    assert one.digest != other.digest


@pytest.mark.parametrize("holds", [(), (Hold("Acme v Bank"),)])
def test_the_letter_says_what_was_done_under_which_article_and_how_to_complain(
    holds: tuple[Hold, ...],
) -> None:
    found = weighed(Facts(ANNA, (decisions(date(2031, 5, 3)), ATTRIBUTES), holds), TODAY)

    letter = erasure_letter(found, "DSR-12", date(2026, 11, 2), TODAY)

    assert "DSR-12" in letter
    assert letter.endswith(COMPLAINT)
    for part in found.parts:
        assert part.article in letter
    assert "Acme" not in letter
    assert ("3 May 2031" in letter) is (not holds)
