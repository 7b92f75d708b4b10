"""What the elections of `interrex` and `interrex.aio` have in common.

Here are the options, what can be read at any moment, and what an event changes (`_apply`). How one
waits for an event differs and is not here; what members tell each other is in `_exchange`, and the
events that an iterator has yet to hand out are in `_queue`. Nothing here decides who leads: that is
read from the core each time.
"""

from __future__ import annotations

import atexit
import os
import weakref
from collections import OrderedDict, deque
from contextvars import ContextVar
from typing import ClassVar, Literal

from interrex import _options
from interrex._errors import ForkedError, InterrexError, LeadershipLost
from interrex._exchange import LOGGER, ExchangingElection, Foreign
from interrex._queue import EventQueue
from interrex._types import (
    Event,
    Guarantee,
    Json,
    Leader,
    Metrics,
    RawEvent,
    Reason,
    Role,
    Token,
)

_DEFEATS_KEPT = 64

_elections: weakref.WeakSet[BaseElection] = weakref.WeakSet()
_at_work: ContextVar[tuple[Work, ...]] = ContextVar("interrex_at_work", default=())


class BaseElection(ExchangingElection):
    """The options and the readable state of an election."""

    _default_stall_limit: ClassVar[float | None] = None

    def __init__(
        self,
        name: str,
        *,
        url: str = _options.ABSENT,
        namespace: str | None = None,
        protocol: Literal["lease", "quorum"] | None = None,
        profile: Literal["swift", "wide"] | None = None,
        heartbeat: float | None = None,
        timeout: float | None = None,
        takeover: Literal["fast", "safe"] | None = None,
        probe: float | None = None,
        label: str | None = None,
        meta: Json = None,
        candidate: bool | None = None,
        stall_limit: float | None = None,
        drain_limit: float | None = None,
        start_timeout: float | None = None,
        drift: float | None = None,
        max_members: int | None = None,
        create_table: bool | None = None,
    ) -> None:
        if stall_limit is None:
            stall_limit = self._default_stall_limit
        given = (
            ("name", _options.text, name),
            ("namespace", _options.text, namespace),
            ("protocol", _options.text, protocol),
            ("profile", _options.text, profile),
            ("heartbeat", _options.milliseconds, heartbeat),
            ("timeout", _options.milliseconds, timeout),
            ("takeover", _options.text, takeover),
            ("probe", _options.milliseconds, probe),
            ("label", _options.text, label),
            ("meta", _options.json, meta),
            ("candidate", _options.truth, candidate),
            ("stall_limit", _options.milliseconds, stall_limit),
            ("drain_limit", _options.milliseconds, drain_limit),
            ("start_timeout", _options.milliseconds, start_timeout),
            ("drift", _options.number, drift),
            ("max_members", _options.number, max_members),
            ("create_table", _options.truth, create_table),
        )
        options = {
            key + ("_ms" if convert is _options.milliseconds else ""): convert(key, value)
            for key, convert, value in given
            if value is not None or key == "name"
        }
        self._name = name
        self._stall_limit = stall_limit or 0.0
        self._pid = os.getpid()
        self._phase: Literal["stopped", "starting", "started", "stopping"] = "stopped"
        self._last_error: InterrexError | None = None
        self._trouble: InterrexError | None = None  # why it stopped unasked
        self._defeats: OrderedDict[Token, tuple[Reason, Leader | None]] = OrderedDict()
        self._queues: weakref.WeakSet[EventQueue] = weakref.WeakSet()
        self._backlog = EventQueue()  # for the first iterator: what happened before it
        self._taken: deque[RawEvent] = deque()  # from the core, and not applied yet
        self._prepare()
        super().__init__(_options.url_text(url), options)
        _elections.add(self)

    def __repr__(self) -> str:
        state = "forked" if self._is_forked() else self._phase
        return f"<{type(self).__module__}.{type(self).__name__} {self._name!r} {state}>"

    @property
    def name(self) -> str:
        """The name that members contend under."""
        return self._name

    @property
    def role(self) -> Role:
        """What this member is now; never ``"leader"`` when `is_leader` is false."""
        return self._status()[0]

    @property
    def id(self) -> str | None:
        """The session, 32 hexadecimal digits; None before the first start."""
        return self._status()[1]

    @property
    def token(self) -> Token | None:
        """The fencing token of this member's leadership; None when there is none."""
        token = self._status()[2]
        return Token(*token) if token else None

    @property
    def term(self) -> int:
        """The term of this member's leadership, else of the leader it knows, else 0."""
        _, _, token, _, leader, _, _ = self._status()
        if token:
            return token[0]
        return leader[2] if leader else 0

    @property
    def guarantee(self) -> Guarantee:
        """What is promised: ``"kernel"``, ``"exclusive"``, ``"majority"`` or ``"term"``."""
        return self._status()[5]

    def metrics(self) -> Metrics:
        """Return the counters of this election since it was made; times are in seconds."""
        return self._metrics()

    def history(self) -> str:
        """Return the last transitions, one per line, oldest first."""
        return self._history()

    def _is_forked(self) -> bool:
        return self._pid != os.getpid()

    def _refuse_fork(self) -> None:
        if self._is_forked():
            raise ForkedError("the election was made before a fork; make a new one", "FORKED")

    def _stopped_error(self) -> InterrexError:
        return self._trouble or InterrexError(f"{self._name}: the election is stopped", "STOPPED")

    def _over(self, token: Token) -> bool:
        return self._check(0.0) != token

    def _token_in_force(self) -> Token | None:
        """Return the token of a leadership that is in force, draining included."""
        raw = self._check(0.0)
        return Token(*raw) if raw else None

    def _loss(self, token: Token) -> LeadershipLost:
        """Return the exception for a leadership that is over."""
        reason, leader = self._defeats.get(token, ("expired", None))
        if self._is_forked():
            reason, leader = "forked", None
        return LeadershipLost(self._name, token, reason, leader)

    def _open_queue(self) -> EventQueue:
        """Return a new iterator's queue; the first one begins with what nobody has seen."""
        queue, self._backlog = self._backlog, EventQueue()
        self._queues.add(queue)
        return queue

    def _log(self, told: Event | Foreign | None) -> None:
        """Log what `_apply` returned. Hold no lock here."""
        if isinstance(told, Foreign):
            self._complain(told)
        elif told is None or told.error is None:
            return
        elif told.error.code == "OVERFLOW" and not self._queues:
            LOGGER.debug("%s: %s", self._name, told.error)  # nobody has asked for events
        elif told.kind == "warning":
            LOGGER.warning("%s: %s", self._name, told.error)
        else:
            LOGGER.error("%s: %s", self._name, told.error)

    def _begin_phase(self) -> None:
        """Forget an earlier run, before a start."""
        self._phase = "starting"
        self._last_error = self._trouble = None
        self._backlog = EventQueue()

    def _apply(self, raw: RawEvent) -> Event | Foreign | None:
        """Take note of an event, and hand it to every iterator; return it if it is for them."""
        if raw[0] == "settled":
            self._settle(raw)
            return None
        event = self._event_from(raw)
        if isinstance(event, Foreign):
            return event
        if event.kind == "started" and self._phase == "starting":
            self._phase = "started"
        elif event.kind == "stopped":
            if self._phase != "stopping":
                self._trouble = self._last_error
            self._phase = "stopped"
        elif event.kind == "error":
            self._last_error = event.error
        elif event.kind == "defeated" and event.token and event.reason:
            self._defeats[event.token] = (event.reason, event.leader)
            if len(self._defeats) > _DEFEATS_KEPT:
                self._defeats.popitem(last=False)
        size = len(raw[-1][-1]) if event.kind in ("message", "value") else 0
        for queue in list(self._queues) or [self._backlog]:
            queue.put(event, size)
        return event

    def _prepare(self) -> None:
        """Make what waiting needs; also after a fork, when another thread may have held it."""

    def _on_ready(self) -> None:
        """Take the events that wait; the C module calls it from `is_leader`."""


