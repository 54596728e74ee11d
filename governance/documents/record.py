"""What documents about one version are put together from. Everything is read when a section asks for it, once."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from django.db.models import QuerySet

from governance.models import ChangeRequest, Finding, GateReport
from governance.queries.changes import changes, latest_report
from governance.queries.findings import findings
from registry.applicable import policy_for
from registry.contract import FeatureContract
from registry.models import ModelRecord, ModelVersion, Policy, Run
from registry.queries import contract_of_version


@dataclass(frozen=True)
class Record:
    """One version and what is known about it; policies are those in force at `at`."""

    version: ModelVersion
    at: datetime

    @property
    def run(self) -> Run:
        return self.version.run

    @cached_property
    def inventory(self) -> ModelRecord:
        """The state of the model's entry in the inventory as it is now."""
        return self.version.model.records.order_by("-revision")[0]

    @cached_property
    def contract(self) -> FeatureContract:
        return contract_of_version(self.version)

    @cached_property
    def report(self) -> GateReport | None:
        """The newest gate report."""
        return latest_report(self.version)

    @cached_property
    def alternatives(self) -> list[Run]:
        """Runs of the model that had ended when the version was registered, the oldest first."""
        ended = self.version.model.runs.filter(
            status=Run.Status.SUCCEEDED, finished_at__lte=self.version.created_at
        )
        return list(ended.select_related("artefact").order_by("id"))

    @cached_property
    def requests(self) -> list[ChangeRequest]:
        """Change requests about the version, the oldest first."""
        return list(changes().filter(version=self.version).order_by("id"))

    @cached_property
    def findings(self) -> QuerySet[Finding]:
        """About this version or about every version of its model, closed ones among them, the oldest first."""
        about = findings().filter(model=self.version.model_id)
        return (about.filter(version=self.version) | about.filter(version=None)).order_by("id")

    def policy(self, kind: Policy.Kind) -> Policy | None:
        return policy_for(kind, self.version.model, self.at)
