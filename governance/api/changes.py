"""`change-requests`: one person asks, another decides."""

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import generics, serializers, status
from rest_framework.request import Request
from rest_framework.response import Response

from audit.api_base import ActView, StrictSerializer, actor
from governance.actions.changes import (
    request_adoption,
    request_promotion,
    request_revocation,
)
from governance.actions.erasures import request_erasure
from governance.actions.requests import (
    Override,
    request_break_glass,
    request_cut_off,
    request_exception,
    request_rollback,
    request_rollout,
)
from governance.api.terms import TERMS
from governance.deciding import decide_change, take_back
from governance.models import Approval, ApprovalCondition, ChangeRequest
from governance.queries.accounts import account
from governance.queries.changes import (
    as_they_stood,
    change_at,
    change_with,
    changes,
    changes_at,
    seats_awaited,
)
from governance.queries.conditions import Condition
from registry.api_base import AS_OF, as_of
from registry.models import ModelVersion
from registry.queries import model_named, policy_with, version_numbered

Kind = ChangeRequest.Kind
# What each kind of request must name, and must not.
NAMED: dict[str, frozenset[str]] = {
    Kind.PROMOTION: frozenset({"model", "version", "target"}),
    Kind.REVOCATION: frozenset({"model", "version"}),
    Kind.POLICY: frozenset({"policy"}),
    Kind.EXCEPTION: frozenset({"model", "version", "terms"}),
    Kind.BREAK_GLASS: frozenset({"model", "version", "terms"}),
    Kind.CUT_OFF: frozenset({"model", "version"}),
    Kind.ROLLBACK: frozenset({"model"}),
    Kind.ROLLOUT: frozenset({"model", "version", "terms"}),
    Kind.ERASURE: frozenset({"erasure_case", "terms"}),
}


class ConditionSerializer(serializers.ModelSerializer[ApprovalCondition]):
    owner = serializers.CharField(source="owner.username", read_only=True)
    finding = serializers.SerializerMethodField(
        help_text="What it became when the change was granted."
    )

    class Meta:
        model = ApprovalCondition
        fields = ("text", "owner", "due_on", "finding")

    def get_finding(self, condition: ApprovalCondition) -> UUID | None:
        is_granted = condition.approval.change_request.state == ChangeRequest.State.GRANTED
        opened = getattr(condition, "opened_as", None)
        return opened.finding_id if is_granted and opened else None


class ApprovalSerializer(serializers.ModelSerializer[Approval]):
    approver = serializers.CharField(source="approver.username", read_only=True)
    conditions = ConditionSerializer(many=True, read_only=True)
    delegator = serializers.CharField(
        source="delegation.delegator.username", read_only=True, default=None, allow_null=True,
        help_text="Whose seat the approver took, where it was lent to them.",
    )  # fmt: skip

    class Meta:
        model = Approval
        fields = (
            "approver",
            "delegator",
            "decision",
            "seat",
            "rationale",
            "conditions",
            "decided_at",
        )


class ChangeSerializer(serializers.ModelSerializer[ChangeRequest]):
    model = serializers.SerializerMethodField()
    version = serializers.SerializerMethodField()
    requested_by = serializers.CharField(source="requested_by.username", read_only=True)
    made_by = serializers.CharField(
        source="made_by.username",
        read_only=True,
        help_text="Who built the version or wrote the policy.",
    )
    approvals = ApprovalSerializer(many=True, read_only=True)
    awaited = serializers.SerializerMethodField(
        help_text="What those whose approval is still needed may do; each is another person."
    )

    class Meta:
        model = ChangeRequest
        fields = (
            "id", "kind", "model", "version", "policy", "erasure_case", "target", "state", "rationale", "requested_by", "made_by",
            "requested_at", "expires_at", "decided_at", "closing_reason", "evidence", "evidence_digest", "approvals",
            "awaited",
        )  # fmt: skip

    def get_model(self, change: ChangeRequest) -> str | None:
        return change.version.model.name if change.version else None

    def get_awaited(self, change: ChangeRequest) -> list[str]:
        return seats_awaited(change)

    def get_version(self, change: ChangeRequest) -> int | None:
        return change.version.number if change.version else None


class ChangeBody(StrictSerializer):
    kind = serializers.ChoiceField(choices=Kind.choices)
    model = serializers.CharField(required=False)
    version = serializers.IntegerField(required=False)
    target = serializers.ChoiceField(choices=ChangeRequest.Target.choices, required=False)
    policy = serializers.IntegerField(required=False, help_text="Number of a proposed policy.")
    erasure_case = serializers.UUIDField(
        required=False, help_text="A disputed request for erasure."
    )
    terms = serializers.DictField(
        required=False,
        help_text="What a kind asks beyond the version: "
        "exception: check, minimum, maximum, expires_on, compensating_controls, whole_model; "
        "break_glass: hours; rollout: role, share_percent; erasure: outcome, ground.",
    )
    rationale = serializers.CharField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        named = NAMED[attrs["kind"]]
        given = set(attrs) - {"kind", "rationale"}
        wrong = {name: ["This kind of request needs it."] for name in named - given}
        wrong |= {name: ["This kind of request does not name it."] for name in given - named}
        if wrong:
            raise serializers.ValidationError(wrong)
        if "terms" in named:
            terms = TERMS[attrs["kind"]](data=attrs["terms"])
            if not terms.is_valid():
                raise serializers.ValidationError({"terms": terms.errors})
            attrs["terms"] = terms.validated_data
        return attrs


