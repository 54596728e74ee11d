"""The buttons of whoever builds models: from a data file to a version, and the policies that it is judged by."""

import json
import tomllib
from typing import Any

from django import forms
from django.contrib.auth.models import User
from unfold.widgets import (
    UnfoldAdminFileFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
)

from audit.errors import FieldProblem, InvalidInput
from governance.actions.intake import take_in_dataset
from governance.admin.fields import Lines, choice, line, paragraph
from governance.admin.pages import ActPage, Done, offer
from governance.data_files import read_description
from registry.actions.models import register_model
from registry.actions.policies import propose_policy
from registry.actions.runs import request_run
from registry.actions.versions import register_version
from registry.models import Dataset, Policy, Run, ScoringModel
from registry.training import ALGORITHMS

KINDS = [(kind.value, kind.label) for kind in Policy.Kind]
TIERS = [("1", "1"), ("2", "2"), ("3", "3")]


class IntakeForm(forms.Form):
    name = line("Name", "Letters, digits and hyphens; it names the snapshot for good.")
    file = forms.FileField(
        label="Data file", help_text="CSV or Parquet.", widget=UnfoldAdminFileFieldWidget
    )
    description = forms.FileField(
        label="Description",
        help_text="TOML that says what each column is: label, feature, protected, time, row key or ignored. "
        "docs/examples has one to start from.",
        widget=UnfoldAdminFileFieldWidget,
    )


class ModelForm(forms.Form):
    name = line("Name", "Letters, digits and hyphens: how addresses and the log call it.")
    title = line("Title")
    purpose = paragraph("Purpose", "What is decided with it.")
    label_meaning = paragraph("Label", "What bad means for this model.")
    product = line("Product")
    approved_uses = Lines("Approved uses")
    prohibited_uses = Lines("Prohibited uses")
    jurisdictions = Lines("Jurisdictions")
    regulatory_use = line("Regulatory use", "Such as IRB PD; empty where there is none.")
    tier = choice("Tier", TIERS, "1 is watched most closely.")
    tier_rationale = paragraph("Why this tier")
    limitations = paragraph("Limitations")


class PolicyForm(forms.Form):
    kind = choice("Kind", KINDS)
    name = line("Name", "The model's, or `default` for every model.")
    body = forms.CharField(
        required=False,
        label="Body",
        help_text="TOML, or JSON as the REST API takes it. docs/gates.md says what a gate policy may ask.",
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 18, "class": "font-mono text-sm"}),
    )
    jurisdiction = line("Jurisdiction")
    rationale = paragraph("Rationale", "Why these limits. It is recorded.")


class RunForm(forms.Form):
    model = forms.ModelChoiceField(
        ScoringModel.objects.order_by("name"), label="Model", widget=UnfoldAdminSelectWidget
    )
    algorithm = choice("Algorithm", [(name, name.replace("_", " ")) for name in ALGORITHMS])
    params = paragraph("Parameters", "TOML, such as max_iter = 100; empty for the usual ones.")
    seed = forms.IntegerField(
        label="Seed", initial=0, help_text="The same seed trains the same model again."
    )
    holdout_share = forms.FloatField(
        label="Held out", initial=0.3, help_text="The share of people kept for measuring, 0 to 1."
    )


class VersionForm(forms.Form):
    cut_off = forms.FloatField(
        label="Cut-off",
        help_text="The probability of bad from which applications are declined; the decision policy's.",
    )
    decision_policy = forms.ModelChoiceField(
        Policy.objects.filter(kind=Policy.Kind.DECISION, status=Policy.Status.APPROVED),
        label="Decision policy",
        widget=UnfoldAdminSelectWidget,
    )
    reason_library = forms.ModelChoiceField(
        Policy.objects.filter(kind=Policy.Kind.REASON_LIBRARY, status=Policy.Status.APPROVED),
        label="Reason library",
        widget=UnfoldAdminSelectWidget,
    )


def _take_in(_: None, fields: dict[str, Any], by: User) -> Done:
    data = fields["file"]
    description = read_description(fields["description"].read())
    dataset = take_in_dataset(fields["name"], data.file, data.name, description, by=by)
    return Done(f"{dataset} is registered: {dataset.rows:,} rows, SHA-256 {dataset.sha256}.")


def _register_model(_: None, fields: dict[str, Any], by: User) -> Done:
    name, tier = fields.pop("name"), int(fields.pop("tier"))
    model = register_model(name, by=by, owner=by, tier=tier, **fields)
    return Done(f"{model} is in the inventory; you answer for it.")


def _propose(_: None, fields: dict[str, Any], by: User) -> Done:
    body = _table("body", fields.pop("body"))
    policy = propose_policy(fields.pop("kind"), fields.pop("name"), body, by=by, **fields)
    return Done(f"{policy} is proposed. Request its adoption, which another person decides.")


def _request_run(dataset: Dataset, fields: dict[str, Any], by: User) -> Done:
    params = _table("params", fields["params"])
    run = request_run(
        fields["model"], dataset, fields["algorithm"], params, fields["seed"], fields["holdout_share"], by=by
    )  # fmt: skip
    return Done(f"A worker trains {run}. Its page shows what comes of it.")


def _register_version(run: Run, fields: dict[str, Any], by: User) -> Done:
    version = register_version(run, by=by, **fields)
    return Done(f"{version} is registered. Its gates are measured next.")


def _table(field: str, text: str) -> dict[str, Any]:
    try:
        table = json.loads(text) if text.lstrip().startswith("{") else tomllib.loads(text)
    except ValueError as fault:
        problem = FieldProblem(field, "malformed", f"Neither TOML nor a JSON object: {fault}")
        raise InvalidInput(f"The {field} cannot be read.", errors=[problem]) from None
    assert isinstance(table, dict)
    return table


offer(
    ActPage(
        model=Dataset,
        slug="take-in",
        title="Take in a data file",
        icon="upload_file",
        needs="governance.take_in_dataset",
        what_happens="Features and label become a snapshot named by its digest; protected columns go to the vault, where no model reaches them.",
        perform=_take_in,
        form=IntakeForm,
        on_list=True,
    ),
    ActPage(
        model=ScoringModel,
        slug="register",
        title="Register a model",
        icon="add_chart",
        needs="registry.register_model",
        what_happens="The model enters the inventory, with you as its owner. It decides nothing before a version of it is approved.",
        perform=_register_model,
        form=ModelForm,
        on_list=True,
    ),
    ActPage(
        model=Policy,
        slug="propose",
        title="Propose a policy",
        icon="policy",
        needs="registry.propose_policy",
        what_happens="The next version of the policy of that kind and name. It applies to nothing until somebody else adopts it.",
        perform=_propose,
        form=PolicyForm,
        on_list=True,
    ),
    ActPage(
        model=Dataset,
        slug="train",
        title="Train a model on it",
        icon="model_training",
        needs="registry.request_run",
        what_happens="A worker trains on this snapshot, holds people out, measures, and keeps everything that is needed to train it again.",
        perform=_request_run,
        form=RunForm,
    ),
    ActPage(
        model=Run,
        slug="register-version",
        title="Register a version",
        icon="verified",
        needs="registry.register_version",
        what_happens="What this run left becomes a version, frozen from now on: artefact, contract, explanation baseline, cut-off, policies.",
        perform=_register_version,
        form=VersionForm,
        applies=lambda run, user: run.status == Run.Status.SUCCEEDED,
    ),
)
