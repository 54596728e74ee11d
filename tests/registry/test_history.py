"""What was true at a time: exactly, just before, at and after each change."""

import json
from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone

from audit.errors import InvalidInput, NotPermitted
from audit.models import Entry
from registry import history
from registry.actions.clearances import revoke_clearance
from registry.actions.models import amend_model, change_tier
from registry.actions.policies import adopt_policy, propose_policy, reject_policy
from registry.actions.restrictions import lift_restriction, restrict_use
from registry.actions.versions import change_stage, promote_to_champion
from registry.errors import MomentRefused, NothingAmended
from registry.live import live_document
from registry.models import ModelRecord, ModelVersion, ScoringModel, StageChange, UseRestriction
from registry.moments import moment
from tests.audit.tampering import drop_triggers
from tests.registry.builders import (
    DECISION_BODY,
    a_clearance,
    a_model,
    a_version,
    the_builder,
    the_checker,
)

pytestmark = pytest.mark.django_db
TICK = timedelta(microseconds=1)


@pytest.fixture
def builder(db: None) -> User:
    return the_builder()


def refused() -> bool:
    return Entry.objects.order_by("-id")[0].event == "audit.action_refused"


def test_an_amendment_changes_the_row_and_keeps_both_states(builder):
    model = a_model("loanapp", limitations="None known.")

    amended = amend_model(
        model, {"limitations": "Thin files.", "complexity": "high"}, "Validation.", by=builder
    )

    records = list(ModelRecord.objects.order_by("revision"))
    assert [record.body["limitations"] for record in records] == ["None known.", "Thin files."]
    assert records[1].entry.event == "registry.model.amended"
    assert records[1].rationale == "Validation."
    assert ScoringModel.objects.get().limitations == amended.limitations == "Thin files."


def test_the_inventory_is_told_as_it_stood_just_before_at_and_after_a_change(builder):
    model = a_model(tier=2)
    change_tier(model, 1, "Exposure grew.", by=builder)
    changed_at = ModelRecord.objects.get(revision=2).valid_from

    tiers = [
        history.model_at(model.name, at).tier
        for at in (changed_at - TICK, changed_at, changed_at + TICK)
    ]

    assert tiers == [2, 1, 1]
    assert [one.tier for one in history.models_at(changed_at - TICK)] == [2]
    assert history.models_at(model.created_at - TICK) == []


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"name": "other"}, "name"),
        ({"tier": 1}, "tier"),
        ({"title": " "}, "title"),
        ({"title": "x" * 201}, "title"),
        ({"users": "everyone"}, "users"),
        ({"complexity": "huge"}, "complexity"),
        ({"label_window_months": 0}, "label_window_months"),
        ({"owner": None}, "owner"),
        ({"assumptions": 5}, "assumptions"),
    ],
)
def test_an_amendment_names_the_field_at_fault_and_changes_nothing(builder, changes, field):
    model = a_model()

    with pytest.raises(InvalidInput) as refusal:
        amend_model(model, changes, "Why.", by=builder)

    assert [problem.field for problem in refusal.value.errors] == [field]
    assert ScoringModel.objects.get().inventory == model.inventory
    assert ModelRecord.objects.count() == 1
    assert refused()


def test_an_amendment_needs_a_reason_a_change_and_a_role(builder):
    model, outsider = a_model(tier=2), User.objects.create_superuser("outsider")

    with pytest.raises(InvalidInput):
        amend_model(model, {"vendor": "Acme"}, " ", by=builder)
    with pytest.raises(NothingAmended):
        amend_model(model, {"title": model.title}, "Why.", by=builder)
    with pytest.raises(NotPermitted):
        amend_model(model, {"vendor": "Acme"}, "Why.", by=outsider)
    with pytest.raises(NothingAmended):
        change_tier(model, 2, "Why.", by=builder)
    with pytest.raises(InvalidInput):
        change_tier(model, 4, " ", by=builder)
    with pytest.raises(NotPermitted):
        change_tier(model, 1, "Why.", by=outsider)

    assert ModelRecord.objects.count() == 1
    assert Entry.objects.filter(event="audit.action_refused").count() == 6


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE registry_scoringmodel SET tier = 3",
        "UPDATE registry_scoringmodel SET tier = 3, revision = 2",
        "UPDATE registry_modelrecord SET revision = 9",
        "DELETE FROM registry_modelrecord",
        "UPDATE registry_modelversion SET stage = 'staging'",
        "UPDATE registry_stagechange SET stage = 'production'",
        "DELETE FROM registry_stagechange",
    ],
)
def test_the_database_refuses_a_change_that_leaves_no_trace(statement):
    version = a_version()

    with (
        pytest.raises(IntegrityError),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)

    assert ModelVersion.objects.get().stage == version.stage


