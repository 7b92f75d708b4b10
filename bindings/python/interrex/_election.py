"""The election for programs with threads: every call blocks its own thread alone.

What a call waits for is read from the core; how it waits is in `_waiting`. Nothing here remembers
who leads.
"""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Iterator
from types import TracebackType
from typing import Any, Never, Self, TypeVar, overload

from interrex._base import Work, chain
from interrex._errors import ElectionTimeout, LeadershipLost, NotLeaderError
from interrex._leader_only import LeaderOnly, leader_only
from interrex._leadership import BaseLeadership
from interrex._queue import EventQueue
from interrex._telling import TellingElection
from interrex._types import Event, Token

R = TypeVar("R")
T = TypeVar("T")

_REASON_WITHIN_S = 1.0  # the event that tells why follows the deadline at once


class Draining:
    """Whether a leadership takes nothing new any more: a truth value that can be waited for."""

    def __init__(self, leadership: Leadership) -> None:
        self._leadership = leadership

    def __bool__(self) -> bool:
        return self.is_set()

    def __repr__(self) -> str:
        return f"<Draining: {self.is_set()}>"

    def is_set(self) -> bool:
        """Whether the leadership is draining, or over."""
        return self._leadership._is_draining()

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it is draining or over, at most ``timeout`` seconds; say whether it is."""
        election = self._leadership._election
        return bool(election._wait_until(lambda: self.is_set() or None, timeout))


class Leadership(BaseLeadership["Election"]):
    """One leadership of this member, as `Election.lead` and `Election.run` lend it."""

    _work: Work

    @property
    def draining(self) -> Draining:
        """True once the leadership is being given up, or over: begin nothing new."""
        return Draining(self)


class Lead:
    """The context manager that `Election.lead` returns."""

    def __init__(self, election: Election, timeout: float | None) -> None:
        self._election = election
        self._timeout = timeout
        self._held: list[Leadership] = []

    def __enter__(self) -> Leadership:
        leadership = self._election._begin(self._timeout)
        if leadership is None:
            raise self._election._stopped_error()
        self._held.append(leadership)
        return leadership

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        loss = self._election._end(self._held.pop(), patient=error is None)
        if loss is None:
            return
        if error is None:
            raise loss
        chain(error, loss)


class Events(Iterator[Event]):
    """The iterator that `Election.events` returns."""

    def __init__(self, election: Election, queue: EventQueue, timeout: float | None) -> None:
        self._election = election
        self._queue = queue
        self._timeout = timeout

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Event:
        if self._queue.ended:
            raise StopIteration
        event = self._election._wait_until(self._queue.take, self._timeout)
        if event is None:
            raise StopIteration
        return event


class Election(TellingElection):
    """One member of an election: at most one of the members that contend under a name leads.

    Parameters
    ----------
    name : str
        Members with the same URL, namespace and name contend; 1 to 128 printable characters.
    url : str, optional
        Where the election is held: ``"redis://host"``, ``"local:"`` or ``"memory:"``. Left out:
        ``$INTERREX_URL``, else ``"local:"`` with one warning. None or ``""`` is a ConfigError.
    namespace : str, default "interrex"
        Prefix of keys, channels and files.
    protocol : {"lease", "quorum"}, optional
        ``"lease"`` by default; ``"quorum"`` on Redis and in memory: who can't be heard by more than
        half of the voters does not lead.
    profile : {"swift", "wide"}, optional
        ``"swift"`` is a heartbeat of 0.05 s and a time-out of 0.25 s, ``"wide"`` 1 s and 6 s.
    heartbeat, timeout : float, default 0.3 and 1.5
        Seconds between renewals, and after which a silent leader is replaced; the time-out is at
        least three heartbeats.
    takeover : {"fast", "safe"}, optional
        ``"fast"`` replaces a dead leader as soon as the medium sees it is gone; the default where
        the medium can tell.
    probe : float, default 0.025
        Seconds between the deputy's looks at the leader's presence (Redis).
    label : str, optional
        Who this is, for people; ``host:pid`` by default.
    meta : Json, optional
        What this member says of itself, to all members; at most 4096 bytes of JSON.
    candidate : bool, default True
        False: observe only, never lead.
    stall_limit : float, default 0
        Seconds without any call on this election after which it steps down; 0 is never.
    drain_limit : float, default 5
        Seconds that leader work may still run when leadership is given up.
    start_timeout : float, optional
        Seconds after which `start` fails if it does not take part by then.
    drift : float, default 0.005
        Bound of the clock rates' error.
    max_members : int, default 1024
        Bound of the member table.
    create_table : bool, default True
        False: make no table in PostgreSQL; `schema` says what is to be there.

    Raises
    ------
    ConfigError
        Names the option, its value (credentials as ``***``) and the rule.

    Notes
    -----
    Every method may be called from any thread. An election that is no longer referred to is closed.
    """

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if not self._is_forked():
            self.stop()

    def start(self) -> None:
        """Begin to take part; return once connected and the role is known.

        An unreachable medium is tried again and logged; Ctrl-C ends the wait, and then the
        election is stopped again. Started already: returns at once.

        Raises
        ------
        ElectionTimeout
            It took longer than ``start_timeout``.
        InterrexError
            It was stopped meanwhile (code ``"STOPPED"``).
        """
        self._refuse_fork()
        self._wait_until(lambda: self._phase != "stopping" or None, None)
        with self._lock:
            if self._phase == "stopped":
                self._start()
                self._begin_phase()
        try:
            self._wait_until(lambda: self._phase != "starting" or None, None)
        except BaseException:
            self._ask_to_stop()
            raise
        if self._phase != "started":
            raise self._stopped_error()

    def stop(self) -> None:
        """Give up leadership, leave, and return once that is done.

        Leader work may go on for ``drain_limit`` seconds. Inside of leader work, stop only asks
        and returns at once: the end comes when the work ends. Stopped already: nothing happens.
        """
        self._refuse_fork()
        self._ask_to_stop()
        if not Work.here(self):
            self._wait_until(lambda: self._phase == "stopped" or None, None)

    def lead(self, timeout: float | None = None) -> Lead:
        """Wait until elected, lead for the length of a ``with`` block, and resign.

        Parameters
        ----------
        timeout : float, optional
            Seconds to wait for; without limit by default.

        Returns
        -------
        Lead
            A context manager; the block gets a `Leadership` and counts as leader work.

        Raises
        ------
        ElectionTimeout
            On entry: not elected in time.
        InterrexError
            On entry: the election is stopped (code ``"STOPPED"``). It stops by itself, with a
            ConfigError here, where other members use other settings.
        LeadershipLost
            On exit: the leadership was over before the block was. An exception of the block wins,
            with this one at the end of its chain.
        """
        self._refuse_fork()
        return Lead(self, timeout)

    def run(self, fn: Callable[[Leadership], R]) -> R | None:
        """Call ``fn(leadership)`` each time this member is elected.

        When ``fn`` returns while it still leads (and is not draining), resigns and returns its
        result; when it returns after that, waits for the next time. Its exceptions pass through,
        but for those that say that its leadership is over when it is.

        Returns
        -------
        object or None
            What ``fn`` returned; None when the election was stopped.
        """
        self._refuse_fork()
        while (leadership := self._begin(None)) is not None:
            try:
                result = fn(leadership)
            except BaseException as error:
                loss = self._end(leadership, patient=False)
                if loss is not None and isinstance(error, LeadershipLost | NotLeaderError):
                    continue
                if loss is not None:
                    chain(error, loss)
                raise
            settled = not leadership.draining
            if self._end(leadership, patient=True) is None and settled:
                return result
        return None

    @overload
    def leader_only(self, otherwise: type[BaseException] | BaseException) -> LeaderOnly[Never]: ...

    @overload
    def leader_only(self, otherwise: T) -> LeaderOnly[T]: ...

    @overload
    def leader_only(self) -> LeaderOnly[None]: ...

    def leader_only(self, otherwise: object = None) -> LeaderOnly[Any]:
        """Decorate a function, or a coroutine function, so that only the leader runs it.

        A call counts as leader work until it returns. It is not interrupted when leadership ends.

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
        with self._lock:
            queue = self._open_queue()
        return Events(self, queue, timeout)

    def resign(self) -> None:
        """Give up leadership, and contend again after the time-out.

        Returns once leader work has ended; inside of leader work, at once.

        Raises
        ------
        NotLeaderError
        """
        token = self._token_in_force()
        self._resign()
        self._await_end(token)

    def transfer(self, id: str) -> None:
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
        self._await_end(token)

    def _ask_to_stop(self) -> None:
        with self._lock:
            if self._phase in ("starting", "started"):
                self._phase = "stopping"
        self._stop()

    async def _run_async(self, token: Token, work: Callable[[], Awaitable[Any]]) -> Any:
        mark = Work(self)
        try:
            return await work()
        finally:
            mark.end()
            self._work_end()

    def _begin(self, timeout: float | None) -> Leadership | None:
        """Wait for a leadership and begin a piece of work in it; None: stopped."""

        def elected() -> Leadership | bool | None:
            if self._phase in ("stopped", "stopping"):
                return False
            raw = self._work_begin()
            return Leadership(self, Token(*raw)) if raw else None

        leadership = self._wait_until(elected, timeout)
        if leadership is None:
            raise ElectionTimeout(f"{self._name}: not elected within {timeout} s", "TIMEOUT")
        if not isinstance(leadership, Leadership):
            return None
        leadership._work = Work(self)
        return leadership

    def _end(self, leadership: Leadership, *, patient: bool) -> LeadershipLost | None:
        """End a piece of work; resign if the leadership is still in force, else say how it went."""
        lost = not leadership.check()
        leadership._work.end()
        self._work_end()
        token = leadership.token
        if lost:
            if not self._is_forked():
                within = _REASON_WITHIN_S if patient else 0.0
                self._on_ready()
                self._wait_until(lambda: token in self._defeats or None, within)
            return self._loss(token)
        with contextlib.suppress(NotLeaderError):  # given up already, by someone else
            self._resign()
        if patient:
            self._await_end(token)
        return None

    def _await_end(self, token: Token | None) -> None:
        if token is not None and not Work.here(self):
            self._wait_until(lambda: self._over(token) or None, None)
