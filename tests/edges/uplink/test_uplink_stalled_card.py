"""A memory card that stalls holds up whoever writes to it, and nobody who connects."""

import ast
import asyncio
import threading

import pytest
from helpers_uplink import Peer, running, until

from edge_agent.core.checks.learned import Learned
from edge_agent.services.lessons import Lessons
from edge_agent.systemclock import SystemClock
from edge_agent.threads import in_thread
from tests.sources import sources

# Who connects, or reads what a connection needs.
CONNECTING = {"uplink/client.py", "uplink/channels/https.py"}
# More than asyncio's pool has threads on any machine (concurrent.futures: 32).
WRITERS = 40


@pytest.fixture
def card():
    """Set it and the card goes on."""
    goes_on = threading.Event()
    yield goes_on
    goes_on.set()


async def test_while_the_card_takes_nothing_a_connection_is_made_at_once(card, new_broker):
    stalled = threading.Semaphore(0)

    def save(_) -> None:
        stalled.release()
        card.wait(30.0)

    def writer() -> Lessons:
        lessons = Lessons(SystemClock(), {}, save)
        lessons.begin("pump.power:learned", Learned("pump.power"))
        return lessons

    writers = [writer().keep() for _ in range(WRITERS)]
    peer = Peer(new_broker().port)
    async with running(*writers):
        for _ in range(WRITERS):
            assert await in_thread(lambda: stalled.acquire(timeout=5.0)), "the card is being written to"
        async with running(peer.uplink.run()):
            await until(lambda: peer.uplink.connected)


def test_what_hangs_keeps_nobody_from_stopping(card):
    async def agent() -> None:
        writing = asyncio.ensure_future(in_thread(lambda: card.wait(30.0)))
        await asyncio.sleep(0.05)
        writing.cancel()

    ended = threading.Thread(target=lambda: asyncio.run(agent()))
    ended.start()
    ended.join(5.0)
    assert not ended.is_alive(), "asyncio waits for its own pool at the end"


def test_the_pool_of_asyncio_is_left_to_those_who_connect():
    found = set()
    for file, source in sources():
        if file.parts[0] == "console":  # the page is a process of its own
            continue
        for node in ast.walk(source):
            if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
                continue
            usual = node.func.attr == "run_in_executor" and getattr(node.args[0], "value", "") is None
            if usual or node.func.attr == "to_thread":
                found.add(str(file))
    assert found == CONNECTING
