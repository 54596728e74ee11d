"""The owner's periodic word about a model."""

from django.contrib.auth.models import User
from django.utils import timezone

from audit.action import action, record
from audit.months import months_after
from governance.errors import AlreadyAttested, NotTheOwner
from governance.events import Event
from governance.models import Attestation
from governance.queries.oversight import attested_until
from governance.queries.policies import oversight_policy
from governance.words import require_words
from registry.models import ScoringModel


@action(Event.MODEL_ATTESTED, needs="governance.attest_model")
def attest_model(model: ScoringModel, statement: str, *, by: User) -> Attestation:
    """The owner attests, for the time since they last did, that inventory entry and use are as recorded.

    Raises NotTheOwner, RationaleMissing, NoOversightPolicy or AlreadyAttested.
    """
    now = timezone.now()
    if model.owner_id != by.pk:
        raise NotTheOwner(f"{model.owner} owns {model}; only they attest for it.")
    require_words("statement", statement, "Say what you looked at and found.")
    policy, oversight = oversight_policy(model, now)
    if Attestation.objects.filter(model=model, to_on=now.date()).exists():
        raise AlreadyAttested(f"{model} was attested today.")
    attestation = Attestation(
        model=model,
        statement=statement,
        from_on=attested_until(model),
        to_on=now.date(),
        policy=policy,
        next_due_on=months_after(now.date(), oversight.attestation_months[str(model.tier)]),
        attested_by=by,
        attested_at=now,
    )
    attestation.entry = record(
        subject=attestation,
        model=model.name,
        statement=statement,
        from_on=attestation.from_on,
        to_on=attestation.to_on,
        tier=model.tier,
        next_due_on=attestation.next_due_on,
        policy=str(policy),
        policy_sha256=policy.sha256,
    )
    attestation.save(force_insert=True)
    return attestation
