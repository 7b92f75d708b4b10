"""Interrex: exactly one of several instances leads.

    from interrex import Election

    with Election("billing", url="redis://localhost") as election:
        with election.lead() as leadership:
            while leadership.check(need=0.2):
                ...

`interrex.aio` has the same for asyncio. Warnings and errors go to the logger ``interrex``. After a
fork, make a new election in the child. Sub-interpreters are not promised.
"""

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
from interrex._types import Event, Leader, Member, Metrics, Token

__all__ = [
    "ConfigError",
    "Draining",
    "Election",
    "ElectionTimeout",
    "Event",
    "ForkedError",
    "InterrexError",
    "Leader",
    "Leadership",
    "LeadershipLost",
    "MediumError",
    "Member",
    "Metrics",
    "NotLeaderError",
    "Token",
    "__version__",
]
