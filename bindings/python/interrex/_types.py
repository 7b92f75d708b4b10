"""The small immutable values that elections hand out: tokens, leaders, members, events, metrics."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, TypedDict

from interrex._errors import InterrexError, error_for

Role = Literal["stopped", "follower", "candidate", "leader", "draining"]
Guarantee = Literal["none", "kernel", "exclusive", "majority", "term"]
Reason = Literal[
    "resigned",
    "transferred",
    "stopped",
    "expired",
    "cut-off",
    "presence-lost",
    "superseded",
    "record-lost",
    "store-changed",
    "clock-jump",
    "host-stalled",
    "forked",
]
EventKind = Literal[
    "started",
    "elected",
    "draining",
    "defeated",
    "leader",
    "role",
    "members",
    "warning",
    "error",
    "stopped",
]

# What the C module hands out; convert.c writes these tuples.
RawToken: TypeAlias = tuple[int, str]
RawLeader: TypeAlias = tuple[str, str, int]
RawMember: TypeAlias = tuple[str, str, Role, bool, bool, float]
# role, session, token, remaining seconds, leader, guarantee, connected
RawStatus: TypeAlias = tuple[
    Role, str | None, RawToken | None, float, RawLeader | None, Guarantee, bool
]
# kind, token, reason, role, previous role, leader, error code, error text
RawEvent: TypeAlias = tuple[
    EventKind,
    RawToken | None,
    Reason | None,
    Role | None,
    Role | None,
    RawLeader | None,
    str | None,
    str | None,
]


class Token(NamedTuple):
    """A fencing token: a resource refuses a lower term after a higher one.

    An equal term with another incarnation is to be refused too.
    """

    term: int
    incarnation: str


class Leader(NamedTuple):
    """Who leads: its id, the label that people gave it, and the term of its leadership."""

    id: str
    label: str
    term: int


class Member(NamedTuple):
    """One row of the member table; ``last_seen`` is in seconds before now."""

    id: str
    label: str
    role: Role
    candidate: bool
    is_self: bool
    last_seen: float


class Metrics(TypedDict):
    """Counters since the election was made; ``last_round_trip`` is in seconds."""

    elected: int
    defeated: int
    defeated_by: dict[Reason, int]
    renewals: int
    operations: int
    failures: int
    reconnects: int
    events_dropped: int
    last_round_trip: float


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened in an election; fields that do not belong to the kind are None.

    Attributes
    ----------
    kind : str
        ``"started"``, ``"elected"`` (token), ``"draining"`` (token, reason), ``"defeated"``
        (token, reason, leader), ``"leader"`` (leader), ``"role"`` (role, previous),
        ``"members"``, ``"warning"`` and ``"error"`` (error), or ``"stopped"``.
    """

    kind: EventKind
    token: Token | None = None
    reason: Reason | None = None
    role: Role | None = None
    previous: Role | None = None
    leader: Leader | None = None
    error: InterrexError | None = None


def event_from(raw: RawEvent) -> Event:
    """Give a tuple of the C module its names."""
    kind, token, reason, role, previous, leader, code, text = raw
    return Event(
        kind=kind,
        token=Token(*token) if token else None,
        reason=reason,
        role=role,
        previous=previous,
        leader=Leader(*leader) if leader else None,
        error=error_for(code, text or "") if code else None,
    )
