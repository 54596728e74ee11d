"""The names of what monitoring writes into the log."""

from enum import StrEnum


class Event(StrEnum):
    PROTECTED_VALUES_RECORDED = "monitoring.protected_values.recorded"
    PROTECTED_VALUES_FORGOTTEN = "monitoring.protected_values.forgotten"
    REPORT_MADE = "monitoring.report.made"
    ALERT_RAISED = "monitoring.alert.raised"
    PASS_REQUESTED = "monitoring.pass.requested"
    PASS_FINISHED = "monitoring.pass.finished"
    PASS_FAILED = "monitoring.pass.failed"


DESCRIPTIONS = {
    Event.PROTECTED_VALUES_RECORDED: "Protected attributes were supplied: of how many people, which attributes, no values.",
    Event.PROTECTED_VALUES_FORGOTTEN: "Protected attributes of erased people were removed: of how many people.",
    Event.REPORT_MADE: "A report was made: its digests, its window, its policy, and which protected attributes of how many people were read for it.",
    Event.ALERT_RAISED: "A limit of the monitoring policy was crossed: which, by how much, and whether it persisted.",
    Event.PASS_REQUESTED: "Someone asked for a monitoring pass over one window.",
    Event.PASS_FINISHED: "A monitoring pass was carried out: its reports and how many alerts it raised.",
    Event.PASS_FAILED: "A monitoring pass could not be carried out: the reason.",
}
