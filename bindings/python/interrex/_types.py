"""The small immutable values that elections hand out: tokens, leaders, members, events, metrics."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeAlias, TypedDict

from interrex._errors import InterrexError

Json: TypeAlias = Any
"""What `json` carries: dict with str keys, list (or tuple), str, int, float, bool, None."""

Audience: TypeAlias = Literal["leader", "followers", "all"] | str
"""For whom a message is; any other text is a member's id."""

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
    "message",
    "value",
]

# What the C module hands out; convert.c writes these tuples.
RawToken: TypeAlias = tuple[int, str]
RawLeader: TypeAlias = tuple[str, str, int]
RawMember: TypeAlias = tuple[str, str, Role, bool, bool, float, bytes | None]
# role, session, token, remaining seconds, leader, guarantee, connected
RawStatus: TypeAlias = tuple[
    Role, str | None, RawToken | None, float, RawLeader | None, Guarantee, bool
]
RawVersion: TypeAlias = tuple[int, int]
# kind, token, reason, role, previous role, leader, error code, error text, and last of a message
# (from, from leader, data), of a value (version, data), of what settled (ticket, version)
RawEvent: TypeAlias = tuple[
    EventKind | Literal["settled"],
    RawToken | None,
    Reason | None,
    Role | None,
    Role | None,
    RawLeader | None,
    str | None,
    str | None,
    Any,
]


class Token(NamedTuple):
    """A fencing token: a resource refuses a lower term after a higher one.

    An equal term with another incarnation is to be refused too.
    """

    term: int
    incarnation: str


@dataclass(frozen=True, order=True, slots=True)
class Version:
    """Of the published value: newer ones are greater."""

    term: int
    index: int


class Leader(NamedTuple):
    """Who leads: its id, the label that people gave it, the term of its leadership, its meta."""

    id: str
    label: str
    term: int
    meta: Json = None

    def __hash__(self) -> int:  # a meta need not be hashable
        return hash((self.id, self.term))


class Member(NamedTuple):
    """One row of the member table; ``last_seen`` is in seconds before now."""

    id: str
    label: str
    role: Role
    candidate: bool
    is_self: bool
    last_seen: float
    meta: Json = None

    def __hash__(self) -> int:  # a meta need not be hashable
        return hash(self.id)


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
    messages_sent: int
    messages_received: int
    messages_dropped: int
    last_round_trip: float


@dataclass(frozen=True, slots=True, repr=False)
class Event:
    """Something that happened in an election; fields that do not belong to the kind are None.

    Attributes
    ----------
    kind : str
        ``"started"``, ``"elected"`` (token), ``"draining"`` (token, reason), ``"defeated"``
        (token, reason, leader), ``"leader"`` (leader), ``"role"`` (role, previous),
        ``"members"``, ``"message"`` (data, from_id, from_leader), ``"value"`` (version, value),
        ``"warning"`` and ``"error"`` (error), or ``"stopped"``.
    data, value : Json
        What was sent, or published. Iterators share it: treat it as read-only.
    """

    kind: EventKind
    token: Token | None = None
    reason: Reason | None = None
    role: Role | None = None
    previous: Role | None = None
    leader: Leader | None = None
    error: InterrexError | None = None
    data: Json = field(default=None, hash=False)
    from_id: str | None = None
    from_leader: bool | None = None
    version: Version | None = None
    value: Json = field(default=None, hash=False)

    def __repr__(self) -> str:
        told = {name: getattr(self, name) for name in self.__slots__}
        shown = [f"{name}={told[name]!r}" for name in told if told[name] is not None]
        return f"Event({', '.join(shown)})"
