"""Opens the store that a life left behind and compares it with what the life's board says was promised."""

import asyncio
from collections.abc import Iterable, Sequence
from pathlib import Path

from edge_agent.core.event import Lane
from edge_agent.core.request import State
from edge_agent.store.outbox import Outbox
from tests.torture.board import Record, Said
from tests.torture.writer import LANES, SETTINGS, STEPS, made

EVERYTHING = 1_000_000


def broken_promises(folder: Path, records: Sequence[Record], *, torn: bool = False) -> list[str]:
    """Open `folder` as a restart would; what is not as promised, a line each. Changes the folder.

    `torn`: the last commit, of which nothing was promised, may be half there, and what of it is missing is declared.
    """
    return asyncio.run(_broken(folder, records, torn=torn))


async def _broken(folder: Path, records: Sequence[Record], *, torn: bool) -> list[str]:
    outbox = Outbox(folder / "outbox", SETTINGS)
    wrong = [] if torn else [f"problem at start: {problem}" for problem in outbox.problems]
    for request in await outbox.requests.load():
        outbox.requests.resend(request.id)  # all that nobody acknowledged
    for index, lane in enumerate(LANES):
        wrong += _lane(outbox, lane, [r for r in records if r.lane == index])
    wrong += await _cases(outbox, records)
    remembered = {r.number for r in records if r.said is Said.REMEMBERED}
    wrong += [f"forgotten by the replay store: {n}" for n in remembered if not outbox.ledger.seen(str(n))]
    outbox.close()
    return wrong


def _lane(outbox: Outbox, lane: Lane, records: Iterable[Record]) -> list[str]:
    spool = outbox.spool(lane)
    events = spool.pending(0, EVERYTHING)
    numbers = [int.from_bytes(event.id, "big") for event in events]
    sequences = [event.sequence for event in events]
    wrong = []
    if len(set(numbers)) != len(numbers) or sequences != sorted(set(sequences)):
        wrong.append(f"{lane}: duplicates or disorder")
    for event, number in zip(events, numbers, strict=True):
        if event != made(lane, number).with_sequence(event.sequence):
            wrong.append(f"{lane}: event {event.sequence} is not what was written")
    held = dict(zip(numbers, sequences, strict=True))
    gone, dropped, promised = set(), set(), {}
    lost = {s for first, last in outbox.losses().get(lane, []) for s in range(first, last + 1)}
    for record in records:
        if record.said is Said.RELEASED:
            gone.add(record.number)
            dropped.add(record.extra)
        elif record.said is Said.DROPPED:
            dropped.update(range(record.number, record.extra + 1))
        elif record.said is Said.COMMITTED:
            promised[record.number] = record.extra
    for number, sequence in promised.items():
        if number in held and held[number] != sequence:
            wrong.append(f"{lane}: event {number} was promised as {sequence} and is {held[number]}")
        elif number not in held and number not in gone and (sequence not in dropped or sequence in lost):
            wrong.append(f"{lane}: event {number}, sequence {sequence}, was promised and is lost")
    if lane is not Lane.HELP:
        after = spool.append(made(lane, 1)).sequence
        missing = set(range(1, after)) - set(sequences) - dropped - lost
        if missing:
            wrong.append(f"{lane}: undeclared gap {sorted(missing)[:5]} below {after}")
        if promised and after <= max(promised.values()):
            wrong.append(f"{lane}: sequence {after} is given twice")
    return wrong


async def _cases(outbox: Outbox, records: Iterable[Record]) -> list[str]:
    loaded = {int.from_bytes(request.id, "big"): request.state for request in await outbox.requests.load()}
    saved: dict[int, int] = {}
    tried: dict[int, int] = {}
    for record in records:
        if record.said is Said.CASE_SAVED:
            saved[record.number] = record.extra
        elif record.said is Said.CASE_TRIED:
            tried[record.number] = record.extra
    wrong = []
    for number, step in saved.items():
        state = loaded.get(number)
        if state is None and STEPS[tried[number]] is not State.RESOLVED:
            wrong.append(f"case {number} was recorded and is lost")
        elif state is not None and not step <= STEPS.index(state) <= tried[number]:
            wrong.append(f"case {number} was recorded as {STEPS[step]} and is {state}")
    return wrong
