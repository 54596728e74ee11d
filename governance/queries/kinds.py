"""What a request rests on beyond the evidence of its version, by its kind. Read anew for every decision."""

from datetime import datetime
from typing import Any

from governance.models import ChangeRequest
from registry.models import ModelVersion

Kind = ChangeRequest.Kind


def parts_of_kind(kind: str, version: ModelVersion, at: datetime) -> dict[str, Any]:
    """Parts of the evidence: whoever's place is taken, what is set aside, by which clearance. Often nothing."""
    return {}
