"""One job among all instances: whoever leads does it, under a deadline and with a fencing token."""

import os

from interrex import Election

url = os.environ.get("INTERREX_URL", "local:")
with Election("job", url=url) as election, election.lead() as leadership:  # waits its turn
    total = sum(number for number in range(11) if leadership.check(need=0.2))
    print(f"term {leadership.term}: the sum is {total}")
