"""The one place where notices learn what became of an application: the score's decision, or a person's."""

from audit.errors import AlreadyErased
from registry.reason_library import ReasonLibrary
from serving.errors import NoticeLanguageDiffers
from serving.finals import Ruled
from serving.models import Decision, Observation
from serving.notices.composing import About, ActionTaken
from serving.reasons import in_language
from serving.resolutions import final_of


def standing(decision: Decision) -> Ruled:
    """What stands, with its reasons. Raises AlreadyErased."""
    ruled = final_of(decision)
    if ruled.reasons is None:
        raise _erased(decision)
    return ruled


def action_taken(decision: Decision, ruled: Ruled, language: str) -> ActionTaken:
    """What the applicant is to be told, in that language. Raises NoticeLanguageDiffers."""
    library = ReasonLibrary.from_json(decision.version.reason_library.body)
    reasons = ruled.reasons or ()
    if language == library.languages[0]:
        statements = [reason["statement"] for reason in reasons]
    elif ruled.by == "score" and language in library.languages:
        statements = in_language(reasons, library, language)
    else:
        raise NoticeLanguageDiffers(
            f"The reasons of decision {decision.pk} are in {library.languages[0]!r}, the notice policy is in {language!r}."
        )
    return ActionTaken(ruled.outcome, tuple(statements), ruled.decided_at)


def about(decision: Decision) -> About:
    """The decision as a notice names it. Raises AlreadyErased."""
    seen = _seen(decision)
    factors = getattr(seen, "key_factors", None)
    return About(
        decision_id=str(decision.pk),
        application_id=str(decision.application_id),
        scores={"pd": seen.pd, "margin": seen.margin},
        key_factors=None if factors is None else tuple(each["statement"] for each in factors),
    )


def _seen(decision: Decision) -> Observation:
    try:
        return decision.observation
    except Observation.DoesNotExist:
        raise _erased(decision) from None


def _erased(decision: Decision) -> AlreadyErased:
    return AlreadyErased(f"The person whom decision {decision.pk} concerns was erased.")
