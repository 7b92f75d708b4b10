"""How threads wait for an election: whoever waits, drains.

An election has one queue of events in the core and any number of threads that wait for something.
There is no thread of ours behind them. The first to come (`_pumping`) waits inside the C module
with the global lock released; the others sleep. The event that it brings is applied, shared out and
logged, and everyone looks anew at what they wait for, which is read from the core, or from their
own request, not from the event. When the one that drains goes, another takes its place. If nobody
waits, the next `is_leader` takes what has come meanwhile.

A signal handler may raise in the main thread at any call of a function, and must not cost others
what they wait for. So what the C module has taken is in `_taken` at once, and leaves it only when
it has been applied: at worst an iterator gets an event twice. The turn to drain is given up by an
assignment, which nothing can interrupt. And who sleeps looks up now and then, lest the one who
should have woken him was interrupted.

A wait must never hold the lock while it waits or logs, and never be longer than a slice without a
look for signals.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import TypeVar

from interrex._base import BaseElection, Exit
from interrex._errors import InterrexError
from interrex._exchange import Foreign
from interrex._interrex import now
from interrex._types import Event, Version

T = TypeVar("T")

_LOOK_UP_S = 0.1


class WaitingElection(BaseElection):
    """An election that threads wait for."""

    def _prepare(self) -> None:
        self._lock = threading.Lock()
        self._sleepers: set[threading.Lock] = set()  # each is held until its thread may wake
        self._pumping = False  # somebody is taking events from the core
        self._sequence = 0  # of events applied

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
                self._drain(left, seen)
        except InterrexError:
            if Exit.begun and threading.current_thread().daemon:
                threading.Event().wait()  # closed at exit: no daemon thread goes on
            raise

    def _drain(self, left: float | None, seen: int | None) -> bool:
        """Take an event, apply and log it; say whether one was there.

        Waits for it up to ``left`` seconds, whoever takes it, and not at all where an event later
        than ``seen`` was applied already. With None for ``seen`` it never waits for another thread.
        """
        mine = taken = False
        sleeper: threading.Lock | None = None
        told: list[Event | Foreign | None] = []
        try:
            with self._lock:
                if seen is not None and self._sequence != seen:
                    return False
                if not self._pumping:
                    mine = self._pumping = True
                elif seen is not None:
                    sleeper = threading.Lock()
                    sleeper.acquire()
                    self._sleepers.add(sleeper)
            if sleeper is not None:
                sleeper.acquire(timeout=_LOOK_UP_S if left is None else min(left, _LOOK_UP_S))
                self._sleepers.discard(sleeper)
            if mine:
                milliseconds = -1 if left is None else math.ceil(left * 1000)
                taken = bool(self._taken) or self._take(milliseconds, self._taken)
        finally:
            if mine:
                self._pumping = False  # first, and without a call
                self._share(told)
        for event in told:
            self._log(event)
        return taken

    def _share(self, told: list[Event | Foreign | None]) -> None:
        """Apply what was taken, and wake everybody; interrupted, leave the rest to the next one."""
        with self._lock:
            while self._taken:
                told.append(self._apply(self._taken[0]))
                self._taken.popleft()
                self._sequence += 1
            for sleeper in list(self._sleepers):
                if sleeper.locked():
                    sleeper.release()
            self._sleepers.clear()

    def _on_ready(self) -> None:
        try:
            # A signal handler may ask while the code it interrupted is inside the lock.
            while not self._lock.locked() and self._drain(0.0, None):
                pass
        except InterrexError:
            pass  # closed or forked: is_leader says no

    def _ask(self, what: str, begin: Callable[[], int], timeout: float | None) -> Version:
        """Begin a request, and return once the core has settled it."""
        with self._lock:
            request = self._begin_request(begin)
        self._wait_until(lambda: request.settled, timeout)
        return self._answer(request, what, timeout)
