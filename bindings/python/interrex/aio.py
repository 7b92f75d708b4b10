"""The election for asyncio: nothing blocks, and what leads is cancelled once it no longer does.

A body is cancelled as `asyncio.timeout` cancels: the task's own cancellations are counted apart
(`Task.uncancel`), so that one from outside is never swallowed. All methods but `is_leader` and the
readable attributes belong to the thread of the loop that ran `start`; how it waits is in `_loop`.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from types import TracebackType
from typing import Any, ClassVar, Never, Self, TypeVar, overload

from interrex._base import Work, chain
from interrex._errors import ElectionTimeout, LeadershipLost, NotLeaderError
from interrex._leader_only import LeaderOnly, leader_only
from interrex._leadership import BaseLeadership
from interrex._queue import EventQueue
from interrex._telling_aio import TellingElection
from interrex._types import Event, Token

__all__ = ["Draining", "Election", "Leadership"]

R = TypeVar("R")
T = TypeVar("T")

_REASON_WITHIN_S = 1.0  # the event that tells why follows the deadline at once


class Draining:
    """Whether a leadership takes nothing new any more: a truth value that can be awaited."""

    def __init__(self, leadership: Leadership) -> None:
        self._leadership = leadership

    def __bool__(self) -> bool:
        return self.is_set()

    def __repr__(self) -> str:
        return f"<Draining: {self.is_set()}>"

    def is_set(self) -> bool:
        """Whether the leadership is draining, or over."""
        return self._leadership._is_draining()

    async def wait(self) -> None:
        """Wait until it is draining or over."""
        await self._leadership._election._wait_until(lambda: self.is_set() or None)


class Leadership(BaseLeadership["Election"]):
    """One leadership of this member, as `Election.lead` and `Election.run` lend it."""

    @property
    def draining(self) -> Draining:
        """True once the leadership is being given up, or over: begin nothing new."""
        return Draining(self)


class _Body:
    """A piece of leader work of the running task, which ends with the leadership."""

    def __init__(self, leadership: Leadership) -> None:
        self._election = leadership._election
        self._leadership = leadership
        task = asyncio.current_task()
        if task is None:
            raise RuntimeError("leader work has to be inside of a task")
        self._task = task
        self._cancels_before = task.cancelling()
        self._cancelled = False
        self._left = False
        self._election._bodies.add(self)
        self._work = Work(self._election)
        if self._election._over(leadership.token):  # its event may have come before this
            self.leadership_over(leadership.token)

    def leadership_over(self, token: Token) -> None:
        # From the loop, never from the task itself: a running task would keep the cancellation
        # for its next await, which may be long after this body.
        if token == self._leadership.token:
            self._task.get_loop().call_soon(self._cancel)

    def _cancel(self) -> None:
        if not self._left and not self._cancelled:
            self._cancelled = True
            self._task.cancel(f"leadership of term {self._leadership.term} is over")

    async def leave(self, error: BaseException | None, *, resign: bool = True) -> None:
        """End the work, resign if asked to, and raise LeadershipLost if that is what happened."""
        election, token = self._election, self._leadership.token
        self._left = True
        election._bodies.discard(self)
        self._work.end()
        lost = not self._leadership.check()
        election._work_end()
        ours = (
            self._cancelled
            and self._task.uncancel() <= self._cancels_before
            and isinstance(error, asyncio.CancelledError)
        )
        if lost:
            election._on_readable()
            if error is None:
                await election._wait_until(
                    lambda: token in election._defeats or None, _REASON_WITHIN_S
                )
            loss = election._loss(token)
            if ours or error is None:
                raise loss from error
            chain(error, loss)
        elif resign:
            with contextlib.suppress(NotLeaderError):  # given up already, by someone else
                election._resign()
            if error is None:
                await election._await_end(token)


class Lead:
    """The asynchronous context manager that `Election.lead` returns."""

    def __init__(self, election: Election, timeout: float | None) -> None:
        self._election = election
        self._timeout = timeout
        self._bodies: list[_Body] = []

    async def __aenter__(self) -> Leadership:
        leadership = await self._election._begin(self._timeout)
        if leadership is None:
            raise self._election._stopped_error()
        self._bodies.append(_Body(leadership))
        return leadership

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._bodies.pop().leave(error)


class Events(AsyncIterator[Event]):
    """The asynchronous iterator that `Election.events` returns."""

    def __init__(self, election: Election, queue: EventQueue, timeout: float | None) -> None:
        self._election = election
        self._queue = queue
        self._timeout = timeout

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        if self._queue.ended:
            raise StopAsyncIteration
        event = await self._election._wait_until(self._queue.take, self._timeout)
        if event is None:
            raise StopAsyncIteration
        return event


class Election(TellingElection):
    """One member of an election, for asyncio; options as `interrex.Election`.

    Only ``stall_limit`` differs: 30 s by default. Where the loop does not come round for so long,
    the member steps down (reason ``host-stalled``); 0 is never.
    """

    _default_stall_limit: ClassVar[float | None] = 30.0

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._is_forked():
            await self.stop()

    async def start(self) -> None:
        """Begin to take part; return once connected and the role is known.

        An unreachable medium is tried again and logged. If the wait is cancelled, the election is
        stopped again. Started already: returns at once.

        Raises
        ------
        ElectionTimeout
            It took longer than ``start_timeout``.
        InterrexError
            It was stopped meanwhile (code ``"STOPPED"``).
        """
        self._refuse_fork()
        self._attach()
        await self._wait_until(lambda: self._phase != "stopping" or None)
        self._attach()
        try:
            if self._phase == "stopped":
                self._start()
                self._begin_phase()
            await self._wait_until(lambda: self._phase != "starting" or None)
        except BaseException:
            self._ask_to_stop()
            raise
        if self._phase != "started":
            raise self._stopped_error()

    async def stop(self) -> None:
        """Give up leadership, leave, and return once that is done.

        Leader work may go on for ``drain_limit`` seconds. Inside of leader work, stop only asks
        and returns at once: the end comes when the work ends. Stopped already: nothing happens.
        """
        self._refuse_fork()
        self._ask_to_stop()
        if not Work.here(self):
            await self._wait_until(lambda: self._phase == "stopped" or None)

    def lead(self, timeout: float | None = None) -> Lead:
        """Wait until elected, lead for the length of an ``async with`` block, and resign.

        The block is cancelled at its next ``await`` when the leadership ends, and LeadershipLost
        is raised in place of that cancellation.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait for; without limit by default.

        Returns
        -------
        Lead
            An asynchronous context manager; the block gets a `Leadership` and is leader work.

        Raises
        ------
        ElectionTimeout
            On entry: not elected in time.
        InterrexError
            On entry: the election is stopped (code ``"STOPPED"``). It stops by itself, with a
            ConfigError here, where other members use other settings.
        LeadershipLost
            On exit: the leadership was over before the block was. Another exception of the block
            wins, with this one at the end of its chain.
        """
        self._refuse_fork()
        return Lead(self, timeout)

    async def run(self, fn: Callable[[Leadership], Awaitable[R]]) -> R | None:
        """Await ``fn(leadership)`` each time this member is elected; cancelled on each loss.

        When ``fn`` returns while it still leads (and is not draining), resigns and returns its
        result; when it is cut off, or returns after that, waits for the next time. Its exceptions
        pass through, but for those that say that its leadership is over when it is.

        Returns
        -------
        object or None
            What ``fn`` returned; None when the election was stopped.
        """
        self._refuse_fork()
        while (leadership := await self._begin(None)) is not None:
            body = _Body(leadership)
            try:
                result = await fn(leadership)
                settled = not leadership.draining
            except BaseException as error:
                try:
                    await body.leave(error)
                except LeadershipLost:
                    continue
                if isinstance(error, LeadershipLost) and error.token == leadership.token:
                    continue
                if isinstance(error, NotLeaderError) and not leadership.check():
                    continue  # it asked before the cancellation came
                raise
            try:
                await body.leave(None)
            except LeadershipLost:
                continue
            if settled:
                return result
        return None

    async def wait_leader(self, timeout: float | None = None) -> Leadership:
        """Wait until this member leads; it is no leader work, and nothing is cancelled on loss.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait for; without limit by default.

        Raises
        ------
        ElectionTimeout
            Not elected in time.
        InterrexError
            The election is stopped (code ``"STOPPED"``).
        """
        self._refuse_fork()
        leadership = await self._elected(lambda: self._leads(0.0), timeout)
        if leadership is None:
            raise self._stopped_error()
        return leadership

    @overload
    def leader_only(self, otherwise: type[BaseException] | BaseException) -> LeaderOnly[Never]: ...

    @overload
    def leader_only(self, otherwise: T) -> LeaderOnly[T]: ...

    @overload
    def leader_only(self) -> LeaderOnly[None]: ...

    def leader_only(self, otherwise: object = None) -> LeaderOnly[Any]:
        """Decorate a coroutine function, or a function, so that only the leader runs it.

        A call counts as leader work until it ends. A coroutine is cancelled when the leadership
        ends, and raises LeadershipLost; a plain function runs to its end.

        Parameters
        ----------
        otherwise : object, default None
            What a call returns where this member does not lead; an exception is raised.
        """
        decorator: LeaderOnly[Any] = leader_only(self, otherwise, self._run_async)
        return decorator

    def events(self, timeout: float | None = None) -> Events:
        """Iterate over events, from now on; the first iterator begins with the start.

        Ends after ``stopped``. One that is not advanced keeps the newest 1024, and apart from them
        the newest 1024 messages and values, or 8 MiB.

        Parameters
        ----------
        timeout : float, optional
            Ends also when no event has come for so many seconds.
        """
        self._refuse_fork()
        return Events(self, self._open_queue(), timeout)

    async def resign(self) -> None:
        """Give up leadership, and contend again after the time-out.

        Returns once leader work has ended; inside of leader work, at once.

        Raises
        ------
        NotLeaderError
        """
        token = self._token_in_force()
        self._resign()
        await self._await_end(token)

    async def transfer(self, id: str) -> None:
        """Give leadership to another candidate; returns as `resign` does.

        Parameters
        ----------
        id : str
            The member's id, as `members` tells it.

        Raises
        ------
        NotLeaderError
        InterrexError
            No such candidate (code ``"NO_MEMBER"``).
        """
        token = self._token_in_force()
        self._transfer(id)
        await self._await_end(token)

    def _ask_to_stop(self) -> None:
        if self._phase in ("starting", "started"):
            self._phase = "stopping"
        self._stop()

    async def _run_async(self, token: Token, work: Callable[[], Awaitable[Any]]) -> Any:
        body = _Body(Leadership(self, token))
        try:
            result = await work()
        except BaseException as error:
            await body.leave(error, resign=False)
            raise
        await body.leave(None, resign=False)
        return result

    async def _begin(self, timeout: float | None) -> Leadership | None:
        """Wait for a leadership and begin a piece of work in it; None: stopped."""
        return await self._elected(self._work_begin, timeout)

    async def _elected(
        self, ask: Callable[[], tuple[int, str] | None], timeout: float | None
    ) -> Leadership | None:
        def look() -> Leadership | bool | None:
            if self._phase in ("stopped", "stopping"):
                return False
            raw = ask()
            return Leadership(self, Token(*raw)) if raw else None

        leadership = await self._wait_until(look, timeout)
        if leadership is None:
            raise ElectionTimeout(f"{self._name}: not elected within {timeout} s", "TIMEOUT")
        return leadership if isinstance(leadership, Leadership) else None

    async def _await_end(self, token: Token | None) -> None:
        if token is not None and not Work.here(self):
            await self._wait_until(lambda: self._over(token) or None)
