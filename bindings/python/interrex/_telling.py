"""What members tell each other, for programs with threads: each call blocks until it is settled.

Only the shape of the calls is here: what they do is in `_exchange`, how they wait in `_waiting`.
"""

from __future__ import annotations

from interrex._types import Audience, Json, Version
from interrex._waiting import WaitingElection


class TellingElection(WaitingElection):
    """The meta, the messages and the published value."""

    def set_meta(self, value: Json, timeout: float | None = None) -> None:
        """Say something of this member that every member sees; return once it is written.

        Legal at any time; before a start it is what the start will say.

        Parameters
        ----------
        value : Json
            At most 4096 bytes of JSON; None for nothing.
        timeout : float, optional
            Seconds to wait for; without limit by default.

        Raises
        ------
        TypeError
            JSON can't carry the value.
        ElectionTimeout
            It was not confirmed in time; it may still be done.
        InterrexError
            It is too large (code ``"TOO_LARGE"``), or the election was stopped meanwhile.
        """
        self._ask("the meta", self._begin_set_meta(value), timeout)

    def send(self, to: Audience, value: Json, timeout: float | None = None) -> None:
        """Send a message; return once the medium took it. It arrives at most once, in order.

        Parameters
        ----------
        to : str
            ``"leader"``, ``"followers"``, ``"all"``, or a member's id, as `members` tells it; never
            the sender.
        value : Json
            At most 65536 bytes of JSON; on PostgreSQL 5901.
        timeout : float, optional
            Seconds to wait for; without limit by default.

        Raises
        ------
        TypeError
            JSON can't carry the value.
        ElectionTimeout
            It was not confirmed in time; it may still arrive.
        InterrexError
            Nobody is there to receive it (code ``"NO_MEMBER"``), it is for the leader and this
            member leads (``"STATE"``), it is too large (``"TOO_LARGE"``), or the election is
            stopped (``"STOPPED"``).
        MediumError
            It did not leave.
        """
        self._ask("the message", self._begin_send(to, value), timeout)

    def publish(self, value: Json, timeout: float | None = None) -> Version:
        """Publish a value, which every member receives and the next leader inherits.

        Parameters
        ----------
        value : Json
            At most 65536 bytes of JSON.
        timeout : float, optional
            Seconds to wait for; without limit by default.

        Returns
        -------
        Version
            The value is durable in the medium under this version.

        Raises
        ------
        TypeError
            JSON can't carry the value.
        NotLeaderError
            This member does not lead, or the medium knows better: nothing was published.
        ElectionTimeout
            It was not confirmed in time; it may still be done: `value` tells.
        InterrexError
            It is too large (code ``"TOO_LARGE"``), or the election was stopped meanwhile.
        MediumError
            It may have been published: `value` tells.
        """
        return self._ask("the value", self._begin_publish(value), timeout)
