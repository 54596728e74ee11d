"""What a kind of change request asks beyond the version, as a body of JSON."""

from rest_framework import serializers

from audit.api_base import StrictSerializer
from audit.weighing import GROUNDS
from governance.actions.erasures import GROUNDS_OF
from governance.models import ChangeRequest
from serving.models import Deployment

Kind = ChangeRequest.Kind


class ExceptionTerms(StrictSerializer):
    check = serializers.CharField()
    minimum = serializers.FloatField(allow_null=True, default=None)
    maximum = serializers.FloatField(allow_null=True, default=None)
    expires_on = serializers.DateField(help_text="The last day, in UTC.")
    compensating_controls = serializers.CharField(allow_blank=True)
    whole_model = serializers.BooleanField(
        default=False, help_text="For every version of the model."
    )


class BreakGlassTerms(StrictSerializer):
    hours = serializers.IntegerField(help_text="How long the version decides.")


class RolloutTerms(StrictSerializer):
    role = serializers.ChoiceField(choices=Deployment.Role.choices)
    share_percent = serializers.IntegerField(
        help_text="Of the model's applications, 1 to 50; a shadow, which decides nothing, scores 1 to 100."
    )


class ErasureTerms(StrictSerializer):
    outcome = serializers.ChoiceField(choices=list(GROUNDS_OF))
    ground = serializers.ChoiceField(choices=list(GROUNDS))


TERMS: dict[str, type[StrictSerializer]] = {
    Kind.EXCEPTION: ExceptionTerms,
    Kind.BREAK_GLASS: BreakGlassTerms,
    Kind.ROLLOUT: RolloutTerms,
    Kind.ERASURE: ErasureTerms,
}
