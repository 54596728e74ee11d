"""The buttons that judge a decision again, and that renew a version's known answers."""

from typing import Any

from django import forms
from django.contrib.auth.models import User

from governance.admin.fields import paragraph
from governance.admin.pages import ActPage, Done, offer
from serving.actions.probes import renew_probes
from serving.actions.replays import replay_decision
from serving.models import Decision, ProbeSet, Replay
from serving.replaying import Difference

MOST_NAMED = 20


class NothingAsked(forms.Form):
    """Judging again takes no word: everything it needs was recorded."""


class ReasonForm(forms.Form):
    reason = paragraph("Reason", "Why the answers may be others. It is recorded under your name.")


def _replay(decision: Decision, fields: dict[str, Any], by: User) -> Done:
    replayed = replay_decision(decision.pk, by=by)
    if replayed.row.result == Replay.Result.EQUAL:
        return Done("Equal: everything came out to the last bit as recorded.")
    if replayed.row.reason:
        return Done(f"It could not be judged again: {replayed.row.reason}", is_bad=True)
    named = ", ".join(map(_named, replayed.differences[:MOST_NAMED]))
    more = len(replayed.differences) - MOST_NAMED
    return Done(f"Different in {named}{f' and {more} more' if more > 0 else ''}.", is_bad=True)


def _named(one: Difference) -> str:
    return one.field if one.apart is None else f"{one.field} (by {one.apart:.3g})"


def _renew(probes: ProbeSet, fields: dict[str, Any], by: User) -> Done:
    renewed = renew_probes(probes.version, fields["reason"], by=by)
    return Done(f"Kept: {renewed}.")


offer(
    ActPage(
        model=Decision,
        slug="replay",
        title="Judge again",
        icon="replay",
        needs="serving.replay_decision",
        what_happens="The decision is judged again from its record, by the artefact, baseline, policy and reason library that its entry names. What differs is kept by name, and opens an incident.",
        perform=_replay,
        form=NothingAsked,
    ),
    ActPage(
        model=ProbeSet,
        slug="renew",
        title="Renew",
        icon="published_with_changes",
        needs="serving.renew_probes",
        what_happens="The approved artefact is asked anew, and its answers are those that are known from now on. Nobody renews those of a version that they developed.",
        perform=_renew,
        form=ReasonForm,
        danger=True,
    ),
)
