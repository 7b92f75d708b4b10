"""How threads wait for an election: whoever waits, drains.

An election has one queue of events in the core and any number of threads that wait for something.
There is no thread of ours behind them. The first to come (`_pumping`) waits inside the C module
with the global lock released; the others wait on a condition. The event that it brings is logged,
applied and shared out, and everyone looks anew at what they wait for, which is read from the core,
not from the event. When the one that drains goes, another takes its place. If nobody waits, the
next `is_leader` takes what has come meanwhile.

A wait must never hold the lock `_turn` while it waits or logs, and never be longer than a slice
without a look for signals.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TypeVar

from interrex._base import BaseElection, Exit
from interrex._errors import InterrexError
from interrex._interrex import now
from interrex._types import Event

T = TypeVar("T")


class WaitingElection(BaseElection):
    """An election that threads wait for."""

    def _prepare(self) -> None:
        self._turn = threading.Condition(threading.Lock())
        self._pumping = False  # somebody is taking events from the core
        self._sequence = 0  # of events taken

    def _wait_until(self, look: Callable[[], T | None], timeout: float | None) -> T | None:
        """Return what ``look`` finds, None if it found nothing within ``timeout`` seconds."""
        deadline = None if timeout is None else now() + timeout
        try:
            while True:
                seen = self._sequence
                found = look()
                if found is not None:
                    return found
                left = None if deadline is None else deadline - now()
                if left is not None and left <= 0.0:
                    return None
                self._await_event(seen, left)
        except InterrexError:
            if Exit.begun and threading.current_thread().daemon:
                threading.Event().wait()  # closed at exit: no daemon thread goes on
            raise

    def _await_event(self, seen: int, left: float | None) -> None:
        """Return when an event later than ``seen`` was applied, or after ``left`` seconds."""
        mine = False
        event: Event | None = None
        try:
            with self._turn:
                if self._sequence != seen:
                    return
                if self._pumping:
                    self._turn.wait(left)
                    return
                mine = self._pumping = True
            raw = self._next_event(-1 if left is None else math.ceil(left * 1000))
            if raw is not None:
                event = self._log(raw)
        finally:
            if mine:
                self._hand_on(event)

    def _hand_on(self, event: Event | None) -> None:
        with self._turn:
            self._pumping = False
            if event is not None:
                self._sequence += 1
                self._apply(event)
            self._turn.notify_all()

    def _on_ready(self) -> None:
        while True:
            if not self._turn.acquire(blocking=False):
                return
            busy = self._pumping
            self._pumping = True
            self._turn.release()
            if busy:
                return
            event: Event | None = None
            try:
                raw = self._next_event(0)
                event = self._log(raw) if raw is not None else None
            except InterrexError:
                pass  # closed or forked: is_leader says no
            finally:
                self._hand_on(event)
            if event is None:
                return
