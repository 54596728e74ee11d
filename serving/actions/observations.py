"""Deleting what decisions were made of, once a person was erased."""

from django.contrib.auth.models import User

from audit.action import action, record
from serving import queries
from serving.events import Event
from serving.rollouts import erased_shadow_scores


@action(Event.OBSERVATIONS_DELETED, needs="serving.delete_observation")
def forget_erased_people(*, by: User) -> int:
    """Delete the observations of people who were erased, their letters and their scores in the shadow. Returns how many rows went.

    The database refuses it for anybody whose erasure it does not hold.
    """
    scores, _ = erased_shadow_scores().delete()
    observations, _ = queries.erased_observations().delete()
    letters, _ = queries.erased_letters().delete()
    record(
        subject=("serving.observation", "erased people"),
        observations=observations,
        letters=letters,
        shadow_scores=scores,
    )
    return observations + letters + scores