def test_stages_and_the_champion_are_told_as_they_stood(builder):
    first = a_version(stage="production")
    model = first.model
    second = a_version(model, stage="staging")
    a_clearance(second)
    second = promote_to_champion(second, by=builder)
    moved = second.stage_changed_at

    def stages(at):
        return {v.number: v.stage for v in history.staged(history.versions_at(model, at), at)}

    assert stages(moved - TICK) == {1: "production", 2: "staging"}
    assert stages(moved) == stages(moved + TICK) == {1: "archived", 2: "production"}
    assert history.champion_at(model, moved - TICK) == first
    assert history.champion_at(model, moved) == second
    assert stages(second.created_at) == {1: "production", 2: "registered"}
    assert stages(first.created_at - TICK) == {}
    assert stages(timezone.now()) == dict(ModelVersion.objects.values_list("number", "stage"))


def test_policies_are_told_with_the_status_they_had(builder):
    checker = the_checker()
    first = propose_policy("decision", "loans", DECISION_BODY, by=builder, rationale="First.")
    first = adopt_policy(first, by=checker, rationale="Agreed.")
    second = propose_policy("decision", "loans", DECISION_BODY, by=builder, rationale="Second.")
    second = adopt_policy(second, by=checker, rationale="Agreed.")
    third = propose_policy("decision", "loans", DECISION_BODY, by=builder, rationale="Third.")
    reject_policy(third, by=checker, rationale="No.")
    rejected_at = Entry.objects.get(event="registry.policy.rejected").occurred_at

    def told(at):
        return {policy.version: policy.status for policy in history.policies_at(at)}

    assert told(first.proposed_at - TICK) == {}
    assert told(first.approved_at - TICK) == {1: "proposed"}
    assert told(second.approved_at - TICK) == {1: "approved", 2: "proposed"}
    assert told(second.approved_at) == {1: "superseded", 2: "approved"}
    assert told(rejected_at - TICK)[3] == "proposed"
    assert told(rejected_at)[3] == "rejected"
    before = history.policy_at(first.pk, second.approved_at - TICK)
    assert (before.effective_to, before.approved_by) == (None, checker)
    assert history.policy_at(second.pk, second.approved_at - TICK).approved_by is None


def test_what_was_live_names_bytes_approvers_restrictions_and_entries(builder):
    champion = a_version(stage="production")
    clearance = champion.clearances.get()
    cap = {"feature": "income", "max": 60_000}
    restriction = restrict_use(champion, "max_amount", cap, "Untested.", by=builder)
    during = timezone.now()
    lift = lift_restriction(restriction, "Tested.", by=the_checker())
    revocation = revoke_clearance(clearance, by=builder, reason="Unsound.")
    name = champion.model.name

    live = history.live(name, during)

    assert live.champion == champion
    assert live.clearance == clearance
    promoted = live_document(live)["champion"]
    assert promoted["since"] == champion.stage_changed_at
    assert promoted["entry"] == str(champion.stage_changes.get(stage="production").entry_id)
    assert live.approvers == ["checker"]
    assert live.restrictions == [restriction]
    assert {policy.kind for policy in live.policies} == {"decision", "reason_library"}
    assert history.live(name, lift.lifted_at - TICK).restrictions == [restriction]
    assert history.live(name, lift.lifted_at).restrictions == []
    assert history.live(name, revocation.valid_from - TICK).clearance == clearance
    assert history.live(name, revocation.valid_from).clearance is None
    assert history.live(name, clearance.valid_from - TICK).champion is None


def test_shadow_and_rollback_clearances_are_live_beside_the_champion():
    first = a_version(stage="production")
    shadow = a_version(first.model, stage="staging")
    shadowing = a_clearance(shadow, "score_shadow")

    live = history.live(first.model.name, timezone.now())

    assert live.champion == first
    assert live.others == [shadowing]


@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00"])
def test_a_time_that_cannot_be_read_is_refused_by_name(text):
    with pytest.raises(MomentRefused) as refusal:
        moment(text)

    assert [(e.field, e.type) for e in refusal.value.errors] == [("as_of", "malformed")]


def test_the_future_is_not_told_and_an_offset_is_understood():
    with pytest.raises(MomentRefused):
        moment((timezone.now() + timedelta(hours=1)).isoformat())

    assert moment("2026-01-01T02:00:00+02:00") == datetime(2026, 1, 1, tzinfo=UTC)


