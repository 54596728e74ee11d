"""The one way into the log: `@action` declares an act, `record` writes its entry.

The outermost act runs in one durable transaction, and an act called by another joins it. Entries are held until the outermost
act ends and are then inserted together, in the same transaction: foreign keys to them are deferred to the commit.
"""

import functools
import re
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, ParamSpec, TypeVar

from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Permission, User
from django.db import DatabaseError, transaction
from django.db.models import CharField, Model, QuerySet

from audit import triggers
from audit.canonical import NotCanonical
from audit.errors import (
    FieldProblem,
    NothingRecorded,
    NotInAnAct,
    NotPermitted,
    NotRecordable,
    Overtaken,
    Refusal,
    ShardIsClosed,
)
from audit.events import Event
from audit.keys import EntryKey
from audit.models import Entry
from audit.statements import CompiledQuery, Parameter, require_connection
from audit.vault import Private
from audit.writing import Said, Subject, insert_entries, make_entry

# PostgreSQL's words for an act that lost against another: unique_violation, deadlock_detected, serialization_failure.
# SQLite runs one act at a time: there the same would be a fault of ours.
OVERTAKEN = frozenset({"23505", "40P01", "40001"})
FIELD_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*([.\[][A-Za-z0-9_\]]+)*")
MADE_UP = frozenset({"unexpected", "duplicate"})

P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class Act:
    """What the code declares: the function, the permission it needs, the event it writes."""

    name: str
    needs: str
    event: StrEnum
    is_done_again: bool = False


@dataclass
class _Frame:
    act: Act
    by: User
    # Shared by all acts joined in one transaction.
    pending: list[Entry] = field(default_factory=list)
    held: list[Model] = field(default_factory=list)
    recorded: int = 0
    is_permitted: bool = False


ACTS: dict[str, Act] = {}
_HELD = CompiledQuery(
    lambda: held_permission(
        Parameter("user", User._meta.pk),
        Parameter("app", CharField()),
        Parameter("codename", CharField()),
    ).values_list("pk")[:1]
)
_frame: ContextVar[_Frame | None] = ContextVar("frame", default=None)


