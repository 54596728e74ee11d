"""Nobody decides what they asked for or built, and nobody decides on other evidence than was asked for."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.contrib.auth.models import Group
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from audit.canonical import digest_json
from audit.errors import NotPermitted
from audit.models import Entry
from audit.queries import service_account
from governance.actions.changes import (
    approve_change,
    expire_change,
    reject_change,
    request_adoption,
    request_promotion,
    request_revocation,
    void_change,
    withdraw_change,
)
from governance.actions.versions import suspend_version
from governance.errors import (
    AlreadyDecided,
    AlreadyRequested,
    ChangeMalformed,
    DeveloperCannotApprove,
    EvidenceChanged,
    EvidenceUnchanged,
    Expired,
    GateNotPassed,
    GatePolicyMalformed,
    NoGatePolicy,
    NoSuchChange,
    NotExpired,
    NotProposed,
    NotTheRequester,
    RationaleMissing,
    RequesterCannotApprove,
    ValidatorCannotApprove,
    WrongStage,
)
from governance.models import Approval, ChangeRequest
from governance.queries.changes import changes_awaiting, may_decide
from registry.actions.versions import register_version
from registry.models import Clearance, Policy
from registry.queries import champion, live_clearance, policy_in_force
from tests.governance.builders import (
    WHY,
    a_champion,
    a_check,
    a_gate_policy,
    a_measured_version,
    a_report,
    a_request,
    a_staged_version,
    in_role,
)
from tests.registry.builders import a_policy, a_run, a_version, allowed

pytestmark = pytest.mark.django_db


@pytest.fixture
def retrainer_developed():
    """Makes a measured version of a run that a service account asked for, registered by a person."""

    def make(registered_by):
        a_gate_policy()
        decision = a_policy("decision")
        run = a_run(requested_by=service_account("retrainer"))
        with allowed(registered_by):
            version = register_version(
                run,
                decision.body["cut_off"],
                decision,
                a_policy("reason_library"),
                by=registered_by,
            )
        a_report(version)
        return version

    return make


def events() -> list[str]:
    return list(Entry.objects.order_by("id").values_list("event", flat=True))


def give(user, *roles):
    user.groups.add(*Group.objects.filter(name__in=roles))


def test_a_request_is_bound_to_the_digest_of_its_evidence(developer):
    version = a_measured_version(developer)

    change = request_promotion(version, "staging", "Ready.", by=developer)

    assert set(change.evidence) == {
        "schema", "model", "version", "target", "artefact_sha256", "dataset_sha256", "contract_sha256",
        "baseline_id", "cut_off", "decision_policy", "reason_library", "gate_report_sha256", "documents",
        "gate_policy_sha256",
    }  # fmt: skip
    assert change.evidence["artefact_sha256"] == version.artefact_id
    assert change.evidence_digest == digest_json(change.evidence)
    assert change.state == "open"
    assert Entry.objects.get(event="governance.change.requested").subject_id == str(change.pk)


def test_staging_is_granted_by_a_validator_and_clears_the_version_for_shadow_scoring(
    developer, validator
):
    change = a_request(developer)

    approve_change(change.pk, WHY, by=validator)

    change.refresh_from_db()
    clearance = Clearance.objects.get()
    assert change.state == "granted"
    assert change.version.stage == "staging"
    assert clearance.purpose == "score_shadow"
    assert clearance.change_request_id == str(change.pk)
    assert clearance.evidence_digest == change.evidence_digest
    assert clearance.approver_ids == [validator.pk]
    assert "governance.change.approved" in events()


def test_production_makes_a_champion_on_the_word_of_two_people(developer, validator, approver):
    version = a_champion(developer, validator, approver)

    clearance = live_clearance(version, "score_live", timezone.now())
    assert version.stage == "production"
    assert set(clearance.approver_ids) == {validator.pk, approver.pk}


def test_a_new_champion_archives_the_former_one_which_can_be_gone_back_to_for_thirty_days(
    developer, validator, approver
):
    former = a_champion(developer, validator, approver)

    version = a_champion(developer, validator, approver, model=former.model)

    former.refresh_from_db()
    now = timezone.now()
    rollback = live_clearance(former, "rollback", now)
    assert champion(version.model) == version
    assert former.stage == "archived"
    assert live_clearance(former, "score_live", now) is None
    assert timedelta(days=29) < rollback.valid_to - now <= timedelta(days=30)


def test_production_is_entered_from_staging_alone(developer):
    version = a_measured_version(developer)

    with pytest.raises(WrongStage):
        request_promotion(version, "production", "Skip the queue.", by=developer)


def test_there_is_no_other_target_than_staging_and_production(developer):
    with pytest.raises(ChangeMalformed):
        request_promotion(a_measured_version(developer), "archived", "Why not.", by=developer)


def test_a_version_that_was_not_measured_cannot_be_asked_into_staging(developer):
    a_gate_policy()

    with pytest.raises(GateNotPassed, match="never measured"):
        request_promotion(a_version(), "staging", "Trust me.", by=developer)


def test_a_version_that_failed_its_gates_cannot_be_asked_into_staging(developer):
    version = a_measured_version(developer)
    a_report(version, refitted_sha256="b" * 64)

    with pytest.raises(GateNotPassed, match="did not pass"):
        request_promotion(version, "staging", "Trust me.", by=developer)


def test_a_report_under_an_earlier_policy_does_not_count(developer):
    version = a_measured_version(developer)
    a_gate_policy()

    with pytest.raises(GateNotPassed, match="is in force"):
        request_promotion(version, "staging", "It passed once.", by=developer)


def test_without_a_gate_policy_nothing_is_promoted(developer):
    with pytest.raises(NoGatePolicy):
        request_promotion(a_version(), "staging", "No rules, no problem.", by=developer)


def test_the_requester_cannot_approve_whatever_their_roles(developer):
    change = a_request(developer)
    give(developer, "validator", "approver")

    with pytest.raises(RequesterCannotApprove):
        approve_change(change.pk, WHY, by=developer)

    change.refresh_from_db()
    assert change.state == "open"
    assert not Approval.objects.exists()
    assert events()[-1] == "audit.action_refused"


def test_the_developer_cannot_approve_what_someone_else_requested(developer, validator):
    version = a_measured_version(developer)
    give(validator, "model developer")
    change = request_promotion(version, "staging", "On your behalf.", by=validator)
    give(developer, "validator")

    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=developer)


def test_whoever_cleared_staging_cannot_put_the_version_in_production(developer, validator):
    version = a_staged_version(developer, validator)
    change = a_request(developer, version, "production")
    give(validator, "approver")

    with pytest.raises(ValidatorCannotApprove):
        approve_change(change.pk, WHY, by=validator)


def test_a_validator_does_not_decide_about_production(developer, validator, approver):
    from tests.conftest import a_person

    version = a_staged_version(developer, validator)
    change = a_request(developer, version, "production")

    with pytest.raises(NotPermitted):
        approve_change(change.pk, WHY, by=a_person("vera", "validator"))


def test_an_approver_does_not_decide_about_staging(developer, approver):
    change = a_request(developer)

    with pytest.raises(NotPermitted):
        approve_change(change.pk, WHY, by=approver)


def test_a_superuser_without_a_role_decides_nothing(developer, superuser):
    change = a_request(developer)

    with pytest.raises(NotPermitted):
        approve_change(change.pk, WHY, by=superuser)


def test_a_role_that_was_revoked_meanwhile_decides_nothing(developer, validator, administrator):
    from governance.actions.accounts import revoke_role

    change = a_request(developer)
    assert changes_awaiting(validator) == [change]

    revoke_role(validator, "validator", by=administrator)

    assert changes_awaiting(validator) == []
    with pytest.raises(NotPermitted):
        approve_change(change.pk, WHY, by=validator)


@pytest.mark.parametrize("rationale", ["", "   \n"])
def test_a_decision_says_why(developer, validator, rationale):
    change = a_request(developer)

    for decide in (approve_change, reject_change):
        with pytest.raises(RationaleMissing):
            decide(change.pk, rationale, by=validator)
    with pytest.raises(RationaleMissing):
        withdraw_change(change.pk, rationale, by=developer)


def test_measuring_again_voids_the_request(developer, validator):
    version = a_measured_version(developer)
    change = a_request(developer, version)

    a_report(version)

    change.refresh_from_db()
    assert change.state == "void"
    assert "governance.change.voided" in events()
    with pytest.raises(AlreadyDecided):
        approve_change(change.pk, WHY, by=validator)


def test_evidence_that_changed_after_the_request_is_refused_and_the_request_can_be_voided(
    developer, validator
):
    change = a_request(developer)
    a_gate_policy(checks=[a_check("auc", minimum=0.9)])

    with pytest.raises(EvidenceChanged):
        approve_change(change.pk, WHY, by=validator)

    void_change(change.pk, by=service_account("monitor"))
    change.refresh_from_db()
    assert change.state == "void"
    assert change.version.stage == "registered"
    assert not Clearance.objects.exists()


def test_a_request_on_unchanged_evidence_cannot_be_voided(developer):
    change = a_request(developer)

    with pytest.raises(EvidenceUnchanged):
        void_change(change.pk, by=service_account("monitor"))


def test_viewing_a_request_changes_nothing_about_it(developer, validator):
    change = a_request(developer)

    changes_awaiting(validator)
    approve_change(change.pk, WHY, by=validator)

    change.refresh_from_db()
    assert change.state == "granted"


def test_a_rejected_version_stays_where_it_was(developer, validator):
    change = a_request(developer)

    reject_change(change.pk, "The holdout is too small.", by=validator)

    change.refresh_from_db()
    assert (change.state, change.closing_reason) == ("rejected", "The holdout is too small.")
    assert change.version.stage == "registered"
    assert Approval.objects.get().decision == "reject"


def test_a_change_is_decided_once(developer, validator):
    change = a_request(developer)
    approve_change(change.pk, WHY, by=validator)

    for decide in (approve_change, reject_change):
        with pytest.raises(AlreadyDecided):
            decide(change.pk, WHY, by=validator)
    with pytest.raises(AlreadyDecided):
        withdraw_change(change.pk, "Never mind.", by=developer)


def test_only_the_requester_withdraws(developer, analyst):
    change = a_request(developer)

    with pytest.raises(NotTheRequester):
        withdraw_change(change.pk, "Not mine, but still.", by=analyst)

    withdraw_change(change.pk, "Found a mistake.", by=developer)
    change.refresh_from_db()
    assert change.state == "withdrawn"


def test_one_request_at_a_time(developer):
    version = a_measured_version(developer)
    a_request(developer, version)

    with pytest.raises(AlreadyRequested):
        a_request(developer, version)


def test_a_request_that_nobody_decided_in_time_is_refused_and_then_expires(
    developer, validator, monkeypatch
):
    monkeypatch.setattr("governance.asking.OPEN_FOR", timedelta(seconds=-1))
    change = a_request(developer)

    with pytest.raises(Expired):
        approve_change(change.pk, WHY, by=validator)

    expire_change(change.pk, by=service_account("monitor"))
    change.refresh_from_db()
    assert change.state == "expired"


def test_a_request_in_time_does_not_expire(developer):
    change = a_request(developer)

    with pytest.raises(NotExpired):
        expire_change(change.pk, by=service_account("monitor"))


def test_a_request_that_does_not_exist_is_said_to_be_unknown(validator):
    with pytest.raises(NoSuchChange):
        approve_change(uuid4(), WHY, by=validator)


def test_a_policy_is_adopted_by_someone_who_did_not_write_it(developer, approver):
    policy = a_policy("decision", adopted=False)
    change = request_adoption(policy, "New cut-off.", by=developer)

    approve_change(change.pk, WHY, by=approver)

    policy.refresh_from_db()
    assert (policy.status, policy.approved_by) == ("approved", approver)
    assert policy_in_force(policy.kind, policy.name, timezone.now()) == policy


def test_the_author_of_a_policy_cannot_adopt_it(developer, approver):
    policy = a_policy("decision", adopted=False)
    change = request_adoption(policy, "New cut-off.", by=developer)
    give(policy.proposed_by, "approver")

    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=policy.proposed_by)


def test_a_rejected_policy_never_applies(developer, approver):
    policy = a_policy("decision", adopted=False)
    change = request_adoption(policy, "New cut-off.", by=developer)

    reject_change(change.pk, "Too lenient.", by=approver)

    policy.refresh_from_db()
    assert policy.status == Policy.Status.REJECTED
    with pytest.raises(NotProposed):
        request_adoption(policy, "Once more.", by=developer)


def test_a_gate_policy_that_nobody_can_follow_is_not_even_requested(developer):
    policy = a_policy("gate", {"checks": []}, adopted=False)

    with pytest.raises(GatePolicyMalformed):
        request_adoption(policy, "No gates.", by=developer)


def test_suspending_stops_scoring_at_once_and_takes_one_person(
    developer, validator, approver, operator
):
    version = a_champion(developer, validator, approver)

    suspend_version(version, "Wrong income field since this morning.", by=operator)

    version.refresh_from_db()
    assert version.stage == "suspended"
    assert live_clearance(version, "score_live", timezone.now()) is None
    assert Entry.objects.filter(event="governance.version.suspended").exists()


def test_suspending_says_why_and_needs_something_to_stop(developer, operator):
    version = a_measured_version(developer)

    with pytest.raises(RationaleMissing):
        suspend_version(version, " ", by=operator)
    with pytest.raises(WrongStage):
        suspend_version(version, "Just in case.", by=operator)


def test_a_suspended_version_comes_back_the_whole_way(developer, validator, approver, operator):
    version = a_champion(developer, validator, approver)
    suspend_version(version, "Wrong income field.", by=operator)
    version.refresh_from_db()

    change = a_request(developer, version, "staging")
    approve_change(change.pk, WHY, by=validator)

    version.refresh_from_db()
    assert version.stage == "staging"
    assert live_clearance(version, "score_live", timezone.now()) is None


def test_a_revocation_is_also_decided_by_two(developer, validator, approver):
    version = a_champion(developer, validator, approver)
    change = request_revocation(version, "The product ends.", by=developer)

    approve_change(change.pk, WHY, by=approver)

    version.refresh_from_db()
    assert version.stage == "suspended"
    with pytest.raises(WrongStage):
        request_revocation(version, "Again.", by=developer)


# What follows goes around the acts: the database refuses it to whoever writes.


def an_approval(change: ChangeRequest, approver, decision="approve") -> Approval:
    entry = Entry.objects.order_by("-id").first()
    return Approval(
        change_request=change,
        approver=approver,
        decision=decision,
        seat="governance.decide_staging" if decision == "approve" else None,
        rationale=WHY,
        decided_at=timezone.now(),
        entry=entry,
    )


def refused(write, why=None):
    with pytest.raises(IntegrityError, match=why), transaction.atomic():
        write()


@pytest.mark.parametrize("decision", ["approve", "reject"])
def test_the_database_refuses_an_approval_by_the_requester(developer, decision):
    change = a_request(in_role(developer, "validator"))

    refused(lambda: an_approval(change, developer, decision).save(), "maker of a change")


def test_the_database_refuses_an_approval_by_the_developer(developer, analyst):
    version = a_measured_version(developer)
    change = request_promotion(version, "staging", "On behalf.", by=analyst)

    refused(
        lambda: an_approval(change, in_role(developer, "validator")).save(), "maker of a change"
    )


def test_the_database_refuses_the_same_person_for_staging_and_production(developer, validator):
    version = a_staged_version(developer, validator)
    change = a_request(developer, version, "production")

    refused(lambda: an_approval(change, validator).save(), "cleared a version for staging")


def test_the_database_refuses_an_approval_of_a_closed_change(developer, validator, approver):
    change = a_request(developer)
    withdraw_change(change.pk, "Never mind.", by=developer)

    refused(lambda: an_approval(change, validator).save(), "not open")


def test_whoever_registered_a_version_that_another_developed_cannot_decide_about_it(
    developer, validator, retrainer_developed
):
    version = retrainer_developed(registered_by=validator)
    change = request_promotion(version, "staging", "Ready for review.", by=developer)

    with pytest.raises(DeveloperCannotApprove):
        approve_change(change.pk, WHY, by=validator)
    refused(an_approval(change, validator).save)
    assert not may_decide(validator, change)


def test_the_database_refuses_a_clearance_without_a_granted_request(developer, validator):
    version = a_staged_version(developer, validator)
    granted = version.clearances.get()
    fields = {
        field.attname: getattr(granted, field.attname)
        for field in Clearance._meta.concrete_fields
        if field.attname not in {"id", "entry_id"}
    }
    entry = Entry.objects.exclude(pk=granted.entry_id).first()
    live, again = fields | {"purpose": "score_live"}, fields
    unknown = fields | {"change_request_id": str(uuid4())}

    for forged in (live, again, unknown):
        with pytest.raises(IntegrityError, match="clearance"), transaction.atomic():
            Clearance.objects.create(**forged, entry=entry)


def test_the_database_refuses_a_clearance_on_a_request_that_is_still_open(developer, validator):
    version = a_staged_version(developer, validator)
    change = request_promotion(version, "production", "Ready for use.", by=developer)

    with pytest.raises(IntegrityError, match="clearance"), transaction.atomic():
        Clearance.objects.create(
            version=version, kind="grant", artefact_sha256=version.artefact_id,
            evidence_digest=change.evidence_digest, purpose="score_live", approver_ids=[validator.pk],
            change_request_id=str(change.pk), valid_from=timezone.now(), entry=Entry.objects.first(),
        )  # fmt: skip


def test_the_database_refuses_a_grant_that_nobody_approved(developer):
    change = a_request(developer)
    granting = ChangeRequest.objects.filter(pk=change.pk)

    refused(lambda: granting.update(state="granted", decided_at=timezone.now()))


def test_the_database_refuses_a_grant_by_raw_sql(developer):
    a_request(developer)

    def write():
        with connection.cursor() as cursor:
            cursor.execute(
                "UPDATE governance_changerequest SET state = 'granted', decided_at = requested_at"
            )

    refused(write)


def test_the_database_refuses_to_reopen_or_rewrite_a_change(developer):
    change = a_request(developer)
    rows = ChangeRequest.objects.filter(pk=change.pk)
    refused(lambda: rows.update(evidence_digest="0" * 64))
    withdraw_change(change.pk, "Never mind.", by=developer)

    refused(lambda: rows.update(state="open", decided_at=None))
    refused(rows.delete)


def test_the_database_refuses_a_request_that_names_another_developer(developer, analyst):
    change = a_request(developer)
    withdraw_change(change.pk, "Never mind.", by=developer)
    change.pk, change.made_by, change.state, change.decided_at = uuid4(), analyst, "open", None
    change.entry = Entry.objects.order_by("-id").first()

    refused(lambda: change.save(force_insert=True))


def test_the_database_refuses_to_change_or_remove_an_approval(developer, validator):
    change = a_request(developer)
    approve_change(change.pk, WHY, by=validator)

    refused(lambda: Approval.objects.update(rationale="Something else."))
    refused(lambda: Approval.objects.all().delete())
