"""Issuing a letter: drawn first, then kept in one short act. And reading what was issued."""

from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit import vault
from audit.action import require_act
from audit.canonical import digest_json
from audit.errors import AlreadyErased
from audit.purposes import DECISION
from serving import queries
from serving.actions.letters import issue_explanation
from serving.letters.composing import facts_of, require_letter_policy
from serving.letters.sealing import LETTER, Issued, open_sealed
from serving.models import ExplanationLetter


def issue(decision_id: UUID, language: str, *, by: User) -> ExplanationLetter:
    """Compose, draw, and keep it as `by`. Raises what `issue_explanation` raises."""
    require_act(issue_explanation, by=by)
    from serving.letters.rendering import render  # brings altair, which only drawing needs

    decision, now = queries.decision_with(decision_id), timezone.now()
    _, policy = require_letter_policy(decision.version.model, now)
    facts = facts_of(decision, now)
    rendered = render(facts, policy, language, now.date())
    return issue_explanation(decision_id, rendered, digest_json(facts), by=by)


def opened(letter: ExplanationLetter) -> Issued:
    """The letter as it was issued. Raises AlreadyErased or PayloadUnreadable."""
    key = vault.subject_keys([letter.subject_id], DECISION.name, LETTER.label, letter.pk.bytes).get(
        letter.subject_id
    )
    if key is None:
        raise AlreadyErased(f"The person whom letter {letter.pk} concerns was erased.")
    return open_sealed(bytes(letter.sealed), str(letter.pk), key)
