"""Letters that explain decisions: archived as they were issued."""

from hashlib import sha256
from uuid import UUID

from django.contrib.auth.models import User
from django.utils import timezone

from audit import vault
from audit.action import action, record, require
from audit.canonical import digest_json
from audit.ids import uuid7
from audit.vault import Private
from serving import queries
from serving.errors import RecordMovedOn
from serving.events import Event
from serving.letters.composing import facts_of, require_letter_policy
from serving.letters.rendered import Rendered
from serving.letters.sealing import LETTER, Issued, seal
from serving.models import ExplanationLetter

OF_OTHERS = "serving.view_explanationletter"


@action(Event.EXPLANATION_ISSUED, needs="serving.issue_letter")
def issue_explanation(
    decision_id: UUID, rendered: Rendered, facts_sha256: str, *, by: User
) -> ExplanationLetter:
    """Keep a letter whose facts are what the record says at this moment: it is what the applicant gets.

    It is drawn beforehand, because drawing takes a second in which nobody else could act: `serving.letters.issuing`.

    1. Find the decision, and hold the person. 2. Compare with what was drawn. 3. Seal and keep.

    Raises NoSuchDecision, NotPermitted for another client's decision, AlreadyErased, NoLetterPolicy,
    LetterPolicyMalformed, LetterLanguageUnknown, ArtefactRefused, or RecordMovedOn.
    """
    # 1
    decision = queries.decision_with(decision_id)
    require(by, "serving.decide" if decision.client_id == by.pk else OF_OTHERS)
    secret = vault.secrets_of([decision.subject_id])[decision.subject_id]
    # 2
    now = timezone.now()
    policy, read = require_letter_policy(decision.version.model, now)
    read.texts(rendered.language)
    facts = facts_of(decision, now)
    if digest_json(facts) != facts_sha256:
        raise RecordMovedOn("What the letter rests on changed while it was drawn. Ask again.")
    # 3
    letter_id = uuid7()
    key = vault.subject_key(secret, LETTER.label, letter_id.bytes)
    issued = Issued(facts, rendered.issued_on, rendered.html, rendered.pdf)
    sealed = seal(issued, str(letter_id), key)
    letter = ExplanationLetter(
        id=letter_id,
        decision=decision,
        subject_id=decision.subject_id,
        language=rendered.language,
        policy=policy,
        sealed=sealed,
        sealed_sha256=sha256(sealed).hexdigest(),
        renderer=rendered.renderer,
        issued_by=by,
        issued_at=now,
    )
    digests = {
        "facts_sha256": facts_sha256,
        "html_sha256": sha256(rendered.html).hexdigest(),
        "pdf_sha256": sha256(rendered.pdf).hexdigest(),
    }
    letter.entry = record(
        subject=("serving.decision", str(decision.pk)),
        private=Private(decision.subject_id, digests, secret=secret),
        letter=letter.pk,
        language=letter.language,
        policy=policy.subject[1],
        policy_sha256=policy.sha256,
        issued_on=rendered.issued_on,
        sealed_sha256=letter.sealed_sha256,
        renderer=letter.renderer,
    )
    letter.save(force_insert=True)
    return letter
