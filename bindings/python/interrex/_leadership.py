"""A leadership as the application holds it: a token, and questions that the core answers each time.

It never remembers an answer: what was true a moment ago says nothing about now.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from interrex._base import BaseElection
from interrex._types import Token

E = TypeVar("E", bound=BaseElection)


class BaseLeadership(Generic[E]):
    """One leadership of one member, from `elected` to `defeated`."""

    def __init__(self, election: E, token: Token) -> None:
        self._election = election
        self._token = token

    def __repr__(self) -> str:
        state = "in force" if self.check() else "over"
        return f"<Leadership of {self._election.name!r}, term {self._token.term}, {state}>"

    @property
    def token(self) -> Token:
        """The fencing token."""
        return self._token

    @property
    def term(self) -> int:
        """The token's term; grows with every leadership of anyone."""
        return self._token.term

    def check(self, need: float = 0.0) -> bool:
        """Whether this leadership, draining included, lasts at least ``need`` seconds more.

        Parameters
        ----------
        need : float, default 0.0
            Seconds that must be left before the deadline.

        Returns
        -------
        bool
        """
        return self._election._check(need) == self._token

    def remaining(self) -> float:
        """Return the seconds until the deadline; 0.0 once over, `math.inf` where none applies."""
        if not self.check():
            return 0.0
        _, _, token, remaining, _, _, _ = self._election._status()
        return remaining if token == self._token else 0.0

    def _is_draining(self) -> bool:
        return self._election._leads(0.0) != self._token
