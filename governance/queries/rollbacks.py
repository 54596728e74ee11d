"""Named reads about going back to the former champion."""

from dataclasses import dataclass
from datetime import datetime

from governance.errors import NoWayBack, WayBackDamaged, WayBackExpired
from registry.models import Clearance, ModelVersion, ScoringModel, Stage
from registry.queries import champion, versions_of
from serving.errors import ArtefactRefused
from serving.scoring import require_ready


@dataclass(frozen=True)
class WayBack:
    """Which version would leave, which would come back, and on which clearance."""

    champion: ModelVersion
    former: ModelVersion
    clearance: Clearance


def way_back(model: ScoringModel, at: datetime) -> WayBack:
    """Where the model can go back to at that time: the champion before this one, as it was approved.

    Reads the former champion's artefact and baseline anew, and sees that it scores here. Raises NoWayBack, WayBackExpired or WayBackDamaged.
    """
    now = champion(model)
    if now is None:
        raise NoWayBack(f"{model} has no champion to go back from.")
    clearance = newest_way_back(model)
    if clearance is None:
        raise NoWayBack(f"{model} has no former champion that is cleared for rollback.")
    former = versions_of(model).get(pk=clearance.version_id)
    if clearance.valid_to is not None and clearance.valid_to <= at:
        raise WayBackExpired(
            f"{former} could be gone back to until {clearance.valid_to:%Y-%m-%d %H:%M} UTC."
        )
    _require_intact(former)
    return WayBack(now, former, clearance)


def cleared_before(former: ModelVersion) -> Clearance:
    """The grant to score under which the former champion last decided."""
    return former.clearances.filter(
        kind=Clearance.Kind.GRANT, purpose=Clearance.Purpose.SCORE_LIVE
    ).order_by("-id")[0]


def newest_way_back(model: ScoringModel) -> Clearance | None:
    """The newest grant for rollback of an archived version that was not revoked, whether or not it ran out."""
    return (
        Clearance.objects.filter(
            version__model=model,
            version__stage=Stage.ARCHIVED,
            kind=Clearance.Kind.GRANT,
            purpose=Clearance.Purpose.ROLLBACK,
            revocation=None,
        )
        .order_by("-valid_from", "-id")
        .first()
    )


def _require_intact(former: ModelVersion) -> None:
    try:
        require_ready(former)
    except ArtefactRefused as refusal:
        raise WayBackDamaged(refusal.detail) from refusal
