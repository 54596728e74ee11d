"""What every monitoring report says about itself: of what, when, by which limits, with which code."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from monitoring.reporting.words import moment


@dataclass(frozen=True)
class Heading:
    """Which version was measured over which window, as of when, under which policy and code.

    `data_cut` is when the latest decision in the window was made.
    """

    model: str
    title: str
    version: int
    artefact_sha256: str
    dataset_sha256: str
    cut_off: float
    label_meaning: str
    policy: str
    policy_version: int
    policy_sha256: str
    window_start: datetime
    window_end: datetime
    data_cut: datetime | None
    as_of: datetime
    code_revision: str

    @property
    def window(self) -> str:
        return f"{moment(self.window_start)} to {moment(self.window_end)}"

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        cut = f"decisions up to {moment(self.data_cut)}" if self.data_cut else "no decisions"
        return (
            ("Model", f"{self.title} ({self.model}), version {self.version}"),
            ("Artefact", self.artefact_sha256),
            ("Trained on", f"data set {self.dataset_sha256}"),
            ("Label", self.label_meaning),
            ("Cut-off", f"declined at a predicted pd of {self.cut_off:g} or more"),
            ("Window", self.window),
            ("Data cut", cut),
            ("As of", moment(self.as_of)),
            (
                "Limits",
                f"monitoring policy {self.policy}, version {self.policy_version} "
                f"(sha256 {self.policy_sha256[:16]})",
            ),
            ("Code", self.code_revision),
        )

    def footer(self, results_sha256: str) -> str:
        return f"{self.model}, version {self.version} · as of {moment(self.as_of)} · results sha256 {results_sha256}"

    def as_json(self) -> dict[str, Any]:
        """Times as ISO 8601 text."""
        return {
            key: value.isoformat() if isinstance(value, datetime) else value
            for key, value in asdict(self).items()
        }