class Work:
    """A piece of leader work, known in the context that began it and in the tasks it creates.

    `stop`, `resign` and `transfer` wait for all work to end, so inside of it they must not.
    """

    def __init__(self, election: BaseElection) -> None:
        self._election = weakref.ref(election)
        self._running = True
        _at_work.set((*(work for work in _at_work.get() if work._running), self))

    def end(self) -> None:
        self._running = False
        _at_work.set(tuple(work for work in _at_work.get() if work._running))

    @staticmethod
    def here(election: BaseElection) -> bool:
        return any(work._running and work._election() is election for work in _at_work.get())


def chain(error: BaseException, loss: LeadershipLost) -> None:
    """Let an exception of the body tell, at the end of its chain, that the leadership was lost."""
    seen = {id(error), id(loss)}
    while error.__context__ is not None and id(error.__context__) not in seen:
        error = error.__context__
        seen.add(id(error))
    if error.__context__ is None:
        error.__context__ = loss


class Exit:
    """Whether the interpreter is ending, after which no daemon thread runs Python code again."""

    begun = False


def _close_all() -> None:
    Exit.begun = True
    for election in list(_elections):
        election._close()


def _after_fork_in_child() -> None:
    for election in list(_elections):
        election._prepare()


atexit.register(_close_all)
os.register_at_fork(after_in_child=_after_fork_in_child)
