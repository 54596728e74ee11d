"""Tables that do not change, and whose word counts, held by the database against everybody."""

from django.db import migrations

from audit.triggers import append_only, refuse_when

DECISION = "governance_roledecision"
OWN_ROLE = """EXISTS (SELECT 1 FROM governance_roleheld h WHERE h.id = NEW.held_id AND h.holder_id = NEW.decided_by_id)"""

APPROVAL = "governance_approval"
DELEGATION = "governance_delegation"
THIS_CHANGE = "SELECT 1 FROM governance_changerequest c WHERE c.id = NEW.change_request_id"
LENT = f"SELECT 1 FROM {DELEGATION} d WHERE d.id = NEW.delegation_id"


def holds(person: str, permission: str) -> str:
    """Whether an active account is a member of a group that has the permission: what `audit.action.holds` asks."""
    return f"""EXISTS (
        SELECT 1 FROM auth_user_groups member
        JOIN auth_user u ON u.id = member.user_id
        JOIN auth_group_permissions given ON given.group_id = member.group_id
        JOIN auth_permission p ON p.id = given.permission_id
        JOIN django_content_type t ON t.id = p.content_type_id
        WHERE u.id = {person} AND u.is_active AND t.app_label || '.' || p.codename = {permission})"""


SEAT_NOT_HELD = f"""NEW.decision = 'approve' AND NEW.seat IS NOT NULL AND NEW.delegation_id IS NULL
    AND NOT {holds("NEW.approver_id", "NEW.seat")}"""
NOT_LENT = f"""NEW.delegation_id IS NOT NULL AND NOT EXISTS (
    {LENT} AND d.delegate_id = NEW.approver_id AND d.seat = NEW.seat
    AND d.valid_from <= NEW.decided_at AND d.valid_to > NEW.decided_at
    AND NOT EXISTS (SELECT 1 FROM governance_delegationend x WHERE x.delegation_id = d.id)
    AND {holds("d.delegator_id", "NEW.seat")})"""
MAY_NOT_DECIDE = f"""NEW.decision = 'reject' AND NOT {holds("NEW.approver_id", "'governance.decide_change'")}"""
OTHER_SEAT = f"""NEW.seat IS NOT NULL AND EXISTS ({THIS_CHANGE} AND (
    (c.kind = 'promotion' AND c.target = 'staging' AND NEW.seat <> 'governance.decide_staging')
    OR (c.kind = 'promotion' AND c.target = 'production'
        AND NEW.seat NOT IN ('governance.decide_staging', 'governance.decide_production'))
    OR (c.kind = 'policy' AND NEW.seat <> 'governance.decide_policy')
    OR (c.kind = 'revocation' AND NEW.seat <> 'governance.decide_revocation')))"""
DELEGATOR_MADE_IT = f"""NEW.delegation_id IS NOT NULL AND EXISTS (
    SELECT 1 FROM governance_changerequest c JOIN {DELEGATION} d ON d.id = NEW.delegation_id
    WHERE c.id = NEW.change_request_id AND d.delegator_id IN (c.requested_by_id, c.made_by_id))"""
# Whoever stood behind an approval, of the same change or of the version's way into staging, stands behind no other.
SAME_PERSON = f"""NEW.decision = 'approve' AND EXISTS (
    SELECT 1 FROM governance_changerequest c
    JOIN governance_changerequest o ON o.id = c.id
        OR (c.target = 'production' AND o.target = 'staging' AND o.version_id = c.version_id AND o.state = 'granted')
    JOIN {APPROVAL} a ON a.change_request_id = o.id AND a.decision = 'approve'
    LEFT JOIN {DELEGATION} theirs ON theirs.id = a.delegation_id
    LEFT JOIN {DELEGATION} mine ON mine.id = NEW.delegation_id
    WHERE c.id = NEW.change_request_id AND (
        a.approver_id = mine.delegator_id OR theirs.delegator_id = NEW.approver_id
        OR theirs.delegator_id = mine.delegator_id))"""
DELEGATOR_WITHOUT_SEAT = f"NOT {holds('NEW.delegator_id', 'NEW.seat')}"
NOT_ITS_SIDE = f"""NOT EXISTS (
    SELECT 1 FROM {DELEGATION} d
    WHERE d.id = NEW.delegation_id AND NEW.revoked_by_id IN (d.delegator_id, d.delegate_id))"""


class Migration(migrations.Migration):
    dependencies = [("governance", "0010_seats"), ("audit", "0002_triggers")]

    operations = [
        *append_only("governance_tierchangeanswer"),
        *append_only("governance_materialityassessment"),
        *append_only("governance_findingrestriction"),
        *append_only("governance_recertification"),
        *append_only("governance_roleheld"),
        *append_only("governance_laterecertification"),
        *append_only(DECISION),
        *refuse_when(DECISION, "not_own", "INSERT", OWN_ROLE, "nobody certifies their own role"),
        *append_only(DELEGATION),
        *append_only("governance_delegationend"),
        *refuse_when(
            DELEGATION, "of_own_seat", "INSERT", DELEGATOR_WITHOUT_SEAT, "only who holds a seat can lend it"
        ),
        *refuse_when(
            "governance_delegationend", "by_a_side", "INSERT", NOT_ITS_SIDE, "somebody else lent this seat"
        ),
        *refuse_when(
            APPROVAL, "seat_held", "INSERT", SEAT_NOT_HELD, "the approver does not hold the seat"
        ),
        *refuse_when(
            APPROVAL, "seat_lent", "INSERT", NOT_LENT, "nobody who holds the seat lent it to the approver"
        ),
        *refuse_when(
            APPROVAL, "may_reject", "INSERT", MAY_NOT_DECIDE, "the approver decides about no changes"
        ),
        *refuse_when(
            APPROVAL, "seat_of_change", "INSERT", OTHER_SEAT, "the seat is of another kind of change"
        ),
        *refuse_when(
            APPROVAL, "not_for_maker", "INSERT", DELEGATOR_MADE_IT, "the maker of a change cannot have it decided"
        ),
        *refuse_when(
            APPROVAL, "two_people", "INSERT", SAME_PERSON, "one person stands behind one seat of a version"
        ),
    ]
