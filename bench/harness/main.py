"""The order of a run: what must be measured in quiet first, what can share the machine together."""

from __future__ import annotations

import os
import signal
import time

from harness import cost, failover, load, peers, postgres_load
from harness.failover import BENCH
from harness.results import Results

SECTIONS = ("cost", "kills", "peers", "stops", "steady", "scale", "wear")


def main(sections: list[str], quick: bool) -> None:
    unknown = set(sections) - set(SECTIONS)
    if unknown:
        raise SystemExit(f"bench: no section {', '.join(unknown)}; there are {', '.join(SECTIONS)}")
    wanted = sections or SECTIONS
    # Ends by exception, so that servers and members are stopped on the way out.
    signal.signal(signal.SIGTERM, lambda *_: exit(143))
    results = Results(BENCH.parent / "build/bench-results")
    begun = time.monotonic()
    busy = f"load average {os.getloadavg()[0]:.1f} at the start"
    results.say(f"{'Short' if quick else 'Full'} run on {load.machine()}, {busy}.\n")
    if "cost" in wanted:
        cost.run(quick, results)
    if "kills" in wanted:
        heading = "Fail-over: signal to the next isLeader() that is true, ms"
        failover.run(failover.KILLS, heading, quick, results)

    # A time-out of seconds and counters of a server of its own do not mind company.
    def beside() -> None:
        if "stops" in wanted:
            heading = "A leader that is stopped: SIGSTOP to the next isLeader() that is true, ms"
            failover.run(failover.STOPS, heading, quick, results)
        if "steady" in wanted:
            load.steady(quick, results)
            postgres_load.steady(quick, results)

    if "peers" in wanted:
        peers.run(quick, results, beside)
    else:
        beside()
    if "scale" in wanted:
        load.scale(quick, results)
    if "wear" in wanted:
        postgres_load.wears(quick, results)
    minutes = (time.monotonic() - begun) / 60
    results.say(f"Took {minutes:.0f} minutes; load average {os.getloadavg()[0]:.1f} at the end.")
    results.close()