def test_reads_answer_as_of_a_time_over_http(builder, auditor, signed_in):
    version = a_version(stage="production")
    model, browser = version.model, signed_in(auditor)
    then = timezone.now()
    change_stage(version, "suspended", by=builder, reason="Found unsound.")
    amend_model(model, {"title": "Renamed"}, "Clarity.", by=builder)

    def read(path, **query):
        return browser.get(f"/api/v1/{path}", query)

    at = {"as_of": then.isoformat()}
    old = read(f"models/{model.name}", **at).json()
    assert (old["title"], old["champion"]) == (model.title, 1)
    now = read(f"models/{model.name}").json()
    assert (now["title"], now["champion"]) == ("Renamed", None)
    assert [row["title"] for row in read("models", **at).json()["results"]] == [model.title]
    versions = read(f"models/{model.name}/versions", **at).json()["results"]
    assert [row["stage"] for row in versions] == ["production"]
    assert read(f"models/{model.name}/versions/1", **at).json()["stage"] == "production"
    assert read(f"models/{model.name}/versions/1").json()["stage"] == "suspended"
    assert {row["status"] for row in read("policies", **at).json()["results"]} == {"approved"}
    early = {"as_of": (model.created_at - TICK).isoformat()}
    assert read(f"models/{model.name}", **early).status_code == 404
    change = read("change-requests", **at).json()["results"][0]
    assert (change["state"], len(change["approvals"])) == ("granted", 1)
    assert read("change-requests", **early).json()["results"] == []
    live = read(f"models/{model.name}/live", at=then.isoformat()).json()
    assert live["champion"]["artefact_sha256"] == version.artefact_id
    assert live["clearance"]["entry"] == str(version.clearances.get().entry_id)
    assert read(f"models/{model.name}/live").json()["champion"] is None
    for path in ("models", "policies", "change-requests", f"models/{model.name}/versions"):
        wrong = read(path, as_of="soon")
        assert (wrong.status_code, wrong.json()["type"]) == (422, "/problems/moment-refused")


def test_amending_restricting_and_lifting_over_http(developer, validator, signed_in):
    model = a_version(developed_by=developer).model
    dana, victor = signed_in(developer), signed_in(validator)
    here = f"/api/v1/models/{model.name}"

    def send(client, path, body, method="post"):
        return getattr(client, method)(path, body, content_type="application/json")

    amendment = {"changes": {"users": ["Branches"], "owner": "dana"}, "rationale": "Asked."}
    amended = send(dana, here, amendment, "patch")
    tier = send(victor, f"{here}/tier", {"tier": 1, "rationale": "Exposure."})
    placed = send(
        victor,
        f"{here}/restrictions",
        {
            "kind": "allowed_values",
            "limits": {"feature": "purpose", "values": ["car"]},
            "reason": "Why.",
        },
    )
    lift = f"/api/v1/restrictions/{placed.json()['id']}/lift"
    lifted = send(victor, lift, {"reason": "Tested."})

    assert (amended.status_code, amended.json()["users"]) == (200, ["Branches"])
    assert amended.json()["owner"] == "dana"
    assert (tier.status_code, tier.json()["tier"]) == (201, 1)
    assert (placed.status_code, lifted.status_code) == (201, 201)
    assert lifted.json()["lift"]["lifted_by"] == "victor"
    assert send(dana, lift, {"reason": "Mine."}).status_code == 403
    records = dana.get(f"{here}/records").json()["results"]
    assert [record["revision"] for record in records] == [3, 2, 1]
    listed = dana.get(f"{here}/restrictions").json()["results"]
    assert listed == [lifted.json()]
    # The same through the windows.
    form = {"kind": "allowed_values", "feature": "purpose", "limit": "car", "reason": "Why."}
    address = f"/registry/scoringmodel/{model.pk}"
    assert victor.post(f"{address}/restrict-use/", form).status_code == 422
    assert victor.post(f"{address}/restrict-use/", form | {"limit": '["car"]'}).status_code == 302
    placed = UseRestriction.objects.latest("id")
    assert (placed.placed_by.username, placed.limits["values"]) == ("victor", ["car"])
    page = dana.get(f"{address}/change/").content.decode()
    assert reverse("admin:registry_userestriction_change", args=[placed.pk]) in page
    assert (
        victor.post(f"{address}/change-tier/", {"tier": "2", "rationale": "x"}).status_code == 302
    )


def test_the_command_shows_what_was_live(auditor, capsys):
    version = a_version(stage="production")

    call_command("live", version.model.name, "--as", "ines")

    shown = json.loads(capsys.readouterr().out)
    assert shown["champion"]["artefact_sha256"] == version.artefact_id
    assert shown["approvers"] == ["checker"]
    with pytest.raises(CommandError, match="future"):
        call_command("live", version.model.name, "--as", "ines", "--at", "2999-01-01T00:00:00Z")


def test_the_migration_tells_the_history_of_rows_that_were_there_before(builder):
    first = a_version(stage="production")
    second = a_version(first.model, stage="staging")
    a_clearance(second)
    promote_to_champion(second, by=builder)
    kept = [
        list(ModelRecord.objects.values_list("body", "revision", "valid_from", "entry")),
        stages(),
    ]
    for table in ("registry_modelrecord", "registry_stagechange"):
        drop_triggers(table)
    ModelRecord.objects.all().delete()
    StageChange.objects.all().delete()

    import_module("registry.migrations.0005_inventory").write_history(apps, None)

    told = list(ModelRecord.objects.values_list("body", "revision", "valid_from", "entry"))
    assert [told, stages()] == kept


def stages():
    rows = StageChange.objects.order_by("entry", "stage")
    return list(rows.values_list("version", "stage", "entry"))