def action(
    event: StrEnum, *, needs: str, is_done_again: bool = False
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare an act. It takes the actor as keyword-only `by`, and calls `record` at least once.

    Raises NotPermitted when `by` does not hold the permission `needs` ("app.codename") through a role. Any Refusal
    leaves nothing changed and is itself recorded, Overtaken among them, where another act did the same at the same
    moment. Raises NothingRecorded, and rolls back, when nothing was recorded.

    `is_done_again`: where it is refused, whoever calls it does the same by other acts, and the refusals of those are recorded;
    of its own only NotPermitted.
    Such an act may find the permission by a query of its own (`permission_found`), and is asked for it at its end where it did not.
    """

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        act = Act(f"{function.__module__}.{function.__qualname__}", needs, event, is_done_again)
        ACTS[act.name] = act

        @functools.wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            by = kwargs.get("by")
            if not isinstance(by, User):
                raise TypeError(f"{act.name} needs the actor as by=User.")
            outer = _frame.get()
            if outer is not None:
                return _join(
                    outer,
                    _Frame(act, by, outer.pending, outer.held),
                    functools.partial(function, *args, **kwargs),
                )
            return _begin(_Frame(act, by), functools.partial(function, *args, **kwargs))

        run.act = act  # type: ignore[attr-defined]  # read by the tests that list acts
        return run

    return declare


def record(
    *,
    subject: Subject,
    private: Private | None = None,
    signed_by: EntryKey | None = None,
    **details: Any,
) -> Entry:
    """Write an entry of the act that is running. Event and actor come from its declaration.

    `details` are public and hold no personal data; what is personal goes into `private`. The entry is inserted when the outermost act ends.
    Everything is signed by the producer key. `signed_by` is for the entries that introduce one, and for acts that write many
    entries and look the producer key up once.
    Raises EntryTooLarge, NotRecordable, KeyMissing, or NotInAnAct outside of an act.
    """
    frame = _frame.get()
    if frame is None:
        raise NotInAnAct("record() is called within an @action.")
    try:
        entry = make_entry(Said(frame.act.event, frame.by, subject, details, private, signed_by))
    except NotCanonical as problem:
        raise NotRecordable(
            "A text that is cut inside a character, a name that is not ASCII or a number beyond 2^53 cannot be recorded."
        ) from problem
    frame.pending.append(entry)
    frame.recorded += 1
    return entry


def insert_with_entries(*rows: Model) -> None:
    """Rows of the act that is running, inserted when the outermost act ends and in one statement with its entries.

    For what is written a thousand times a minute: until then, no query sees them. Raises NotInAnAct outside of an act.
    """
    frame = _frame.get()
    if frame is None:
        raise NotInAnAct("insert_with_entries() is called within an @action.")
    frame.held += rows


def permission_found(permission: str) -> None:
    """A query of the act that is running said that its actor holds the permission, by `held_permission`. Raises NotInAnAct."""
    frame = _frame.get()
    if frame is None:
        raise NotInAnAct("permission_found() is called within an @action.")
    frame.is_permitted |= permission == frame.act.needs


def held_permission(
    user: Parameter, app: Parameter | str, codename: Parameter | str
) -> QuerySet[Permission]:
    """The permission, where the user is active and holds it through a group: for a query, or as part of another."""
    return _held_by(user).filter(content_type__app_label=app, codename=codename).order_by()


def _held_by(user: Any) -> QuerySet[Permission]:
    return Permission.objects.filter(group__user=user, group__user__is_active=True)


def holds(user: AbstractBaseUser | AnonymousUser, permission: str) -> bool:
    """True when an active user holds the permission through a group. Being a superuser does not count."""
    if user.pk is None:  # nobody is signed in
        return False
    app, _, codename = permission.partition(".")
    return _HELD.row(user=user.pk, app=app, codename=codename) is not None


def permissions_of(user: AbstractBaseUser | AnonymousUser) -> frozenset[str]:
    """Every permission that an active user holds through a group, in one query: for pages that ask for many."""
    held = _held_by(user.pk).values_list("content_type__app_label", "codename").distinct()
    return frozenset(f"{app}.{codename}" for app, codename in held)


def require(user: User, permission: str) -> None:
    """Raises NotPermitted."""
    if not holds(user, permission):
        raise NotPermitted(
            f"{user.get_username()} does not hold the permission {permission} through a role."
        )


def require_act(act: Callable[..., Any], *, by: User) -> None:
    """Raises NotPermitted, on record as the act itself would: for work that is long and comes before the act."""
    frame = _Frame(ACTS[f"{act.__module__}.{act.__qualname__}"], by)
    try:
        require(by, frame.act.needs)
    except NotPermitted as refusal:
        _record_refusal(frame, refusal)
        raise


def _begin(frame: _Frame, body: Callable[[], R]) -> R:
    require_connection()
    try:
        with transaction.atomic(durable=True):
            result = _run(frame, body)
            insert_entries(frame.pending, frame.held)
        return result
    except Refusal as refusal:
        _record_refusal(frame, refusal)
        raise
    except DatabaseError as error:
        meant = _refusal_for(error)
        if meant is None:
            raise
        _record_refusal(frame, meant)
        raise meant from error


def _refusal_for(error: DatabaseError) -> Refusal | None:
    """What the database's word means to whoever acted; None where it means a fault of ours."""
    if triggers.SHARD_IS_CLOSED in str(error):
        return ShardIsClosed("The log goes over to its next shard. Ask again in a second.")
    if getattr(error.__cause__, "sqlstate", None) in OVERTAKEN:
        return Overtaken("Another act did the same at this very moment. Look, and ask again.")
    return None


def _join(outer: _Frame, frame: _Frame, body: Callable[[], R]) -> R:
    pending, held = len(outer.pending), len(outer.held)
    try:
        with transaction.atomic():
            result = _run(frame, body)
    except BaseException:
        del outer.pending[pending:]
        del outer.held[held:]
        raise
    outer.recorded += frame.recorded
    return result


def _run(frame: _Frame, body: Callable[[], R]) -> R:
    if not frame.act.is_done_again:
        _require_permitted(frame)
    token = _frame.set(frame)
    try:
        result = body()
    except DatabaseError:  # nothing more can be asked in this transaction
        raise
    except Exception:
        _require_permitted(frame)
        raise
    finally:
        _frame.reset(token)
    _require_permitted(frame)
    if not frame.recorded:
        raise NothingRecorded(f"{frame.act.name} recorded nothing and was rolled back.")
    return result


def _require_permitted(frame: _Frame) -> None:
    if not frame.is_permitted:
        require(frame.by, frame.act.needs)
        frame.is_permitted = True


def _record_refusal(frame: _Frame, refusal: Refusal) -> None:
    if frame.act.is_done_again and not isinstance(refusal, NotPermitted):
        return
    details = {
        "attempted": frame.act.event,
        "problem": refusal.type,
        "fields": sorted({p.field for p in refusal.errors if _is_declared(p)}),
        "types": sorted({problem.type for problem in refusal.errors}),
    }
    said = Said(Event.ACTION_REFUSED, frame.by, ("audit.act", frame.act.name), details)
    try:
        with transaction.atomic():
            insert_entries([make_entry(said)])
    except DatabaseError as error:
        # Between two shards nothing can be written down, so whoever acted is told to ask again.
        if not isinstance(closed := _refusal_for(error), ShardIsClosed):
            raise
        raise closed from error


def _is_declared(problem: FieldProblem) -> bool:
    """A name that only the caller knows may be a value in the wrong place, and the log keeps what it holds."""
    return problem.type not in MADE_UP and FIELD_NAME.fullmatch(problem.field) is not None
