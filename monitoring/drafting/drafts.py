"""A report that is made and not yet filed, and what drafts of every kind share."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from monitoring.models import Report
from monitoring.policy import MonitoringPolicy
from monitoring.queries.groups import Membership
from monitoring.reporting.heading import Heading
from monitoring.triggers import Finding, Severity, Standing
from registry.documents import Document, render_html, render_pdf, template_text
from registry.models import ModelVersion, Policy
from registry.provenance import code_revision


@dataclass(frozen=True)
class Draft:
    """A report that is made and not yet filed.

    `protected_columns` of `protected_people` were read for it. `found` holds what crossed a limit.
    """

    kind: str
    version: ModelVersion
    policy: Policy
    window_start: datetime
    window_end: datetime
    as_of: datetime
    results: dict[str, Any]
    found: tuple[tuple[Finding, Standing], ...]
    page: bytes
    pdf: bytes
    protected_columns: tuple[str, ...] = ()
    protected_people: int = 0


@dataclass(frozen=True)
class Frame:
    """One version, one window, one policy, one moment: what a report is about."""

    version: ModelVersion
    policy: Policy
    limits: MonitoringPolicy
    start: datetime
    end: datetime
    as_of: datetime

    def heading(self, data_cut: datetime | None) -> Heading:
        version = self.version
        return Heading(
            model=version.model.name,
            title=version.model.title,
            version=version.number,
            artefact_sha256=version.artefact_id,
            dataset_sha256=version.dataset.sha256,
            cut_off=version.cut_off,
            label_meaning=version.model.label_meaning,
            policy=self.policy.name,
            policy_version=self.policy.version,
            policy_sha256=self.policy.sha256,
            window_start=self.start,
            window_end=self.end,
            data_cut=data_cut,
            as_of=self.as_of,
            code_revision=code_revision(),
        )

    def draft(
        self,
        kind: Report.Kind,
        results: dict[str, Any],
        found: Sequence[tuple[Finding, Standing]],
        document: tuple[Document, Mapping[str, bytes]],
        read: Sequence[Membership] = (),
    ) -> Draft:
        content, images = document
        data = content.as_json()
        return Draft(
            kind=kind,
            version=self.version,
            policy=self.policy,
            window_start=self.start,
            window_end=self.end,
            as_of=self.as_of,
            results=results,
            found=tuple(found),
            page=render_html(template_text("report.html"), data, images),
            pdf=render_pdf(template_text("report.typ"), data, images, made_at=self.as_of),
            protected_columns=tuple(sorted({column for m in read for column in m.columns})),
            protected_people=sum(membership.people for membership in read),
        )


def standing_alone(finding: Finding) -> Standing:
    """Where one window decides: a statistically significant breach, or a limit missed on final labels."""
    confirmed = finding.severity != Severity.WATCH
    return Standing(crossed=1, windows=1, needed=1, of=1, confirmed=confirmed)


def results_of(
    heading: Heading, measured: dict[str, Any], found: Sequence[tuple[Finding, Standing]]
) -> dict[str, Any]:
    return {
        "schema": "credence-report/v1",
        "about": heading.as_json(),
        **measured,
        "found": [asdict(finding) | asdict(stands) for finding, stands in found],
    }
