"""The shapes of requests and answers, for the OpenAPI document only: the views read the body themselves."""

from drf_spectacular.utils import OpenApiExample, OpenApiParameter
from rest_framework import serializers

from audit.api_schema import ProblemSchema, refused
from serving.explainers.scores import Output
from serving.idempotency import HEADER
from serving.models import ApplicationNotice, ApplicationStatus

REQUEST_EXAMPLE = OpenApiExample(
    "An application",
    request_only=True,
    value={
        "application_ref": "A-2026-000123",
        "subject_ref": "C-4711",
        "received_at": "2026-11-20T09:30:00Z",
        "completed_at": "2026-11-20T09:31:12Z",
        "features": {"loan_to_value": 0.82, "debt_to_income": 38.5, "self_employed": False},
    },
)
DECISION_EXAMPLE = OpenApiExample(
    "A declined application",
    response_only=True,
    status_codes=["200", "201"],
    value={
        "decision_id": "019aa5c3-7d3e-7cc1-8d2e-5a0f3f6f2b11",
        "model": "loanapp",
        "version": 3,
        "artefact_sha256": "6f1ed002ab5595859014ebf0951522d9d5a1a2b3c4d5e6f708192a3b4c5d6e7f",
        "role": "champion",
        "outcome": "declined",
        "decision_path": "score",
        "pd": 0.2689414213699951,
        "margin": -1.0,
        "cut_off": 0.2,
        "policy_version": 1,
        "explanation": {
            "method": "interventional Shapley values, collapsed leaf tables, baseline of 500 rows",
            "output": "log_odds_bad",
            "baseline_id": "b-0f3c9a1be5d27744",
            "base_value": -1.75,
            "attributions": [
                {"feature": "loan_to_value", "value": 0.82, "contribution": 0.25},
                {"feature": "debt_to_income", "value": 38.5, "contribution": 0.5},
                {"feature": "self_employed", "value": False, "contribution": 0.0},
            ],
            "additivity_gap": 0.0,
            "lookups": None,
            "reason_check": {"share_named": 1.0, "would_flip": True},
        },
        "key_factors": None,
        "reasons": [
            {
                "rank": 1,
                "code": "R02",
                "reason_group": "obligations",
                "statement": "Excessive obligations in relation to income",
                "contribution": 0.5,
            }
        ],
        "clock": {"basis": "completed_at", "starts_at": "2026-11-20T09:31:12.000000Z"},
        "receipt": {
            "entry_id": "019aa5c3-7d40-7b10-9a3b-0d5e1c2f3a44",
            "leaf_hash": "q1N8m0l3o8d0Qm2g2m7uY0s1cJkq7cH6b7yCkq2f0pY=",
            "key_id": "credence.example/log/producer+5d1f2c3b",
            "signature": "MEUCIQ...",
            "delegation": "credence-delegation/v1\n...",
        },
        "decided_at": "2026-11-20T09:31:13.271828Z",
    },
)
VERSION_PARAMETER = OpenApiParameter(
    "version", int, description="Decide by this version, which must be the champion; else refuse."
)
KEY_PARAMETER = OpenApiParameter(
    HEADER,
    str,
    OpenApiParameter.HEADER,
    description="The same key with the same body gets the same answer, without another decision.",
)
PROOF_PARAMETER = OpenApiParameter("decision_id", str, OpenApiParameter.PATH)


class ApplicationSchema(serializers.Serializer[None]):
    application_ref = serializers.CharField(max_length=200)
    subject_ref = serializers.CharField(max_length=200)
    received_at = serializers.DateTimeField(required=False)
    completed_at = serializers.DateTimeField(
        required=False, help_text="From here the days for notifying the applicant are counted."
    )
    features = serializers.DictField(
        help_text="Every feature of the model's contract by name: number, true or false, text, or null. "
        "Those that the contract looks up in a feature table are left out."
    )


class BatchSchema(serializers.Serializer[None]):
    applications = ApplicationSchema(many=True)


class AttributionSchema(serializers.Serializer[None]):
    feature = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    contribution = serializers.FloatField(help_text="Log-odds of bad, against the baseline.")


