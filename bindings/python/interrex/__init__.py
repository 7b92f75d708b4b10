"""Interrex: exactly one of several instances leads.

    from interrex import Election

    with Election("billing", url="redis://localhost") as election:
        with election.lead() as leadership:
            while leadership.check(need=0.2):
                ...

`interrex.aio` has the same for asyncio. Warnings and errors go to the logger ``interrex``. After a
fork, make a new election in the child. Sub-interpreters are not promised.
"""

from typing import TYPE_CHECKING

from interrex._election import Draining, Election, Leadership
from interrex._errors import (
    ConfigError,
    ElectionTimeout,
    ForkedError,
    InterrexError,
    LeadershipLost,
    MediumError,
    NotLeaderError,
)
from interrex._interrex import VERSION as __version__
from interrex._schema import schema
from interrex._types import Event, Json, Leader, Member, Metrics, Token, Version

if TYPE_CHECKING:
    from interrex import aio

__all__ = [
    "ConfigError",
    "Draining",
    "Election",
    "ElectionTimeout",
    "Event",
    "ForkedError",
    "InterrexError",
    "Json",
    "Leader",
    "Leadership",
    "LeadershipLost",
    "MediumError",
    "Member",
    "Metrics",
    "NotLeaderError",
    "Token",
    "Version",
    "__version__",
    "aio",
    "schema",
]


def __getattr__(name: str) -> object:
    if name == "aio":  # asyncio is loaded by those who use it
        import interrex.aio

        return interrex.aio
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
