"""A process that takes part in an election and tells its parent what it sees and when.

It is bench/member.c in Python: ``member.py URL NAME``. It ends when its stdin does.
"""

import os
import sys
import threading
import time

from interrex import Election


def say(*words: object) -> None:
    os.write(1, ("@" + " ".join(map(str, words)) + "\n").encode())


def answer(election: Election) -> None:
    while questions := os.read(0, 64):
        for _ in range(questions.count(b"?")):
            leading = int(election.is_leader())
            say("answer", time.monotonic_ns(), leading)
    os._exit(0)


def main() -> None:
    url, name = sys.argv[1:3]
    election = Election(name, url=url)
    events = election.events()
    threading.Thread(target=answer, args=(election,), daemon=True).start()
    threading.Thread(target=election.start, daemon=True).start()
    for event in events:
        at = time.monotonic_ns()
        match event.kind:
            case "started":
                say("started")
            case "elected":
                say("leader" if election.is_leader() else "elected-only", at, 0)
            case "defeated":
                say("defeated", at, 0, event.reason)
            case "warning" | "error":
                say("trouble", at, event.error)


main()
