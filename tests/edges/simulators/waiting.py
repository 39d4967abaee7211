"""Waiting for what another process or thread does."""

import asyncio


async def until(condition, timeout_s=3.0):
    """Return as soon as `condition()` is true, looking every few milliseconds; TimeoutError when it never is."""
    async with asyncio.timeout(timeout_s):
        while not condition():  # noqa: ASYNC110  # the other side is no coroutine of ours
            await asyncio.sleep(0.005)
