"""What the inventory and the registration say: which model, for what, by whom, with which limits."""

from governance.documents.content import Fact, Part, absent, day, field, said
from governance.documents.record import Record
from registry.loading import SIGNATURE_DOMAIN
from registry.models import ModelRecord

RATED = "low, medium or high"


def identity(record: Record) -> Part:
    version, body, row = record.version, record.inventory.body, record.inventory
    return Part(
        (
            field("Model", f"{version.model.name}: {body['title']}", row),
            field("Version", version.number, version),
            field("Product", body["product"], row),
            field("Owner", body["owner"], row),
            field("Tier", f"{body['tier']}: {body['tier_rationale']}", row),
            field("Developed by", version.developed_by.get_username(), version),
            field("Registered at", day(version.created_at), version),
            field("Source of the model", body["vendor"] or "built in the bank", row),
        )
    )


def purpose(record: Record) -> Part:
    return _fields(
        record.inventory,
        {
            "purpose": "Purpose",
            "approved_uses": "Approved uses",
            "prohibited_uses": "Prohibited uses",
            "actual_use": "Actual use",
            "users": "Users",
            "operating_boundaries": "Operating boundaries",
            "regulatory_use": "Regulatory use",
            "jurisdictions": "Jurisdictions",
        },
    )


def jurisdictions(record: Record) -> Part:
    named = record.inventory.body["jurisdictions"]
    where = ", ".join(named) or "none"
    return Part(
        (
            said(f"The inventory names these jurisdictions: {where}.", record.inventory),
            said(
                "Whether the Regulation applies to this use is for counsel to say; the inventory does not say it.",
                record.inventory,
            ),
        )
    )


def limitations(record: Record) -> Part:
    return _fields(
        record.inventory,
        {
            "assumptions": "Assumptions",
            "limitations": "Limitations",
            "compensating_controls": "Compensating controls",
            "dependencies": "Dependencies",
        },
    )


def risk(record: Record) -> Part:
    return _fields(
        record.inventory,
        {
            "tier": "Tier",
            "tier_rationale": "Rationale of the tier",
            "inherent_risk": "Inherent risk",
            "complexity": "Complexity",
            "compensating_controls": "Compensating controls",
        },
    )


def conceptual_soundness(record: Record) -> Part:
    return _fields(
        record.inventory,
        {"methodology": "Methodology", "complexity": "Complexity", "label_meaning": "Target"},
    ) + Part((_algorithm(record), *_directions(record)))


def target(record: Record) -> Part:
    months = record.inventory.body["label_window_months"]
    return _fields(record.inventory, {"label_meaning": "Meaning of bad"}) + Part(
        (
            field(
                "Performance window",
                None if months is None else f"{months} months",
                record.inventory,
            ),
            absent("an observation window of the inputs."),
        )
    )


def artefact(record: Record) -> Part:
    version, run, kept = record.version, record.run, record.version.artefact
    return Part(
        (
            field("Artefact, SHA-256 of its bytes", kept.sha256, kept),
            field("Artefact, SHA-256 of its content", kept.content_sha256, kept),
            field("Format and size", f"{kept.format}, {kept.size:,} bytes", kept),
            field("Signed by", f"{kept.key_id}, over {SIGNATURE_DOMAIN}", kept),
            field("Data set, SHA-256", version.dataset.sha256, version.dataset),
            field("Feature contract, SHA-256", version.contract_sha256, version),
            field("Code revision of the training", run.code_revision, kept),
            field("Environment, SHA-256", run.environment_sha256, kept),
        )
    )


def cybersecurity(record: Record) -> Part:
    kept = record.version.artefact
    return Part(
        (
            said(
                f"The artefact {kept.sha256} is kept without pickle as {kept.format} and was signed by {kept.key_id} when it was made.",
                kept,
            ),
            absent("other measures of cybersecurity, which are those of the installation."),
        )
    )


def oversight(record: Record) -> Part:
    policy, body = record.version.decision_policy, record.version.decision_policy.body
    band = body.get("grey_band")
    referred = (
        f"Applications with a probability of bad from {band['from']:g} to below {band['to']:g} are referred to a person, by the policy {policy}."
        if band
        else f"The policy {policy} refers no application to a person by its score."
    )
    return Part(
        (
            said(referred, policy),
            said(
                f"A declined applicant is given at most {body['max_reasons']} principal reasons, by the policy {policy}.",
                policy,
            ),
            field("Users who oversee it", record.inventory.body["users"], record.inventory),
            field("Owner who answers for it", record.inventory.body["owner"], record.inventory),
        )
    )


def independence(record: Record) -> Part:
    version, facts = record.version, []
    built = version.developed_by.get_username()
    facts.append(said(f"{built} developed this version.", version))
    if record.report is None:
        facts.append(absent("a gate report, and so nobody who measured."))
    else:
        asked = record.report.run.requested_by.get_username()
        who = "who developed it" if asked == built else "who did not develop it"
        facts.append(said(f"{asked}, {who}, had the gates measured.", record.report))
    for request in record.requests:
        facts += [
            said(
                f"{vote.approver.get_username()}, who is not {built}, decided about {request.target or request.kind}: {vote.decision}.",
                vote,
            )
            for vote in request.approvals.order_by("id")
        ]
    return Part(tuple(facts))


def _algorithm(record: Record) -> Fact:
    name = record.run.get_algorithm_display().lower()
    return said(f"The version is a {name}.", record.version)


def _directions(record: Record) -> list[Fact]:
    declared = [f for f in record.contract.features if f.monotone != "none"]
    if not declared:
        return [said("The contract declares no direction for any feature.", record.version)]
    names = ", ".join(f"{f.name} ({f.monotone})" for f in declared)
    return [said(f"The contract declares directions for {names}.", record.version)]


def _fields(row: ModelRecord, names: dict[str, str]) -> Part:
    return Part(tuple(field(label, row.body[name], row) for name, label in names.items()))
