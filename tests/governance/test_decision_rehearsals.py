"""What a proposed policy would have meant for decisions that were made."""

import io
from collections import Counter
from datetime import timedelta

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.utils import timezone

from audit.models import Entry
from governance.actions.changes import request_adoption
from governance.errors import NotADecisionPolicy
from governance.queries import decision_rehearsals
from governance.queries.decision_rehearsals import blocked_decisions, rejudged
from governance.queries.rehearsals import rehearsals
from registry.actions.policies import propose_policy
from serving.models import Decision
from serving.policy import DecisionPolicy, decide
from tests.governance.builders import a_check, a_gate_policy, a_report
from tests.governance.test_api import get
from tests.registry.builders import DECISION_BODY, a_policy
from tests.serving.builders import BAD, GOOD, a_champion, a_decision

pytestmark = pytest.mark.django_db


@pytest.fixture
def champion():
    """A champion that decided six applications: three clear ones of each kind, and ordinary ones."""
    version = a_champion()
    for features in (GOOD, BAD, {}, {"dti": 30.0}, {**GOOD, "dti": 45.0}, {"income": 30_000.0}):
        a_decision(version, **features)
    return version


def proposed(by, version, **changes):
    body = {**DECISION_BODY, **changes}
    return propose_policy(
        "decision", version.decision_policy.name, body, rationale="Stricter.", by=by
    )


def test_a_stricter_cut_off_declines_whom_it_would_have_declined(developer, champion):
    pds = sorted(Decision.objects.values_list("observation__pd", flat=True))
    between = (pds[0] + pds[1]) / 2  # only the best applicant stays below
    policy = proposed(developer, champion, cut_off=between, knockout_rules=[], grey_band=None)

    found = rejudged(policy, champion.model)

    before = Counter(Decision.objects.values_list("outcome", flat=True))
    assert found.judged == 6
    after = Counter()
    for (_, outcome), n in found.outcomes.items():
        after[outcome] += n
    assert after == {"approved": 1, "declined": 5}
    assert found.changed == before["approved"] + before["referred"] - 1
    assert found.changed > 0


def test_the_policy_that_decided_decides_the_same_again(developer, champion):
    policy = proposed(developer, champion)

    found = rejudged(policy, champion.model)

    assert (found.judged, found.changed) == (6, 0)


def test_a_knock_out_rule_is_asked_of_the_recorded_features(developer, champion):
    rule = {"feature": "dti", "operator": ">=", "value": 45.0, "reason_group": "debt"}
    policy = proposed(developer, champion, cut_off=0.999, knockout_rules=[rule], grey_band=None)

    found = rejudged(policy, champion.model)

    # BAD has a dti of 70, one good applicant has 45; whoever stays is approved.
    declined = sum(n for (_, after), n in found.outcomes.items() if after == "declined")
    expected = sum(
        decide(
            decision.observation.pd,
            decision_rehearsals.contract_of(decision.version).unpack(
                decision_rehearsals.np.frombuffer(decision.observation.packed)
            ),
            DecisionPolicy.from_json(policy.body),
        ).outcome
        == "declined"
        for decision in Decision.objects.select_related("version", "observation")
    )
    assert declined == expected >= 2


def test_a_rule_on_a_feature_that_the_contract_lacks_judges_nobody(developer, champion):
    rule = {"feature": "postcode", "operator": "==", "value": "X", "reason_group": "debt"}

    found = rejudged(proposed(developer, champion, knockout_rules=[rule]), champion.model)

    assert (found.judged, found.not_judged) == (0, 6)


def test_only_decisions_of_the_period_are_judged_again(developer, champion):
    policy, now = proposed(developer, champion), timezone.now()

    assert rejudged(policy, champion.model, now).judged == 0
    assert rejudged(policy, champion.model, None, now).judged == 6
    assert rejudged(policy, champion.model, now - timedelta(hours=1), now).judged == 6


def test_decisions_are_read_in_pieces(developer, champion, monkeypatch):
    monkeypatch.setattr(decision_rehearsals, "ROWS_AT_ONCE", 2)

    assert rejudged(proposed(developer, champion), champion.model).judged == 6


def test_a_gate_policy_names_the_decisions_that_would_not_have_been_made(developer, champion):
    a_gate_policy()
    a_report(champion)
    strict = propose_policy(
        "gate",
        "default",
        {"checks": [a_check("auc", minimum=0.99)]},
        rationale="Stricter.",
        by=developer,
    )
    mild = propose_policy(
        "gate",
        "default",
        {"checks": [a_check("auc", minimum=0.1)]},
        rationale="Milder.",
        by=developer,
    )
    now = timezone.now()

    found = blocked_decisions(rehearsals(strict, now))

    assert {(row.model, row.version) for row in found} == {(champion.model.name, champion.number)}
    assert {row.month for row in found} == {f"{now:%Y-%m}"}
    assert {row.outcome: row.decisions for row in found} == Counter(
        Decision.objects.values_list("outcome", flat=True)
    )
    assert blocked_decisions(rehearsals(mild, now)) == []
    assert blocked_decisions(rehearsals(strict, now), now) == []


def test_another_kind_of_policy_decides_nobody(champion):
    with pytest.raises(NotADecisionPolicy):
        rejudged(a_policy("reason_library"), champion.model)


def test_both_rehearsals_are_read_over_http(developer, validator, lending, champion):
    policy = proposed(developer, champion, cut_off=0.0001, grey_band=None)
    path = f"policies/{policy.pk}/rehearsal/decisions"
    a_gate_policy()
    a_report(champion)
    strict = propose_policy(
        "gate",
        "default",
        {"checks": [a_check("auc", minimum=0.99)]},
        rationale="Stricter.",
        by=developer,
    )

    told = get(validator, f"{path}?model={champion.model.name}").json()
    gate = get(validator, f"policies/{strict.pk}/rehearsal/decisions").json()

    assert (told["kind"], told["blocked"]) == ("decision", None)
    assert told["rejudged"]["judged"] == 6
    assert {row["after"] for row in told["rejudged"]["outcomes"]} == {"declined"}
    assert gate["rejudged"] is None
    assert sum(row["decisions"] for row in gate["blocked"]) == 6
    assert get(validator, path).status_code == 422
    assert get(validator, f"{path}?model={champion.model.name}&since=soon").status_code == 422
    assert get(lending, path).status_code == 403


def test_the_command_and_the_page_show_it_and_write_nothing(
    developer, validator, signed_in, champion
):
    policy = proposed(developer, champion, cut_off=0.0001, grey_band=None)
    change = request_adoption(policy, "Stricter.", by=developer)
    out, before = io.StringIO(), Entry.objects.count()

    call_command(
        "rehearse", str(policy.pk), "--model", champion.model.name, "--as", "dana", stdout=out
    )
    page = (
        signed_in(validator).get(f"/governance/changerequest/{change.pk}/approve/").content.decode()
    )

    assert "of 6 decisions would change" in out.getvalue()
    assert f"Rehearsal on the last 30 days of {champion.model}" in page
    assert "of 6 decisions would change" in page
    with pytest.raises(CommandError, match="--model"):
        call_command("rehearse", str(policy.pk), "--as", "dana", stdout=out)
    assert Entry.objects.filter(event__startswith="governance.policy").count() <= before
