"""What the product is compared with, served by the same processes of the same server.

R1 is what a good engineer writes in an afternoon: one view with a serializer that checks the fields, scikit-learn's
`predict_proba`, shap's path-dependent attributions, four reasons, one row. Nothing is signed, nobody is recognised, and
the attributions have no reference population. R2 is the same with interventional attributions against 500 rows.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from django.db import models
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tests.benchmarks.scoring.bank import MEASURED, NAMES

CUT_OFF = 0.3


class Reference(models.Model):
    """One decision of a reference."""

    application_ref = models.CharField(max_length=200)
    subject_ref = models.CharField(max_length=200)
    features = models.JSONField()
    attributions = models.JSONField()
    reasons = models.JSONField()
    pd = models.FloatField()
    outcome = models.CharField(max_length=10)
    decided_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        app_label = "benchmark"
        db_table = "reference"


def _field(position: int) -> serializers.Field[Any, Any, Any, Any]:
    if position < MEASURED:
        return serializers.FloatField(min_value=-10, max_value=10)
    return serializers.IntegerField(min_value=0, max_value=5)


FeatureFields = type(
    "FeatureFields",
    (serializers.Serializer,),
    {name: _field(position) for position, name in enumerate(NAMES)},
)


class Application(serializers.Serializer[Any]):
    application_ref = serializers.CharField(max_length=200)
    subject_ref = serializers.CharField(max_length=200)
    features = FeatureFields()


class PathDependent(APIView):
    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        application = Application(data=request.data)
        application.is_valid(raise_exception=True)
        given = application.validated_data
        row = np.array([[given["features"][name] for name in NAMES]], dtype=np.float64)
        pd = float(_model().predict_proba(row)[0, 1])
        attributions = self.attributions(row)
        outcome = "declined" if pd >= CUT_OFF else "approved"
        against = [place for place in np.argsort(-attributions)[:4] if attributions[place] > 0]
        reasons = [
            {"rank": rank, "feature": NAMES[place], "contribution": float(attributions[place])}
            for rank, place in enumerate(against, start=1)
        ]
        decision = Reference.objects.create(
            application_ref=given["application_ref"],
            subject_ref=given["subject_ref"],
            features=given["features"],
            attributions=attributions.tolist(),
            reasons=reasons if outcome == "declined" else [],
            pd=pd,
            outcome=outcome,
        )
        return Response(
            {
                "decision_id": decision.pk,
                "outcome": outcome,
                "pd": pd,
                "attributions": dict(zip(NAMES, decision.attributions, strict=True)),
                "reasons": decision.reasons,
                "decided_at": decision.decided_at,
            },
            status=201,
        )

    def attributions(self, row: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.asarray(_path_dependent().shap_values(row))[0]


class Interventional(PathDependent):
    def attributions(self, row: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
        return np.asarray(_interventional().shap_values(row, check_additivity=False))[0]


class Constant(APIView):
    """The floor: as many bytes as a decision, from nowhere."""

    authentication_classes = ()
    permission_classes = ()

    def post(self, request: Request) -> Response:
        return Response(_CONSTANT, status=201)


_CONSTANT = {"attributions": dict.fromkeys(NAMES, 0.125), "filling": "x" * 3_000}


def _folder() -> Path:
    return Path(os.environ["CREDENCE_VAR"])


@cache
def _model() -> Any:
    from registry import artefacts

    return artefacts.load((_folder() / "model.skops").read_bytes())


@cache
def _path_dependent() -> Any:
    import shap

    return shap.TreeExplainer(_model())


@cache
def _interventional() -> Any:
    import shap

    baseline = np.load(_folder() / "baseline.npy")
    masker = shap.maskers.Independent(baseline, max_samples=len(baseline))
    explainer = shap.TreeExplainer(_model(), masker)
    assert explainer.data.shape[0] == len(baseline)
    return explainer