class LookupSchema(serializers.Serializer[None]):
    feature = serializers.CharField()
    table = serializers.CharField()
    table_version = serializers.IntegerField(
        allow_null=True, help_text="Null for a view of an online store."
    )
    state = serializers.ChoiceField(
        ["fresh", "stale", "absent"],
        help_text="Only a fresh row gives a value; a stale or absent one leaves it missing.",
    )
    event_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when the newest row holds, however old it is."
    )
    created_at = serializers.DateTimeField(
        allow_null=True, help_text="Since when the fresh row is known; null for an online store."
    )
    age_seconds = serializers.FloatField(allow_null=True)
    ttl_seconds = serializers.IntegerField()


class LookupsSchema(serializers.Serializer[None]):
    as_of = serializers.DateTimeField(help_text="The moment of the lookup.")
    features = LookupSchema(many=True)


class ReasonCheckSchema(serializers.Serializer[None]):
    share_named = serializers.FloatField(
        help_text="Of what weighed against the applicant, how much the reasons name, 0 to 1."
    )
    would_flip = serializers.BooleanField(
        help_text="Whether the score would have given another outcome, had the features of the reasons been typical."
    )


class ExplanationSchema(serializers.Serializer[None]):
    method = serializers.CharField()
    output = serializers.ChoiceField([output.value for output in Output])
    baseline_id = serializers.CharField()
    base_value = serializers.FloatField()
    attributions = AttributionSchema(many=True)
    additivity_gap = serializers.FloatField()
    lookups = LookupsSchema(
        allow_null=True, help_text="Null where the version looks nothing up in feature tables."
    )
    reason_check = ReasonCheckSchema(
        allow_null=True, help_text="Null where the reasons are not from the score."
    )


class ReasonSchema(serializers.Serializer[None]):
    rank = serializers.IntegerField()
    code = serializers.CharField()
    reason_group = serializers.CharField()
    statement = serializers.CharField()
    contribution = serializers.FloatField(
        allow_null=True, help_text="Log-odds of bad; null for a knock-out rule."
    )


class ClockSchema(serializers.Serializer[None]):
    basis = serializers.ChoiceField(["completed_at", "received_at"])
    starts_at = serializers.DateTimeField()


class ReceiptSchema(serializers.Serializer[None]):
    entry_id = serializers.UUIDField()
    leaf_hash = serializers.CharField()
    key_id = serializers.CharField()
    signature = serializers.CharField()
    delegation = serializers.CharField()


class DecisionSchema(serializers.Serializer[None]):
    decision_id = serializers.UUIDField()
    model = serializers.CharField()
    version = serializers.IntegerField()
    artefact_sha256 = serializers.CharField()
    role = serializers.ChoiceField(["champion", "challenger", "canary", "fallback"])
    outcome = serializers.ChoiceField(["approved", "declined", "referred"])
    decision_path = serializers.ChoiceField(["score", "knockout", "grey_band", "restricted"])
    pd = serializers.FloatField(help_text="Probability of bad, 0 to 1.")
    margin = serializers.FloatField(help_text="In the unit that `explanation.output` names.")
    cut_off = serializers.FloatField()
    policy_version = serializers.IntegerField()
    explanation = ExplanationSchema()
    reasons = ReasonSchema(many=True)
    key_factors = ReasonSchema(
        many=True,
        allow_null=True,
        help_text="Of a credit score under the FCRA, for its own notice; null where the score is none.",
    )
    clock = ClockSchema()
    receipt = ReceiptSchema()
    decided_at = serializers.DateTimeField()


class BatchRowSchema(serializers.Serializer[None]):
    decision = DecisionSchema(required=False)
    problem = ProblemSchema(required=False)


class BatchResultSchema(serializers.Serializer[None]):
    decided = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = BatchRowSchema(many=True, help_text="One per application, in order.")


class LabelSchema(serializers.Serializer[None]):
    bad = serializers.BooleanField()
    observed_on = serializers.DateField()
    months_on_book = serializers.IntegerField(min_value=0)
    matured = serializers.BooleanField(help_text="True when the performance window is over.")
    source = serializers.CharField(max_length=200)  # type: ignore[assignment]  # a field of that name, not where it comes from


class LabelOfDecisionSchema(LabelSchema):
    decision_id = serializers.UUIDField()


class LabelsSchema(serializers.Serializer[None]):
    labels = LabelOfDecisionSchema(many=True)


class LabelRowSchema(serializers.Serializer[None]):
    label = LabelOfDecisionSchema(required=False)  # type: ignore[assignment]  # a field of that name, not the caption
    problem = ProblemSchema(required=False)


