"""The shapes of explanations and letters, for the OpenAPI document only."""

from rest_framework import serializers

from serving.api.schemas import ReasonSchema
from serving.explainers.scores import Output


class ExplainedModelSchema(serializers.Serializer[None]):
    name = serializers.CharField()
    title = serializers.CharField()
    version = serializers.IntegerField()
    purpose = serializers.CharField()
    artefact_sha256 = serializers.CharField()


class GreyBandSchema(serializers.Serializer[None]):
    """Below the cut-off, where a person decides."""

    def get_fields(self) -> dict[str, serializers.Field]:  # type: ignore[type-arg]  # DRF's own has parameters that differ by version
        return {"from": serializers.FloatField(), "to": serializers.FloatField()}


class ExplainedScoreSchema(serializers.Serializer[None]):
    pd = serializers.FloatField(help_text="Probability of bad, 0 to 1.")
    cut_off = serializers.FloatField()
    grey_band = GreyBandSchema(allow_null=True)
    margin = serializers.FloatField(help_text="In the unit that `output` names.")
    base_value = serializers.FloatField()
    output = serializers.ChoiceField([output.value for output in Output])
    method = serializers.CharField()
    baseline_id = serializers.CharField()


class DatumSourceSchema(serializers.Serializer[None]):
    kind = serializers.ChoiceField(["application", "feature_table"])
    by = serializers.CharField(required=False, help_text="The system that sent the application.")
    received_at = serializers.DateTimeField(required=False)
    table = serializers.CharField(required=False)
    state = serializers.ChoiceField(["fresh", "stale", "absent"], required=False)
    event_at = serializers.DateTimeField(required=False, allow_null=True)
    age_seconds = serializers.FloatField(required=False, allow_null=True)


class DatumSchema(serializers.Serializer[None]):
    feature = serializers.CharField()
    description = serializers.CharField()
    unit = serializers.CharField()
    value = serializers.JSONField(allow_null=True)
    source = DatumSourceSchema()  # type: ignore[assignment]  # a field of that name, not where it comes from
    contribution = serializers.FloatField()
    direction = serializers.ChoiceField(["against", "for", "none"])
    share = serializers.FloatField(help_text="Of the sum of all absolute contributions, 0 to 1.")


class MoveSchema(serializers.Serializer[None]):
    feature = serializers.CharField()
    before = serializers.JSONField(allow_null=True)
    after = serializers.JSONField()


class CounterfactualSchema(serializers.Serializer[None]):
    moves = MoveSchema(many=True)
    pd = serializers.FloatField(help_text="What the version that decided makes of it, 0 to 1.")
    margin = serializers.FloatField()


class CounterfactualsSchema(serializers.Serializer[None]):
    state = serializers.ChoiceField(
        ["found", "none_found", "not_needed", "nothing_changeable", "left_to_a_person"]
    )
    changeable = serializers.ListField(child=serializers.CharField())
    found = CounterfactualSchema(many=True)


class LetterPolicySchema(serializers.Serializer[None]):
    name = serializers.CharField()
    version = serializers.IntegerField()
    sha256 = serializers.CharField()
    jurisdiction = serializers.CharField()


class LetterSchema(serializers.Serializer[None]):
    letter_id = serializers.UUIDField()
    decision_id = serializers.UUIDField()
    language = serializers.CharField()
    issued_at = serializers.DateTimeField()
    sealed_sha256 = serializers.CharField(help_text="Of what is kept, encrypted for the person.")
    entry_id = serializers.UUIDField()


class ExplanationFactsSchema(serializers.Serializer[None]):
    schema = serializers.CharField()
    decision_id = serializers.UUIDField()
    decided_at = serializers.DateTimeField()
    outcome = serializers.ChoiceField(["approved", "declined", "referred"])
    decision_path = serializers.ChoiceField(["score", "knockout", "grey_band", "restricted"])
    model = ExplainedModelSchema()
    score = ExplainedScoreSchema()
    data = DatumSchema(many=True)  # type: ignore[assignment]  # a field of that name, not what was sent
    reasons = ReasonSchema(many=True)
    counterfactuals = CounterfactualsSchema()
    policy = LetterPolicySchema(allow_null=True)
    letters = LetterSchema(many=True)
