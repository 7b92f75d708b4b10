"""One of the two Python processes: whichever leads their election writes the report.

Each line of the report is the term it was written under, the writer, and how many jobs were
finished. A second thread writes down when this process believed to lead, as the producers do.
"""

import json
import os
import signal
import socket
import sys
import threading
import time

from interrex import Election, LeadershipLost

LABEL = os.environ["DEMO_LABEL"]
PORT = int(os.environ["DEMO_PORT"])
ELECTION = os.environ["DEMO_ELECTION"]
WRITE_EVERY = 0.1
SAMPLE_EVERY = 0.002


def report(**message):
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


class Belief:
    """When this process believed to lead: see src/belief.ts, whose notes have the same form."""

    def __init__(self, election):
        self.election = election
        self.leadership = None
        self.open = None
        self.lock = threading.Lock()
        self.file = open(os.environ["DEMO_BELIEFS"], "a", buffering=1)

    def watch(self):
        while True:
            self.sample()
            time.sleep(SAMPLE_EVERY)

    def sample(self):
        with self.lock:
            now = time.monotonic_ns()
            leadership = self.leadership
            believes = self.election.is_leader() or (leadership is not None and leadership.check())
            # The term tells one belief from the next; whether it is one, the check alone says.
            token = self.election.token
            term = token.term if token else self.open["term"] if self.open else 0
            if self.open and (not believes or term != self.open["term"]):
                self.close(now)
            if not believes:
                return
            if self.open is None:
                self.open = {"from": now, "to": now, "leftNs": 0, "term": term}
                self.note({"from": now, "term": term})
                report(kind="leads", leads=True, term=term)
            self.open["to"] = now
            left = leadership.remaining() if leadership and leadership.term == term else 0.0
            self.open["leftNs"] = int(min(left, 600.0) * 1e9)

    def close(self, now):
        self.note({**self.open, "next": now})
        report(kind="leads", leads=False, term=self.open["term"])
        self.open = None

    def note(self, what):
        self.file.write(json.dumps({key: str(value) for key, value in what.items()}) + "\n")


def finished(connection):
    """How many jobs the workers have finished."""
    connection.sendall(b"XLEN demo:finished\r\n")
    return int(connection.makefile().readline()[1:])


def write_report(leadership, connection):
    while leadership.check(need=0.2):
        with open(os.environ["DEMO_REPORT"], "a") as file:
            file.write(f"{leadership.term} {LABEL} {finished(connection)}\n")
        time.sleep(WRITE_EVERY)


def end_with_parent():
    sys.stdin.read()
    os._exit(1)


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    threading.Thread(target=end_with_parent, daemon=True).start()
    connection = socket.create_connection(("127.0.0.1", PORT))
    election = Election(ELECTION, url=f"redis://127.0.0.1:{PORT}", label=LABEL)
    belief = Belief(election)
    try:
        with election:
            threading.Thread(target=belief.watch, daemon=True).start()
            report(kind="ready")
            while True:
                try:
                    with election.lead() as leadership:
                        belief.leadership = leadership
                        belief.sample()
                        write_report(leadership, connection)
                except LeadershipLost as lost:
                    report(kind="says", text=f"leads no longer: {lost.reason}")
    finally:
        belief.sample()


main()
