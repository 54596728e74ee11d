"""Whose word a change takes: our policy of maker and checker, in one place.

A seat is a permission that somebody who approves must hold; each seat is taken by another person. The database
holds wherever there are two seats that both are taken (migration `kinds_of_change`), and a test keeps the two equal.
"""

Seats = tuple[str, ...]

BOTH: Seats = ("governance.decide_staging", "governance.decide_production")
"""A validator and an approver."""
LAW_AND_PRIVACY: Seats = ("governance.decide_erasure_law", "governance.decide_erasure_privacy")
"""Legal counsel and a privacy officer."""
REASON_TEXTS: Seats = ("governance.decide_policy", "governance.decide_reasons")
"""An approver and legal counsel: what applicants are told of a refusal has its form from the law."""
SEATS: dict[tuple[str, str], Seats] = {
    ("promotion", "staging"): ("governance.decide_staging",),
    ("promotion", "production"): ("governance.decide_production",),
    ("policy", ""): ("governance.decide_policy",),
    ("revocation", ""): ("governance.decide_revocation",),
    ("exception", ""): ("governance.decide_exception",),
    ("break_glass", ""): BOTH,
    ("cut_off", "production"): BOTH,
    ("rollback", ""): ("governance.decide_production",),
    ("rollout", ""): ("governance.decide_production",),
    ("erasure", ""): LAW_AND_PRIVACY,
}
"""By kind and target, whatever the tier."""
SEATS_OF_TIER: dict[tuple[int, str, str], Seats] = {
    (1, "promotion", "production"): BOTH,
    (1, "exception", ""): ("governance.decide_staging", "governance.decide_exception"),
    (1, "rollout", ""): BOTH,
}
"""Where a tier asks for more: a validator as well as an approver put a tier 1 model in production."""
SEATS_OF_POLICY: dict[str, Seats] = {"reason_library": REASON_TEXTS}
"""Where a kind of policy asks for more."""
ALL_SEATS: Seats = tuple(
    dict.fromkeys(
        seat
        for taken in (*SEATS.values(), *SEATS_OF_TIER.values(), *SEATS_OF_POLICY.values())
        for seat in taken
    )
)
DECIDES = "governance.decide_change"
"""What everybody must hold who takes any seat."""
CARRIED_OUT_WITH: dict[str, Seats] = {
    **dict.fromkeys(REASON_TEXTS, ("registry.adopt_policy",)),
    **dict.fromkeys(LAW_AND_PRIVACY, ("audit.settle_erasure", "audit.erase_subject")),
}
"""What else a delegate must hold, because an approval takes effect in the name of whoever gives it."""


def seats(kind: str, target: str, tier: int | None, policy_kind: str = "") -> Seats:
    """Every seat that must be taken, in order. Raises KeyError.

    `tier` is None where the change is about no model, `policy_kind` empty where it is about no policy.
    """
    if policy_kind in SEATS_OF_POLICY:
        return SEATS_OF_POLICY[policy_kind]
    usual = SEATS[kind, target]
    return usual if tier is None else SEATS_OF_TIER.get((tier, kind, target), usual)
