"""What members tell each other, as an election of either kind has it: meta, messages, the value.

Here bytes become values, and what the core settled finds the one who asked for it. Bytes that are
no JSON come from a program that is none of ours: they are logged and dropped, never raised. How one
waits for a request is not here, and neither is who may make it: the core says that.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable
from typing import NamedTuple

from interrex import _json
from interrex._errors import ElectionTimeout, InterrexError, error_for
from interrex._interrex import Handle
from interrex._types import Event, Json, Leader, Member, RawEvent, RawLeader, Role, Token, Version

LOGGER = logging.getLogger("interrex")

_COMPLAINTS_KEPT = 64


class Settled(NamedTuple):
    """What became of a request; without an error it is done."""

    error: InterrexError | None
    version: Version


class Request:
    """Something asked of the core, under way until it is settled, whether somebody waits or not."""

    __slots__ = ("settled",)

    def __init__(self) -> None:
        self.settled: Settled | None = None


class Foreign(NamedTuple):
    """Bytes that are no JSON: what they should have been, of whom, and what is wrong."""

    what: str
    whose: str
    why: str


class ExchangingElection(Handle):
    """The meta, the messages and the value of an election."""

    _name: str

    def __init__(self, url: str | None, options: dict[str, str]) -> None:
        self._own_meta = options.get("meta", "").encode()
        self._requests: dict[int, Request] = {}  # by ticket; the core settles each, once
        self._complaints: OrderedDict[Foreign, None] = OrderedDict()
        super().__init__(url, options)

    @property
    def leader(self) -> Leader | None:
        """Who leads, as far as known here."""
        leader = self._status()[4]
        return self._leader_from(leader) if leader else None

    @property
    def meta(self) -> Json:
        """What this member says of itself, to all; None where it says nothing."""
        self._status()  # refuses a fork
        return _json.decode(self._own_meta) if self._own_meta else None

    @property
    def value(self) -> Json:
        """The newest published value that this member has received; None before the first.

        A new object each time; the events named ``value`` tell the version.
        """
        published = self._value()
        if published is None:
            return None
        version, data = published
        return self._read("published value", f"version {version[0]}.{version[1]}", data)

    def members(self) -> list[Member]:
        """Return the member table as last received, in the order of joining."""
        return [self._member_from(*row) for row in self._members()]

    def _begin_set_meta(self, value: Json) -> Callable[[], int]:
        data = b"" if value is None else _json.encode("meta", value)

        def begin() -> int:
            ticket = self._set_meta(data)
            self._own_meta = data
            return ticket

        return begin

    def _begin_send(self, to: object, value: Json) -> Callable[[], int]:
        if not isinstance(to, str):
            raise TypeError(f"to: {to!r} is not 'leader', 'followers', 'all' or a member's id")
        if "\0" in to:
            raise TypeError("to: it holds a zero character")
        data = _json.encode("message", value)
        return lambda: self._send(to, data)

    def _begin_publish(self, value: Json) -> Callable[[], int]:
        data = _json.encode("value", value)
        return lambda: self._publish(data)

    def _begin_request(self, begin: Callable[[], int]) -> Request:
        """Begin it; nobody may apply events before this returns, lest they know of none."""
        ticket = begin()
        request = self._requests[ticket] = Request()
        return request

    def _settle(self, raw: RawEvent) -> None:
        """Tell who asked; an interrupted begin may have left a ticket of nobody's."""
        _, _, _, _, _, _, code, text, (ticket, version) = raw
        request = self._requests.get(ticket)
        if request is not None:
            error = error_for(code, text or "") if code else None
            request.settled = Settled(error, Version(*version))
            self._requests.pop(ticket, None)  # last: interrupted before, it is done again

    def _answer(self, request: Request, what: str, timeout: float | None) -> Version:
        """Return the version of a request that was waited for, or raise what became of it."""
        settled = request.settled
        if settled is None:
            raise ElectionTimeout(
                f"{self._name}: {what} was not confirmed within {timeout} s; it may still be done",
                "TIMEOUT",
            )
        if settled.error is not None:
            raise settled.error
        return settled.version

    def _event_from(self, raw: RawEvent) -> Event | Foreign:
        """Give a tuple of the C module, of an event that is the application's, its names."""
        kind, token, reason, role, previous, leader, code, text, exchange = raw
        if kind == "message":
            sender, from_leader, data = exchange
            try:
                data = _json.decode(data)
            except ValueError as error:
                return Foreign("message", f"member {sender}", str(error))
            return Event(kind, data=data, from_id=sender, from_leader=from_leader)
        if kind == "value":
            version, data = Version(*exchange[0]), exchange[1]
            try:
                data = _json.decode(data)
            except ValueError as error:
                whose = f"version {version.term}.{version.index}"
                return Foreign("published value", whose, str(error))
            return Event(kind, version=version, value=data)
        assert kind != "settled"
        return Event(
            kind=kind,
            token=Token(*token) if token else None,
            reason=reason,
            role=role,
            previous=previous,
            leader=self._leader_from(leader) if leader else None,
            error=error_for(code, text or "") if code else None,
        )

    def _member_from(
        self,
        id: str,
        label: str,
        role: Role,
        candidate: bool,
        is_self: bool,
        last_seen: float,
        meta: bytes | None,
    ) -> Member:
        said = self._read("meta", f"member {id}", meta) if meta else None
        return Member(id, label, role, candidate, is_self, last_seen, said)

    def _leader_from(self, raw: RawLeader) -> Leader:
        try:
            meta = self._meta_of(raw[0])
            return Leader(*raw, _json.decode(meta) if meta else None)
        except ValueError:  # members() complains
            return Leader(*raw)

    def _read(self, what: str, whose: str, data: bytes) -> Json:
        """Return the value of foreign bytes; None, with a complaint, where they are no JSON."""
        try:
            return _json.decode(data)
        except ValueError as error:
            self._complain(Foreign(what, whose, str(error)))
            return None

    def _complain(self, foreign: Foreign) -> None:
        """Log it, once for the same trouble with the same one. Hold no lock here."""
        if foreign in self._complaints:
            return
        self._complaints[foreign] = None
        if len(self._complaints) > _COMPLAINTS_KEPT:
            self._complaints.popitem(last=False)
        text = "%s: the %s of %s is dropped: it is no JSON: %s"
        LOGGER.warning(text, self._name, *foreign)