class LabelResultSchema(serializers.Serializer[None]):
    recorded = serializers.IntegerField()
    refused = serializers.IntegerField()
    results = LabelRowSchema(many=True, help_text="One per label, in order.")


class DeliveryBodySchema(serializers.Serializer[None]):
    channel = serializers.CharField(help_text="One of the notice policy's channels.")
    sent_at = serializers.DateTimeField(help_text="Not before the notice was issued.")
    reference = serializers.CharField(max_length=200, required=False)


class ApplicationDeliveryBodySchema(DeliveryBodySchema):
    notice_id = serializers.UUIDField(
        required=False,
        help_text="The notice that was sent, as its answer names it: refused where it is not the newest about the application.",
    )


class DeliverySchema(serializers.Serializer[None]):
    delivery_id = serializers.UUIDField()
    channel = serializers.CharField()
    sent_at = serializers.DateTimeField()
    recorded_at = serializers.DateTimeField()


class _NoticeSchema(serializers.Serializer[None]):
    """What every notice is answered with."""

    notice_id = serializers.UUIDField()
    language = serializers.CharField()
    policy = serializers.CharField()
    policy_sha256 = serializers.CharField()
    sha256 = serializers.CharField(help_text="Of the salted content in the entry's private part.")
    issued_at = serializers.DateTimeField()
    entry_id = serializers.UUIDField()
    document = serializers.DictField(
        help_text="What the notice says, in reading order. `recipient` is filled in by the bank."
    )
    deliveries = DeliverySchema(many=True)


class NoticeSchema(_NoticeSchema):
    decision_id = serializers.UUIDField()
    kind = serializers.ChoiceField(["adverse_action"])


class ApplicationNoticeSchema(_NoticeSchema):
    status_id = serializers.UUIDField()
    answer_by = serializers.DateField(help_text="Until when the applicant is asked to answer.")
    gives_reasons = serializers.BooleanField(
        help_text="True of a counteroffer combined with the reasons of a decision: sent, nothing more is due."
    )
    kind = serializers.ChoiceField(ApplicationNotice.Kind.choices)


class DueNoticeSchema(serializers.Serializer[None]):
    decision_id = serializers.UUIDField()
    model = serializers.CharField()
    outcome = serializers.ChoiceField(["declined", "referred"])
    is_issued = serializers.BooleanField(
        help_text="Its notice, or that of a counteroffer with its reasons, was issued and awaits sending."
    )
    basis = serializers.ChoiceField(["completed_at", "received_at", "counteroffer"])
    starts_at = serializers.DateTimeField()
    due_at = serializers.DateTimeField()
    legal_basis = serializers.CharField()
    state = serializers.ChoiceField(["running", "alert", "late"])
    alert_day = serializers.IntegerField(allow_null=True)


class StatusBodySchema(serializers.Serializer[None]):
    status = serializers.ChoiceField(ApplicationStatus.Status.choices)
    at = serializers.DateTimeField(
        help_text="When it happened; for an incomplete application, when it came in."
    )
    missing = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        help_text="What an incomplete application lacks.",
    )
    asked = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        help_text="The amount and the terms that were asked for; with `offered`, where a notice of the counteroffer is to be composed.",
    )
    offered = serializers.ListField(
        child=serializers.CharField(max_length=200),
        required=False,
        help_text="The amount and the terms that a counteroffer puts in their place.",
    )
    respond_by = serializers.DateField(
        required=False, help_text="Until when the applicant may bring what is missing."
    )
    subject_ref = serializers.CharField(
        max_length=200, required=False, help_text="Needed where the application is new here."
    )
    model = serializers.CharField(required=False, help_text="Likewise.")


class StatusSchema(serializers.Serializer[None]):
    status_id = serializers.UUIDField()
    status = serializers.ChoiceField(ApplicationStatus.Status.choices)
    at = serializers.DateTimeField()
    respond_by = serializers.DateField(allow_null=True)
    recorded_at = serializers.DateTimeField()


DECIDING_REFUSALS = {
    404: refused("No model, or no version, by that name."),
    409: refused("No reason can be given, or a request with the same key is going on."),
    429: refused(
        "More in this minute than the serving policy allows: `Retry-After` says in how many seconds to ask again."
    ),
    503: refused("No version, or not the one asked for, is cleared; or it cannot be used."),
}
