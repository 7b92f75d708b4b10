"""A function that every instance calls and only the leader runs."""

import os

from interrex import Election

with Election("report", url=os.environ.get("INTERREX_URL", "local:")) as election:

    @election.leader_only(otherwise="somebody else writes it")
    def write_report() -> str:
        return f"written under the fencing token {election.token}"

    next(event for event in election.events() if event.kind == "leader")  # somebody leads
    print(write_report())
