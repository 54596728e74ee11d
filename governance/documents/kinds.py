"""Which documents there are, and what each of them may rest on. Pure."""

from enum import StrEnum


class Kind(StrEnum):
    MODEL_CARD = "model_card"
    DEVELOPMENT_DOCUMENT = "development_document"
    VALIDATION_REPORT = "validation_report"
    ANNEX_IV = "annex_iv"
    COMMITTEE_PACK = "committee_pack"


DEVELOPMENT = (Kind.MODEL_CARD, Kind.DEVELOPMENT_DOCUMENT)
"""Made before the gates: these rest on inventory, data, run and version alone, so that measuring makes none of them stale."""

RESTRICTED = frozenset(Kind) - set(DEVELOPMENT)
"""Documents that compare protected groups, and are read by those alone who may see fairness reports."""

EVIDENCE = tuple(kind for kind in Kind if kind is not Kind.COMMITTEE_PACK)
"""What a change request is judged by. The committee pack is about the request itself, and comes after it."""

INDEPENDENT = frozenset({Kind.VALIDATION_REPORT})
"""Nobody who built the version generates these."""
