"""Work that may hang in the kernel, in a thread of its own.

asyncio's pool has few threads, and connecting to the service needs one of them: what hangs there, hangs all.
"""

import asyncio
import threading
from collections.abc import Callable
from typing import Any


async def in_thread(run: Callable[[], Any]) -> Any:
    """What `run` gives, from a thread that nobody has to wait for: asyncio's own pool would, at the end."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def tell(give: Callable[[Any], None], what: Any) -> None:
        if not done.done():
            give(what)

    def body() -> None:
        try:
            give, what = done.set_result, run()
        except Exception as error:  # noqa: BLE001 - it is raised again where it was asked for
            give, what = done.set_exception, error
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, give, what)

    threading.Thread(target=body, name="apart", daemon=True).start()
    return await done
