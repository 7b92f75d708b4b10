"""The decorator `leader_only`: a call begins a piece of leader work, or is answered otherwise.

The core says whether the work may begin; a plain function runs to its end even if the leadership
ends meanwhile. How a coroutine is treated then is the election's to say (`run_async`).
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, ParamSpec, Protocol, TypeVar, overload

from interrex._base import BaseElection, Work
from interrex._types import Token

P = ParamSpec("P")
R = TypeVar("R")
T_co = TypeVar("T_co", covariant=True)

RunAsync = Callable[[Token, Callable[[], Awaitable[Any]]], Awaitable[Any]]


class LeaderOnly(Protocol[T_co]):
    """A decorator for ``def`` and ``async def``; the result may also be the other answer."""

    @overload
    def __call__(
        self, function: Callable[P, Coroutine[Any, Any, R]]
    ) -> Callable[P, Coroutine[Any, Any, R | T_co]]: ...

    @overload
    def __call__(self, function: Callable[P, R]) -> Callable[P, R | T_co]: ...


def leader_only(election: BaseElection, otherwise: object, run_async: RunAsync) -> Any:
    """Return the decorator; see `interrex.Election.leader_only`."""
    if inspect.isroutine(otherwise):
        raise TypeError("leader_only is called before it decorates: @election.leader_only()")

    def declined() -> object:
        if isinstance(otherwise, BaseException) or (
            isinstance(otherwise, type) and issubclass(otherwise, BaseException)
        ):
            raise otherwise
        return otherwise

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            raise TypeError("leader_only: a generator's work has no clear end; decorate its caller")

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def call_async(*args: Any, **kwargs: Any) -> Any:
                raw = election._work_begin()
                if raw is None:
                    return declined()
                return await run_async(Token(*raw), functools.partial(function, *args, **kwargs))

            return call_async

        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            raw = election._work_begin()
            if raw is None:
                return declined()
            mark = Work(election)
            try:
                return function(*args, **kwargs)
            finally:
                mark.end()
                election._work_end()

        return call

    return decorate
