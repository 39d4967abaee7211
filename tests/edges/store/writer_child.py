"""Writes to an outbox until it is killed, and says on stdout what is committed. Run by test_kill.py.

For every line on stdin another process is forked, so that twenty of them cost one start of Python. It says its pid,
then a line for each commit; when it was killed, its parent says `dead`.
"""

import asyncio
import os
import sys
from pathlib import Path

from edge_agent.config import model
from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.core.request import HelpRequest, State, Trigger
from edge_agent.store.outbox import Outbox


def made(lane: Lane, number: int) -> Event:
    kind = {Lane.HELP: EventKind.HELP, Lane.FINDING: EventKind.FINDING}.get(lane, EventKind.TELEMETRY)
    ident = number.to_bytes(16, "big")
    return Event(ident, kind, "t", "s", float(number), "b", ident * (number % 100))


async def main(folder: Path) -> None:
    outbox = Outbox(folder, model.Outbox(segment_kb=16))
    numbers = {spool.lane: spool.append(made(spool.lane, 0)).sequence for spool in outbox.lanes()}
    while True:
        for lane in (Lane.TELEMETRY, Lane.FINDING):
            for _ in range(7):
                numbers[lane] += 1
                outbox.append(made(lane, numbers[lane]))
        for event in outbox.spool(Lane.TELEMETRY).pending(0, 5):
            outbox.spool(Lane.TELEMETRY).release(event)
        await asyncio.gather(outbox.commit(Lane.TELEMETRY), outbox.commit(Lane.FINDING))
        numbers[Lane.HELP] += 1
        event = made(Lane.HELP, numbers[Lane.HELP])
        case = HelpRequest(b"case", "2222", Trigger.MANUAL, State.RAISED, 0.0, "b", 0.0, clock_trusted=False)
        await outbox.requests.save(case, [event])
        say(" ".join(str(numbers[lane]) for lane in (Lane.HELP, Lane.FINDING, Lane.TELEMETRY)) + " committed")


def one_life(folder: Path) -> None:
    pid = os.fork()
    if pid == 0:
        say(f"{os.getpid()}")
        asyncio.run(main(folder))
    os.waitpid(pid, 0)
    say("\ndead")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    for _ in sys.stdin:
        one_life(Path(sys.argv[1]))
