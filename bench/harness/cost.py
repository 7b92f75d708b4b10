"""What asking costs: nanoseconds per isLeader(), over whole loops, nothing subtracted."""

from __future__ import annotations

import json
import subprocess

from harness.failover import BENCH, COMMANDS
from harness.results import Results, percentile, text

PROGRAMS = {
    "C": ([str(BENCH.parent / "build/bench/call_cost")], 10_000_000),
    "Node": (["node", str(BENCH / "node/call_cost.js")], 1_000_000),
    "Python": ([COMMANDS["Python"][0], str(BENCH / "python/call_cost.py")], 1_000_000),
}
REPEATS = 21


def run(quick: bool, results: Results) -> None:
    rows = []
    for program, calls in PROGRAMS.values():
        command = [*program, str(calls // 10 if quick else calls), str(REPEATS)]
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
        for line in output.splitlines():
            measured = json.loads(line)
            results.round(section="cost", **measured)
            values = [text(percentile(measured["ns"], share)) for share in (0, 0.5, 1)]
            rows.append([f"{measured['language']}: {measured['what']}", measured["calls"], *values])
    columns = ["call", f"calls a loop, {REPEATS} loops", "min ns", "median", "max"]
    results.table("Cost of asking, nanoseconds a call", columns, rows)
