"""What people decide stands, in one chain per decision; a review is closed once, by somebody without a part in it who looked."""

from django.db import migrations

from audit.triggers import append_only, frozen, refuse_when

RESOLUTION, REVIEW = "serving_resolution", "serving_review"

OTHER_DECISION = f"""NEW.supersedes_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM {RESOLUTION} r WHERE r.id = NEW.supersedes_id AND r.decision_id = NEW.decision_id
    AND r.outcome <> NEW.outcome)"""
# A first resolution answers the decision itself: a referral is decided, anything else is turned round.
DOES_NOT_ANSWER = """NEW.supersedes_id IS NULL AND NOT EXISTS (
    SELECT 1 FROM serving_decision d WHERE d.id = NEW.decision_id AND (
        (NEW.kind = 'referral' AND d.outcome = 'referred')
        OR (NEW.kind = 'override' AND d.outcome IN ('approved', 'declined') AND d.outcome <> NEW.outcome)))"""
OTHER_REVIEW = f"""NEW.review_id IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM {REVIEW} v WHERE v.id = NEW.review_id AND v.decision_id = NEW.decision_id
    AND v.reviewer_id = NEW.decided_by_id AND v.closed_at IS NULL)"""
UNDER_REVIEW = f"""NEW.review_id IS NULL AND EXISTS (
    SELECT 1 FROM {REVIEW} v WHERE v.decision_id = NEW.decision_id AND v.closed_at IS NULL)"""
HAD_A_PART = f"""NEW.reviewer_id IS NOT NULL AND (
    EXISTS (SELECT 1 FROM serving_decision d WHERE d.id = NEW.decision_id AND d.client_id = NEW.reviewer_id)
    OR EXISTS (SELECT 1 FROM {RESOLUTION} r WHERE r.decision_id = NEW.decision_id
        AND r.decided_by_id = NEW.reviewer_id AND (r.review_id IS NULL OR r.review_id <> NEW.id)))"""
NOT_LOOKED = """NEW.closed_at IS NOT NULL AND NOT EXISTS (
    SELECT 1 FROM serving_reviewstep s
    WHERE s.review_id = NEW.id AND s.kind = 'evidence_opened' AND s.by_id = NEW.reviewer_id)"""
SAYS_OTHERWISE = f"""NEW.closed_at IS NOT NULL AND (NEW.state = 'overturned') <> EXISTS (
    SELECT 1 FROM {RESOLUTION} r WHERE r.review_id = NEW.id)"""


class Migration(migrations.Migration):
    dependencies = [("serving", "0009_resolutions")]

    operations = [
        *append_only(RESOLUTION),
        *append_only("serving_correction"),
        *append_only("serving_reviewstep"),
        *append_only("serving_latereview"),
        *frozen(REVIEW, ["state", "reviewer_id", "closed_at"]),
        *refuse_when(
            RESOLUTION, "one_chain", "INSERT", OTHER_DECISION, "it supersedes a resolution of another decision, or agrees with it"
        ),
        *refuse_when(
            RESOLUTION, "answers", "INSERT", DOES_NOT_ANSWER, "the decision was not referred, or nothing is overridden"
        ),
        *refuse_when(
            RESOLUTION, "by_its_reviewer", "INSERT", OTHER_REVIEW, "the review is not one of this decision by this person"
        ),
        *refuse_when(
            RESOLUTION, "not_reviewed", "INSERT", UNDER_REVIEW, "the decision is being reviewed"
        ),
        *refuse_when(
            REVIEW, "closed_once", "UPDATE", "OLD.closed_at IS NOT NULL", "the review was closed"
        ),
        *refuse_when(REVIEW, "no_part", "UPDATE", HAD_A_PART, "the reviewer had a part in the decision"),
        *refuse_when(REVIEW, "looked", "UPDATE", NOT_LOOKED, "the reviewer did not open the evidence"),
        *refuse_when(
            REVIEW, "as_resolved", "UPDATE", SAYS_OTHERWISE, "an overturned review has its resolution, and no other has one"
        ),
    ]
