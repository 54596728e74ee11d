"""A model's rollout while it runs: the champion and every step beside it, with guard rails and buttons. It shows itself anew."""

from typing import Any

import numpy as np
from django.contrib import admin
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString

from audit.action import holds
from governance.admin.pages import PAGES
from governance.admin.parts import link, moment, picture, tag
from monitoring.queries.populations import models_in_service
from registry.measures.statistics import wilson
from registry.models import ModelVersion, ScoringModel
from registry.queries import champion
from serving.guard_rails import NO_REASON, Arm
from serving.models import Deployment
from serving.rollouts import Standing, guard_rails_of, standings_of

SEE = "serving.view_deployment"
SECONDS = 20
NOBODY = "-"


def rollout(request: HttpRequest) -> HttpResponse:
    """Of the model that `model` names, else of the first that has a step running, else of the first in service."""
    if not holds(request.user, SEE):
        raise PermissionDenied
    user, now = request.user, timezone.now()
    assert isinstance(user, User)
    models = list(models_in_service())
    model = _chosen(request.GET.get("model"), models)
    beside = champion(model) if model else None
    standings = standings_of(model, now) if model else []
    found = guard_rails_of(model, now) if model else None
    context = {
        **admin.site.each_context(request),
        "title": f"Rollout of {model.name}" if model else "Rollout",
        "seconds": SECONDS,
        "now": f"{now:%H:%M:%S} UTC",
        "model": model,
        "others": [(each.name, f"{reverse('rollout')}?model={each.name}") for each in models],
        "champion": link(beside),
        "policy": link(found[0]) if found else None,
        "rails": found[1] if found else None,
        "share": 100 - sum(s.step.share_percent for s in standings if s.flips is None),
        "steps": [_step(standing, beside, user) for standing in standings],
        "staged": _staged(model, standings, user) if model else [],
    }
    return TemplateResponse(request, "governance/rollout.html", context)


def _chosen(name: str | None, models: list[ScoringModel]) -> ScoringModel | None:
    if name:
        named = [model for model in models if model.name == name]
        if not named:
            raise Http404
        return named[0]
    running = set(Deployment.objects.filter(ended_at=None).values_list("model", flat=True))
    return next((model for model in models if model.pk in running), models[0] if models else None)


def _staged(model: ScoringModel, standings: list[Standing], user: User) -> list[Any]:
    """Versions in staging that have no step, with the button that asks for one."""
    running = {standing.step.version_id for standing in standings}
    versions = model.versions.select_related("model").filter(stage="staging")
    return [
        (link(version), _buttons(version, user, "request-rollout"))
        for version in versions.exclude(pk__in=running)
    ]


def _buttons(row: ModelVersion | Deployment, user: User, slug: str) -> list[Any]:
    return [(page, page.url(row)) for page in PAGES.of(row, user) if page.slug == slug]


def _step(standing: Standing, beside: ModelVersion | None, user: User) -> dict[str, Any]:
    step, last = standing.step, standing.last
    buttons = _buttons(step.version, user, "request-rollout") + _buttons(step, user, "end")
    return {
        "title": f"v{step.version.number} as {step.role}, {step.share_percent} % of applications",
        "link": link(step, f"since {moment(step.started_at)} UTC"),
        "since": moment(standing.since),
        "buttons": buttons,
        "figures": _figures(standing, beside),
        "flips": standing.flips,
        "pictures": _pictures(standing, beside),
        "state": tag(last.state) if last else "not evaluated yet",
        "evaluated": moment(last.evaluated_at) if last else NOBODY,
        "rails": _rails(last.readings) if last else None,
    }


def _figures(standing: Standing, beside: ModelVersion | None) -> dict[str, Any]:
    arms = (standing.champion, standing.arm)
    rows = [
        ["Decisions" if standing.flips is None else "Applications that both judged", *(f"{arm.decided:,}" for arm in arms)],
        ["Approval rate", *(_rate(arm) for arm in arms)],
        ["Could not decide", *(f"{arm.failed:,}" for arm in arms)],
        ["First reasons of those not approved", *(_reasons(arm) for arm in arms)],
    ]  # fmt: skip
    if standing.flips is None:
        rows.append(["Median time to judge one, of the newest", *(_latency(arm) for arm in arms)])
    return {"headers": ["", f"Champion {_short(beside)}", f"v{standing.step.version.number}"], "rows": rows}  # fmt: skip


def _rate(arm: Arm) -> str:
    if arm.approval_rate is None:
        return NOBODY
    interval = wilson(arm.approved, arm.decided)
    return f"{arm.approval_rate:.1%} ({interval.low:.1%} to {interval.high:.1%})"


def _reasons(arm: Arm) -> str:
    ranked = sorted(arm.first_reasons.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{_words(group)} {n:,}" for group, n in ranked[:4]) or NOBODY


def _latency(arm: Arm) -> str:
    return f"{np.median(arm.judge_us):,.0f} µs of {arm.judge_us.size:,}" if arm.judge_us.size else NOBODY  # fmt: skip


def _rails(readings: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "headers": ["Guard rail", "State", "Value", "Limit", "Cases", ""],
        "rows": [
            [
                reading["measure"],
                tag(reading["state"]),
                _value(reading),
                NOBODY if reading["limit"] is None else f"{reading['limit']:g} {reading['unit']}",
                f"{reading['n']:,} against {reading['n_champion']:,}" if reading["n_champion"] else f"{reading['n']:,}",
                reading["detail"],
            ]
            for reading in readings
        ],
    }  # fmt: skip


def _value(reading: dict[str, Any]) -> str:
    if reading["value"] is None:
        return NOBODY
    return f"{reading['value']:.3g} ({reading['low']:.3g} to {reading['high']:.3g})"


def _pictures(standing: Standing, beside: ModelVersion | None) -> list[SafeString]:
    from registry import rollout_charts as charts  # brings altair, which only pictures need

    arms = (standing.champion, standing.arm)
    names = (f"champion {_short(beside)}", f"v{standing.step.version.number}")
    drawn = []
    if all(arm.decided for arm in arms):
        lines = []
        for name, arm in zip(names, arms, strict=True):
            interval = wilson(arm.approved, arm.decided)
            lines.append(
                charts.RateLine(name, arm.approved / arm.decided, interval.low, interval.high)
            )
        drawn.append(picture(charts.approval_rates(lines), "Approval rates with their intervals"))
    if all(arm.first_reasons for arm in arms):
        groups = {*arms[0].first_reasons, *arms[1].first_reasons}
        totals = [sum(arm.first_reasons.values()) for arm in arms]
        shares = {
            _words(group): (
                arms[0].first_reasons.get(group, 0) / totals[0],
                arms[1].first_reasons.get(group, 0) / totals[1],
            )
            for group in groups
        }
        drawn.append(
            picture(charts.reason_mix(shares, names), "First reasons by champion and version")
        )
    return drawn


def _short(version: ModelVersion | None) -> str:
    return f"v{version.number}" if version else ""


def _words(group: str) -> str:
    return "no longer known" if group == NO_REASON else group.replace("_", " ")
