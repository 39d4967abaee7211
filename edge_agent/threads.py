"""Work that may hang in the kernel, in a thread of its own.

asyncio's pool has few threads, and connecting to the service needs one of them: what hangs there, hangs all. So it is
left to those who connect; who writes a small file to a card does it here.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any, TypeVar

Given = TypeVar("Given")


async def in_thread(run: Callable[[], Given]) -> Given:
    """What `run` gives, from a thread that nobody has to wait for: asyncio's own pool would, at the end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Given] = loop.create_future()

    def tell(give: Callable[[Any], None], what: object) -> None:
        if not done.done():
            give(what)

    def body() -> None:
        give: Callable[[Any], None] = done.set_result
        what: object
        try:
            what = run()
        except Exception as error:  # noqa: BLE001 - it is raised again where it was asked for
            give, what = done.set_exception, error
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, give, what)

    threading.Thread(target=body, name="apart", daemon=True).start()
    return await done
