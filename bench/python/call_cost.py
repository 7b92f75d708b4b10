"""What one is_leader() costs its caller: ``call_cost.py CALLS REPEATS``.

Times whole loops and subtracts nothing; the loop's own cost is a row too.
"""

import itertools
import json
import sys
import time
from collections.abc import Callable

from interrex import Election


def ask(election: Election, calls: int) -> bool:
    yes = False
    for _ in itertools.repeat(None, calls):
        yes = election.is_leader()
    return yes


def nothing(election: Election, calls: int) -> bool:
    yes = False
    for _ in itertools.repeat(None, calls):
        yes = True
    return yes


def row(what: str, body: Callable[..., bool], election: Election, calls: int, repeats: int) -> None:
    taken = []
    for _ in range(repeats):
        begun = time.monotonic_ns()
        body(election, calls)
        taken.append(round((time.monotonic_ns() - begun) / calls, 3))
    print(json.dumps({"language": "Python", "what": what, "calls": calls, "ns": taken}))


def main() -> None:
    calls, repeats = (int(word) for word in sys.argv[1:3])
    with (
        Election("cost", url="memory:") as leader,
        Election("cost", url="memory:", candidate=False) as follower,
        leader.lead(timeout=10),
    ):
        assert leader.is_leader()
        assert not follower.is_leader()
        row("is_leader(), leading", ask, leader, calls, repeats)
        row("is_leader(), following", ask, follower, calls, repeats)
        row("the loop alone", nothing, leader, calls, repeats)


main()
