"""What an iterator of events has yet to hand out.

Where nobody advances it, the oldest give way to the newest; messages and values do so apart, so
that a flood of them never costs a transition. One thread at a time puts, whoever drains; another
takes, without a lock, which a child of a fork might find held for ever: each counter is written by
one of the two alone.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from interrex._types import Event

_EVENTS_KEPT = 1024  # of each sort, as in the core
_BYTES_KEPT = 8 << 20  # of messages and values


class _Entry(NamedTuple):
    order: int
    event: Event
    size: int


class EventQueue:
    """The events that one iterator has yet to hand out."""

    def __init__(self) -> None:
        self.ended = False
        self._changes: deque[_Entry] = deque(maxlen=_EVENTS_KEPT)
        self._bulk: deque[_Entry] = deque()  # messages and values
        self._put = 0  # how many; their order, too
        self._bytes_put = 0
        self._bytes_dropped = 0
        self._bytes_taken = 0

    def put(self, event: Event, size: int) -> None:
        """Add an event; ``size`` is that of the message or value it carries, 0 for others."""
        self._put += 1
        entry = _Entry(self._put, event, size)
        if size == 0:
            self._changes.append(entry)
            return
        self._bulk.append(entry)
        self._bytes_put += size
        while len(self._bulk) > _EVENTS_KEPT or self._bytes_waiting() > _BYTES_KEPT:
            try:
                self._bytes_dropped += self._bulk.popleft().size
            except IndexError:  # taken meanwhile
                return

    def take(self) -> Event | None:
        """Remove and return the oldest event."""
        try:
            entry = self._oldest().popleft()
        except IndexError:  # none, or dropped meanwhile
            return None
        self._bytes_taken += entry.size
        self.ended = entry.event.kind == "stopped"
        return entry.event

    def _oldest(self) -> deque[_Entry]:
        changes, bulk = self._changes, self._bulk
        return bulk if bulk and (not changes or bulk[0].order < changes[0].order) else changes

    def _bytes_waiting(self) -> int:
        return self._bytes_put - self._bytes_dropped - self._bytes_taken
