"""What documents say is what the record says, and each sentence names the entry that it rests on."""

import hashlib
from datetime import date
from uuid import UUID

import pytest
from django.utils import timezone

from audit.models import Entry
from governance.actions.changes import approve_change
from governance.actions.findings import Deficiency, open_finding
from governance.documents.composing import SECTIONS, compose, content_bytes
from governance.documents.content import NOT_RECORDED
from governance.documents.kinds import DEVELOPMENT, Kind
from governance.documents.outlines import outline_of
from governance.documents.rendering import render
from registry.actions.models import amend_model
from tests.governance.builders import (
    WHY,
    a_champion,
    a_report,
    a_request,
    a_retraining_policy,
    an_oversight_policy,
)
from tests.governance.documents.builders import text_of
from tests.monitoring.builders import a_monitoring_policy
from tests.registry.builders import a_run, a_version

pytestmark = pytest.mark.django_db


def composed(version, kind):
    return compose(version, Kind(kind), timezone.now())


def rendered(version, kind):
    content = composed(version, kind)
    return render(content, hashlib.sha256(content_bytes(content)).hexdigest())


@pytest.fixture
def full(developer, validator, approver):
    """A champion with everything on record that a document could speak of."""
    an_oversight_policy()
    a_retraining_policy()
    champion = a_champion(developer, validator, approver)
    a_monitoring_policy(champion)
    open_finding(
        champion.model,
        Deficiency(
            version=champion, severity="medium", category="data", title="Few rows", evidence="Section 3.", owner=developer
        ),
        by=validator,
    )  # fmt: skip
    return champion


def test_every_statement_names_an_entry_of_the_log_or_says_that_there_is_none(full):
    entries = {str(pk) for pk in Entry.objects.values_list("pk", flat=True)}

    for kind in Kind:
        content = composed(full, kind)
        facts = list(content.facts())
        parts = [section.part for section in content.sections]
        cited = [row for part in parts for grid in part.grids for row in grid.rows]
        cited += [picture for part in parts for picture in part.pictures]

        assert len(facts) > 10, kind
        for fact in facts:
            assert fact.entry in entries or (not fact.entry and fact.is_absent), fact
        for one in cited:
            assert one.entry in entries, one
        assert {source.entry for source in content.sources} == {
            one.entry for one in [*facts, *cited] if one.entry
        }


def test_a_source_is_what_the_log_says_of_the_entry(full):
    content = composed(full, "committee_pack")

    for source in content.sources:
        entry = Entry.objects.get(pk=UUID(source.entry))
        assert (source.event, source.actor) == (entry.event, entry.actor_name)
    times = [Entry.objects.get(pk=UUID(one.entry)).occurred_at for one in content.sources]
    assert content.as_of == max(times)


def test_the_inventory_and_the_run_stand_in_the_model_card(version):
    text = text_of(rendered(version, "model_card").pdf)
    metrics = version.run.metrics["holdout"]["performance"]

    assert version.model.purpose in text
    assert version.model.prohibited_uses[0] in text
    assert f"{metrics['auc']:.4g}" in text
    assert f"{metrics['auc_interval']['low']:.4g}" in text
    assert f"{metrics['n']:,}" in text
    assert f"{version.dataset.rows:,}" in text
    for digest in (
        version.dataset.sha256,
        version.artefact_id,
        version.artefact.content_sha256,
        version.contract_sha256,
    ):
        assert digest in text


def test_the_gates_stand_in_the_validation_report(version):
    report = version.gate_reports.get()
    results = {result["check"]: result for result in report.results}

    made = rendered(version, "validation_report")

    for text in (text_of(made.pdf), made.html.decode()):
        assert f"{results['auc']['value']:.4g}" in text
        assert f"{results['adverse_impact']['value']:.4g}" in text
        assert f"{results['adverse_impact']['low']:.4g}" in text
        assert f"{results['adverse_impact']['n']:,}" in text
        assert report.sha256 in text
        assert report.policy.sha256 in text


def test_requests_votes_and_findings_stand_in_the_committee_pack(full, approver):
    text = text_of(rendered(full, "committee_pack").pdf)

    for words in (
        "dana asked for",
        "victor decided to approve",
        "amira decided to approve",
        "Few rows",
    ):
        assert words in text


def test_an_annex_iv_file_has_the_nine_points_and_where_the_rule_comes_from(version):
    text = text_of(rendered(version, "annex_iv").pdf)

    for point in range(1, 10):
        assert f"Annex IV, point {point}" in text
    assert "2027-12-02" in text
    assert "2026/1744" in text
    assert "Not recorded: the declaration" in text


def test_a_missing_fact_is_said_to_be_missing_and_never_made_up(version):
    facts = {fact.label: fact for fact in composed(version, "model_card").facts()}

    assert facts["Assumptions"].text == NOT_RECORDED
    assert facts["Assumptions"].entry == str(version.model.entry_id)


def test_without_a_gate_report_a_validation_report_says_so(developer):
    version = a_version(run=a_run(requested_by=developer))

    summary = [fact.text for _, fact in composed(version, "validation_report").summary]

    assert any("Not recorded: a gate report" in text for text in summary)


def test_an_amended_inventory_is_cited_by_the_amendment(version, developer):
    amend_model(
        version.model, {"limitations": "Not for thin files."}, "Learned since.", by=developer
    )
    amendment = version.model.records.order_by("-revision")[0]

    facts = {fact.label: fact for fact in composed(version, "model_card").facts()}

    assert facts["Limitations"].text == "Not for thin files."
    assert facts["Limitations"].entry == str(amendment.entry_id)


def test_measuring_and_deciding_change_nothing_of_what_comes_before_the_gates(
    version, developer, validator
):
    before = [content_bytes(composed(version, kind)) for kind in DEVELOPMENT]

    a_report(version)
    approve_change(a_request(developer, version).pk, WHY, by=validator)

    assert [content_bytes(composed(version, kind)) for kind in DEVELOPMENT] == before


def test_no_document_of_the_development_compares_groups(version):
    for kind in DEVELOPMENT:
        assert b"62 and over" not in content_bytes(composed(version, kind))


def test_no_document_gives_a_legal_verdict(full):
    for kind in Kind:
        text = content_bytes(composed(full, kind)).decode().lower()
        for verdict in (" fair ", " fair.", "unfair", "compliant", "ecoa violation"):
            assert verdict not in text, kind


def test_outlines_name_sections_that_exist_and_rules_with_dates():
    for kind in Kind:
        outline = outline_of(kind)
        for section in outline.sections:
            assert bool(section.absent) != (section.key in SECTIONS), section
        assert outline.rules
        for rule in outline.rules:
            assert date.fromisoformat(rule.applies_from)
            assert rule.jurisdiction
            assert rule.read
