"""A leader that publishes how fast to go, and members that report to it: two of them, here."""

import os

from interrex import Election

url = os.environ.get("INTERREX_URL", "local:")
with (
    Election("crawl", url=url, meta={"site": "north"}) as leader,
    Election("crawl", url=url, meta={"site": "south"}, candidate=False) as worker,
    leader.lead(),
):
    leader.publish({"pages_per_second": 5})  # durable now; the next leader inherits it
    settings = next(event.value for event in worker.events() if event.kind == "value")

    reports = leader.events()
    worker.send("leader", {"done": 120, "at": settings["pages_per_second"]})
    report = next(event for event in reports if event.kind == "message")
    sites = {member.id: member.meta["site"] for member in leader.members()}
    print(f"{sites[report.from_id]}: {report.data['done']} pages done")
