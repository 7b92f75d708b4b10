"""The same with asyncio: the block is cancelled if the leadership ends before it."""

import asyncio
import os

from interrex import aio


async def main() -> None:
    url = os.environ.get("INTERREX_URL", "local:")
    async with aio.Election("job", url=url) as election, election.lead() as leadership:
        await asyncio.sleep(0.1)
        print(f"term {leadership.term}: done as {election.id}")


asyncio.run(main())
