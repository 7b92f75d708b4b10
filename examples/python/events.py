"""What happens in an election, until nothing has happened for a second."""

import os

from interrex import Election

with Election("watched", url=os.environ.get("INTERREX_URL", "local:")) as election:
    for event in election.events(timeout=1.0):
        print(event.kind, event.token or event.leader or event.role or event.error or "")
    for member in election.members():
        print(member.label, member.role)
