"""Why monitoring refuses: one class per reason."""

from audit.errors import NotFound, Refusal


class MonitoringPolicyMalformed(Refusal):
    """A monitoring policy cannot be used; every fault is named."""

    status = 422


class NoMonitoringPolicy(Refusal):
    """No monitoring policy is in force for the model: without limits nothing can be judged."""


class NoVersionToMonitor(Refusal):
    """The model has no champion, and no version was named."""


class WindowMalformed(Refusal):
    """A window must begin before it ends, and end no later than now."""

    status = 422


class NothingToMeasure(Refusal):
    """The window holds no decision of the version, or the data set no protected value."""


class ProtectedValuesRefused(Refusal):
    """Rows of protected values name unknown people or attributes; every one is named, no value is."""

    status = 422


class ProtectedValueUnreadable(Refusal):
    """A stored protected value does not open under the key for protected attributes."""

    status = 503


class ReportUnknown(NotFound):
    """No such report exists for the model."""


class PassUnknown(NotFound):
    """No monitoring pass has that identifier."""


class PassFinished(Refusal):
    """The monitoring pass was carried out, or failed, before."""