class ConditionBody(StrictSerializer):
    text = serializers.CharField(allow_blank=True, help_text="What must be done.")
    owner = serializers.CharField(help_text="The account of whoever does it.")
    due_on = serializers.DateField()


class DecisionBody(StrictSerializer):
    decision = serializers.ChoiceField(choices=Approval.Decision.choices)
    rationale = serializers.CharField(allow_blank=True, help_text="Required of every decision.")
    conditions = ConditionBody(
        many=True,
        required=False,
        help_text="What an approval asks for: each becomes a high finding when the change is granted.",
    )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("conditions") and attrs["decision"] != Approval.Decision.APPROVE:
            raise serializers.ValidationError({"conditions": ["Only an approval has conditions."]})
        return attrs


class ReasonBody(StrictSerializer):
    rationale = serializers.CharField(allow_blank=True)


class ChangeList(ActView, generics.GenericAPIView[ChangeRequest]):
    read_permission = "governance.view_changerequest"
    serializer_class = ChangeSerializer

    @extend_schema(
        operation_id="change_requests_list",
        parameters=[OpenApiParameter("state", enum=ChangeRequest.State.values), AS_OF],
        responses=ChangeSerializer(many=True),
    )
    def get(self, request: Request) -> Response:
        """Change requests, the newest first."""
        state = request.query_params.get("state")
        if at := as_of(request):
            stood = as_they_stood(changes_at(at), at)
            then = [change for change in stood if state in (None, "", change.state)]
            page = self.paginate_queryset(then)
        else:
            page = self.paginate_queryset(changes().filter(state=state) if state else changes())
        return self.get_paginated_response(ChangeSerializer(page, many=True).data)

    @extend_schema(
        operation_id="change_requests_create",
        request=ChangeBody,
        responses={201: ChangeSerializer},
    )
    def post(self, request: Request) -> Response:
        """Ask for a change, on the evidence of this moment."""
        body = ChangeBody.read(request.data)
        change = self._requested(request, body)
        return Response(ChangeSerializer(change_with(change.pk)).data, status.HTTP_201_CREATED)

    def _requested(self, request: Request, fields: dict[str, Any]) -> ChangeRequest:
        by, rationale = actor(request), fields["rationale"]
        match fields["kind"]:
            case Kind.POLICY:
                return request_adoption(policy_with(fields["policy"]), rationale, by=by)
            case Kind.REVOCATION:
                return request_revocation(_version(fields), rationale, by=by)
            case Kind.EXCEPTION:
                override = Override(**fields["terms"])
                return request_exception(_version(fields), override, rationale, by=by)
            case Kind.BREAK_GLASS:
                hours = fields["terms"]["hours"]
                return request_break_glass(_version(fields), hours, rationale, by=by)
            case Kind.CUT_OFF:
                return request_cut_off(_version(fields), rationale, by=by)
            case Kind.ROLLOUT:
                return request_rollout(
                    _version(fields), **fields["terms"], rationale=rationale, by=by
                )
            case Kind.ERASURE:
                return request_erasure(
                    fields["erasure_case"], **fields["terms"], rationale=rationale, by=by
                )
            case Kind.ROLLBACK:
                return request_rollback(model_named(fields["model"]), rationale, by=by)
            case _:
                return request_promotion(_version(fields), fields["target"], rationale, by=by)


class ChangeDetail(ActView):
    read_permission = "governance.view_changerequest"

    @extend_schema(
        operation_id="change_requests_retrieve", parameters=[AS_OF], responses=ChangeSerializer
    )
    def get(self, request: Request, change_id: UUID) -> Response:
        """One change request, the evidence it is bound to, and what was decided."""
        at = as_of(request)
        change = change_at(change_id, at) if at else change_with(change_id)
        return Response(ChangeSerializer(change).data)


class ApprovalList(ActView):
    @extend_schema(
        operation_id="change_requests_decide",
        request=DecisionBody,
        responses={201: ChangeSerializer},
    )
    def post(self, request: Request, change_id: UUID) -> Response:
        """Approve or reject: by somebody who neither asked for the change nor made what it is about."""
        fields = DecisionBody.read(request.data)
        conditions = [
            Condition(each["text"], account(each["owner"]), each["due_on"])
            for each in fields.get("conditions", ())
        ]
        decide_change(
            change_id,
            fields["decision"],
            fields["rationale"],
            by=actor(request),
            conditions=conditions,
        )
        return Response(ChangeSerializer(change_with(change_id)).data, status.HTTP_201_CREATED)


class Withdrawal(ActView):
    @extend_schema(
        operation_id="change_requests_withdraw",
        request=ReasonBody,
        responses={201: ChangeSerializer},
    )
    def post(self, request: Request, change_id: UUID) -> Response:
        """Take back one's own request."""
        body = ReasonBody.read(request.data)
        take_back(change_id, body["rationale"], by=actor(request))
        return Response(ChangeSerializer(change_with(change_id)).data, status.HTTP_201_CREATED)


def _version(fields: dict[str, Any]) -> ModelVersion:
    return version_numbered(model_named(fields["model"]), fields["version"])
