"""Every exception of the package, and which one an error code of the core becomes.

The C module asks `error_for` here whenever a call fails; nothing else maps codes.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from interrex._types import Leader, Token


class InterrexError(Exception):
    """Anything that goes wrong in Interrex.

    Attributes
    ----------
    code : str
        The core's word for it, such as ``"STOPPED"``, ``"NO_MEMBER"`` or ``"AUTH"``.
    """

    def __init__(self, message: str, code: str = "STATE") -> None:
        super().__init__(message)
        self.code = code


class ConfigError(InterrexError):
    """An option or the URL is missing, unsafe, or unlike that of the other members."""


class MediumError(InterrexError):
    """The place where the election is held is unreachable, refuses, or makes no sense."""


class NotLeaderError(InterrexError):
    """Only the leader may do this, and this member does not lead."""


class ForkedError(InterrexError):
    """The election was made before a fork; make a new one in the child."""


class ElectionTimeout(InterrexError, TimeoutError):
    """It did not happen in time."""


class LeadershipLost(InterrexError):
    """The leadership ended while the body it was lent to still ran.

    Attributes
    ----------
    token : Token
        Of the leadership that ended.
    reason : str
        Why: ``"expired"``, ``"cut-off"``, ``"superseded"``, … (docs/python.md has the list).
    leader : Leader or None
        Who leads instead, where that is known.
    """

    def __init__(self, name: str, token: Token, reason: str, leader: Leader | None) -> None:
        super().__init__(f"{name}: the leadership of term {token.term} is over: {reason}", "LOST")
        self.token = token
        self.reason = reason
        self.leader = leader


_CLASSES: dict[str, type[InterrexError]] = {
    "CONFIG": ConfigError,
    "MISMATCH": ConfigError,
    "UNSUPPORTED": ConfigError,
    "FORKED": ForkedError,
    "NOT_LEADER": NotLeaderError,
    "TIMEOUT": ElectionTimeout,
    "UNREACHABLE": MediumError,
    "AUTH": MediumError,
    "UNAVAILABLE": MediumError,
    "FULL": MediumError,
    "FOREIGN": MediumError,
    "PROTOCOL": MediumError,
    "SYSTEM": MediumError,
}


def error_for(code: str, text: str) -> InterrexError:
    """Return the exception for the core's error ``code``, not raised."""
    text = text.replace("irx_schema()", "interrex.schema()")  # as it is called here
    text = re.sub(r"\b(\w+)_ms (\d+)\b", lambda m: f"{m[1]} {int(m[2]) / 1000:g} s", text)
    return _CLASSES.get(code, InterrexError)(text, code)
