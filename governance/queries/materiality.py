"""Named reads about materiality: what a model decided in a period, and how material it was found to be."""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet

from audit.cases import restricted_people
from governance.materiality import Exposure
from governance.models import MaterialityAssessment
from registry.contract import FeatureContract
from registry.features import Feature
from registry.models import ModelVersion, ScoringModel
from serving.in_service import contract_of
from serving.models import Decision


def assessments() -> QuerySet[MaterialityAssessment]:
    """All assessments, newest first."""
    return MaterialityAssessment.objects.select_related("model", "policy", "assessed_by")


def exposure_of(
    model: ScoringModel, start: datetime, end: datetime, amount_features: Sequence[str], unit: str
) -> Exposure:
    """What the model decided from `start` (inclusive) to `end` (exclusive), and the sum of the amounts applied for.

    The amount is the first of the features that the newest version of the period has, in that unit. Other versions
    without it add nothing to the sum, nor do people who were erased or whose data is restricted.
    """
    decisions = Decision.objects.filter(
        model_name=model.name, decided_at__gte=start, decided_at__lt=end
    )
    known = decisions.filter(
        ~Exists(restricted_people(OuterRef("subject_id"))), observation__isnull=False
    )
    used = decisions.order_by().values("version")
    versions = list(ModelVersion.objects.filter(pk__in=used).order_by("-number"))
    feature = _amount_feature(versions, amount_features, unit)
    count = decisions.count()
    if feature is None:
        return Exposure(count)
    amounts = [
        amount
        for version in versions
        for amount in _amounts(known.filter(version=version), contract_of(version), feature)
    ]
    return Exposure(count, math.fsum(amounts), len(amounts), feature.name, feature.unit)


def _amount_feature(
    versions: Sequence[ModelVersion], names: Sequence[str], unit: str
) -> Feature | None:
    if not versions:
        return None
    by_name = contract_of(versions[0]).by_name
    found = (by_name[name] for name in names if name in by_name)
    return next((each for each in found if _is_amount(each, unit)), None)


def _is_amount(feature: Feature, unit: str) -> bool:
    return feature.type in ("number", "integer") and feature.unit == unit


def _amounts(
    decisions: QuerySet[Decision], contract: FeatureContract, feature: Feature
) -> Iterator[float]:
    same = contract.by_name.get(feature.name)
    if same is None or not _is_amount(same, feature.unit):
        return
    place = contract.names.index(feature.name)
    for packed in decisions.values_list("observation__packed", flat=True).iterator():
        amount = float(np.frombuffer(packed, dtype=np.float64)[place])
        if not math.isnan(amount):
            yield amount
