"""The host's side of a gateway in a guest: a mosquitto and a desk, in a thread of their own."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

from simulators.broker import Broker
from simulators.desk.desk import Desk
from simulators.desk.news import News
from simulators.desk.policy import Policy

BROKER_PORT = 1883
# A guest shares the host with whatever else runs there: deadlines are for what hangs, and figures are reported.
PATIENCE = 5.0
Some = TypeVar("Some")


class Service:
    """The host's side, in a thread of its own: a mosquitto, a desk, and what came there. Made by `service`."""

    def __init__(self, loop: asyncio.AbstractEventLoop, policy: Policy) -> None:
        self.news: list[News] = []
        self._loop = loop
        self._policy = policy

    @property
    def forward(self) -> dict[int, int]:
        """What a Machine must let the guest reach."""
        return {BROKER_PORT: self._broker.port}

    def ask(self, question: Callable[[Desk], Some]) -> Some:
        """Ask the desk in its own thread."""

        async def answer() -> Some:
            return question(self._desk)

        return self.do(answer())

    def do(self, work: Coroutine[Any, Any, Some]) -> Some:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30.0)

    async def open(self) -> None:
        self._broker = Broker.find("mosquitto")
        await self._broker.__aenter__()
        self._desk = Desk("127.0.0.1", self._broker.port, policy=self._policy, name="vm", tell=self.news.append)
        self._running = asyncio.create_task(self._desk.run())
        await asyncio.wait_for(self._desk.ready.wait(), 10.0)

    async def close(self) -> None:
        self._running.cancel()
        with suppress(asyncio.CancelledError):
            await self._running
        self._desk.close()
        await self._broker.__aexit__(None, None, None)


@contextmanager
def service(policy: Policy) -> Iterator[Service]:
    """A broker and a desk, running while this is entered."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="service", daemon=True)
    thread.start()
    made = Service(loop, policy)
    try:
        made.do(made.open())
        try:
            yield made
        finally:
            made.do(made.close())
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def until(true: Callable[[], bool], seconds: float, what: str) -> None:
    """Look again and again until it is so, which takes `seconds` at most on a quiet host. Raises AssertionError."""
    ends = time.monotonic() + PATIENCE * seconds
    while not true():
        assert time.monotonic() < ends, f"not within {PATIENCE * seconds:g} s: {what}"
        time.sleep(0.05)
