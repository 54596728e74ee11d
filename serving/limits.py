"""How much a client may ask of a model in a minute: the part `limits` of the serving policy. Without one, as much as it likes.

Counted in one row per client, model and minute, by one statement that adds and compares at once: so it is right for any
number of processes on one database. The statement commits by itself, before deciding begins; in the deciding transaction the
client's requests would wait for each other. The minute is that of the clock: at its end a client may ask twice as much
within a moment, and never more than the limit in any minute of the clock.
"""

from datetime import UTC, datetime
from functools import lru_cache

from django.contrib.auth.models import User
from django.db import connection

from registry.applicable import policy_for
from registry.models import Policy, ScoringModel
from serving.errors import TooManyRequests
from serving.serving_policy import ServingPolicy

MINUTE = 60  # seconds
POLICY_SECONDS = 5  # after which each process reads the policy anew

_COUNT = """
    INSERT INTO serving_clientminute (client_id, model_name, minute, requests, decisions, throttled)
    VALUES (%s, %s, %s, %s, %s, 0)
    ON CONFLICT (client_id, model_name, minute) DO UPDATE
    SET requests = serving_clientminute.requests + excluded.requests,
        decisions = serving_clientminute.decisions + excluded.decisions
    WHERE serving_clientminute.requests + excluded.requests <= %s
      AND serving_clientminute.decisions + excluded.decisions <= %s
    RETURNING requests, decisions
"""
_THROTTLE = """
    INSERT INTO serving_clientminute (client_id, model_name, minute, requests, decisions, throttled)
    VALUES (%s, %s, %s, 0, 0, 1)
    ON CONFLICT (client_id, model_name, minute) DO UPDATE
    SET throttled = serving_clientminute.throttled + 1
    RETURNING requests, decisions
"""


def admit(
    client: User, model_name: str, *, requests: int = 1, decisions: int, at: datetime
) -> dict[str, str]:
    """Count what the client asks for. Returns the headers that tell it what is left; none where nothing limits it.

    Raises TooManyRequests, and then nothing of it is counted but that it was turned away.
    """
    now = int(at.timestamp())
    limits = _limits(model_name, now // POLICY_SECONDS)
    if limits is None:
        return {}
    left = MINUTE - now % MINUTE
    row = (client.pk, model_name, now // MINUTE)
    with connection.cursor() as cursor:
        counted = None
        if decisions <= limits[1]:
            cursor.execute(_COUNT, [*row, requests, decisions, *limits])
            counted = cursor.fetchone()
        if counted:
            return _headers(limits, counted, left)
        cursor.execute(_THROTTLE, row)
        headers = _headers(limits, cursor.fetchone(), left) | {"Retry-After": str(left)}
    raise TooManyRequests(
        f"{limits[0]} requests and {limits[1]} decisions a minute are allowed; the next minute begins in {left} seconds.",
        headers,
    )


@lru_cache(maxsize=256)
def _limits(model_name: str, moment: int) -> tuple[int, int] | None:
    """Requests and decisions a minute, as the policy says within that moment."""
    at = datetime.fromtimestamp((moment + 1) * POLICY_SECONDS, UTC)
    model = ScoringModel.objects.filter(name=model_name).first()
    policy = policy_for(Policy.Kind.SERVING, model, at) if model else None
    limits = ServingPolicy.from_json(policy.body).parts["limits"] if policy else None
    if not limits:
        return None
    return int(limits["requests_per_minute"]), int(limits["decisions_per_minute"])


def _headers(limits: tuple[int, int], counted: tuple[int, int], left: int) -> dict[str, str]:
    """As draft-ietf-httpapi-ratelimit-headers-10 has them."""
    named = list(zip(("requests", "decisions"), limits, counted, strict=True))
    return {
        "RateLimit-Policy": ", ".join(f'"{name}";q={limit};w={MINUTE}' for name, limit, _ in named),
        "RateLimit": ", ".join(
            f'"{name}";r={limit - used};t={left}' for name, limit, used in named
        ),
    }
