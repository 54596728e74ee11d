"""Why a measure could not be taken."""

from audit.errors import Refusal


class NotMeasurable(Refusal):
    """The arrays cannot carry this measure: empty, unequal in length, not finite, or of one class only."""

    status = 422
