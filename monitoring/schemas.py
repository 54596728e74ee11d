"""The shapes of requests and answers, for the OpenAPI document only."""

from rest_framework import serializers

from monitoring.models import Alert, MonitoringPass, Report

KINDS = f"One of {', '.join(Report.Kind.values)}."


class PersonSchema(serializers.Serializer[None]):
    subject_ref = serializers.CharField(required=False, max_length=200)
    application_ref = serializers.CharField(required=False, max_length=200)
    values = serializers.DictField(help_text="Attribute by name: text, number, true or false.")


class PeopleSchema(serializers.Serializer[None]):
    """A bare list of people is taken as well."""

    client = serializers.CharField(
        required=False, help_text="Whose references these are; the caller's unless named."
    )
    demographics = PersonSchema(many=True)


class RowProblemSchema(serializers.Serializer[None]):
    row = serializers.IntegerField()
    problem = serializers.DictField()


class PeopleResultSchema(serializers.Serializer[None]):
    recorded = serializers.IntegerField()
    refused = serializers.IntegerField()
    problems = RowProblemSchema(many=True)


class ReportSchema(serializers.Serializer[None]):
    id = serializers.IntegerField()
    kind = serializers.CharField(help_text=KINDS)
    model = serializers.CharField()
    version = serializers.IntegerField()
    policy_version = serializers.IntegerField()
    window_start = serializers.DateTimeField()
    window_end = serializers.DateTimeField()
    as_of = serializers.DateTimeField()
    sha256 = serializers.CharField()
    html_sha256 = serializers.CharField()
    pdf_sha256 = serializers.CharField()
    monitoring_pass = serializers.UUIDField(allow_null=True)


class AlertSchema(serializers.Serializer[None]):
    id = serializers.IntegerField()
    model = serializers.CharField()
    version = serializers.IntegerField()
    trigger = serializers.CharField()
    measured = serializers.CharField()
    observed = serializers.FloatField()
    threshold = serializers.FloatField()
    severity = serializers.ChoiceField(Alert.Severity.choices)
    crossed = serializers.IntegerField(
        help_text="In how many of the last windows, this one among them."
    )
    windows = serializers.IntegerField()
    needed = serializers.IntegerField()
    confirmed = serializers.BooleanField()
    window_start = serializers.DateTimeField()
    window_end = serializers.DateTimeField()
    detected_at = serializers.DateTimeField()
    report_id = serializers.IntegerField()


class PageSchema(serializers.Serializer[None]):
    count = serializers.IntegerField()
    next = serializers.URLField(allow_null=True)
    previous = serializers.URLField(allow_null=True)


class ReportPageSchema(PageSchema):
    results = ReportSchema(many=True)


class AlertPageSchema(PageSchema):
    results = AlertSchema(many=True)


class FullReportSchema(ReportSchema):
    results = serializers.DictField()
    alerts = AlertSchema(many=True)


class PassRequestSchema(serializers.Serializer[None]):
    window_start = serializers.DateTimeField(required=False)
    window_end = serializers.DateTimeField(required=False, help_text="Now unless given.")
    kinds = serializers.ListField(child=serializers.CharField(help_text=KINDS), required=False)


class PassReportSchema(serializers.Serializer[None]):
    id = serializers.IntegerField()
    kind = serializers.CharField(help_text=KINDS)


class PassSchema(serializers.Serializer[None]):
    id = serializers.UUIDField()
    model = serializers.CharField()
    kinds = serializers.ListField(child=serializers.CharField(help_text=KINDS))
    window_start = serializers.DateTimeField()
    window_end = serializers.DateTimeField()
    state = serializers.ChoiceField(MonitoringPass.State.choices)
    problem = serializers.CharField(allow_blank=True)
    requested_at = serializers.DateTimeField()
    finished_at = serializers.DateTimeField(allow_null=True)
    reports = PassReportSchema(many=True)
