"""How an asyncio loop waits for an election: it watches the event descriptor; no thread waits.

Events are taken when the descriptor is readable, applied, and everyone who waits looks anew at what
they wait for. Bodies that lead hear of the end of their leadership. While it takes part, the loop
also sends pulses: if the loop is stalled for longer than ``stall_limit``, the core steps down.
Nothing here blocks, and all of it runs on the loop that ran `start`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeVar

from interrex._base import BaseElection
from interrex._errors import InterrexError
from interrex._types import Event, Token, Version

T = TypeVar("T")


class Body(Protocol):
    """A piece of leader work that has to hear of the end of its leadership."""

    def leadership_over(self, token: Token) -> None: ...


class LoopElection(BaseElection):
    """An election that an asyncio loop waits for."""

    def _prepare(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched: int | None = None  # the descriptor that the loop watches
        self._pulse_timer: asyncio.TimerHandle | None = None
        self._waiters: set[asyncio.Future[None]] = set()
        self._bodies: set[Body] = set()

    async def _wait_until(
        self, look: Callable[[], T | None], timeout: float | None = None
    ) -> T | None:
        """Return what ``look`` finds, None if it found nothing within ``timeout`` seconds."""
        found = look()
        if found is not None:
            return found
        loop = asyncio.get_running_loop()
        scope = asyncio.timeout(timeout)
        try:
            async with scope:
                while found is None:
                    waiter = loop.create_future()
                    self._waiters.add(waiter)
                    try:
                        await waiter
                    finally:
                        self._waiters.discard(waiter)
                    found = look()
        except TimeoutError:
            if not scope.expired():
                raise
        return found

    async def _ask(self, what: str, begin: Callable[[], int], timeout: float | None) -> Version:
        """Begin a request, and return once the core has settled it."""
        request = self._begin_request(begin)
        if self._phase == "stopped":
            self._attach()  # the core settles it all the same
        try:
            await self._wait_until(lambda: request.settled, timeout)
        finally:
            if self._phase == "stopped" and not self._requests:
                self._detach()
        return self._answer(request, what, timeout)

    def _attach(self) -> None:
        """Let the running loop watch the descriptor and send pulses."""
        loop = asyncio.get_running_loop()
        if self._loop is loop and self._watched is not None:
            return
        self._detach()
        self._loop = loop
        self._watched = self._event_fd()
        loop.add_reader(self._watched, self._on_readable)
        self._send_pulse()

    def _detach(self) -> None:
        if self._pulse_timer is not None:
            self._pulse_timer.cancel()
            self._pulse_timer = None
        if self._loop is not None and self._watched is not None and not self._loop.is_closed():
            self._loop.remove_reader(self._watched)
        self._watched = None

    def _send_pulse(self) -> None:
        if self._stall_limit > 0.0 and self._loop is not None:
            self._pulse()
            self._pulse_timer = self._loop.call_later(self._stall_limit / 4, self._send_pulse)

    def _on_readable(self) -> None:
        try:
            while self._taken or self._take(0, self._taken):
                event = self._apply(self._taken[0])
                self._taken.popleft()
                self._log(event)
                if isinstance(event, Event) and event.kind == "defeated" and event.token:
                    for body in list(self._bodies):
                        body.leadership_over(event.token)
        except InterrexError:
            self._detach()  # closed, or the child of a fork
        if self._phase == "stopped" and not self._requests:
            self._detach()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
