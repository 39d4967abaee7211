"""Every kind of lamp on the simulated header: what the arbiter says is what the lines show, read back from them."""

import asyncio
import time
from itertools import pairwise

import pytest

from edge_agent.config.model import GpioOut
from edge_agent.core.lamp import PATTERNS, Shown
from edge_agent.drivers.indicators import Output
from edge_agent.services.indicator import Arbiter
from simulators.rhythms import DARK, LIT, decoded
from simulators.world import COLOURS
from tests.edges.simulators.waiting import until

RED, GREEN, BLUE, ONE, BUZZER = 5, 6, 13, 19, 26
LATE_S = 0.1
KINDS = {
    "one colour": {"line": ONE},
    "one colour, lit by low": {"line": ONE, "active": "low"},
    "two colours": {"red": RED, "green": GREEN},
    "three colours": {"red": RED, "green": GREEN, "blue": BLUE},
    "three colours, lit by low": {"red": RED, "green": GREEN, "blue": BLUE, "active": "low"},
}
# Long enough for each to be no other.
SHOWN_S = {Shown.QUEUED: 2.1, Shown.QUESTION: 2.4}


def seen(board, wiring, begun):
    """What the lamp showed as a whole: (at, colour) of each change."""
    lit = 0.0 if wiring.get("active") == "low" else 1.0
    names = [name for name in ("line", "red", "green", "blue") if name in wiring]
    events = sorted((shown.at, name, shown.level == lit) for name in names for shown in board.history(wiring[name]))
    now, changes = dict.fromkeys(names, False), []
    for at, name, on in events:
        now[name] = on
        colour = (
            LIT if now.get("line") else COLOURS[now.get("red", False), now.get("green", False), now.get("blue", False)]
        )
        if changes and at - changes[-1][0] < 0.01:
            changes.pop()  # the lines of a colour change one after the other
        if at >= begun and (not changes or changes[-1][1] != colour):
            changes.append((at, colour))
    return [(begun - 10.0, DARK), *changes]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_lamp_of_this_kind_says_what_the_arbiter_says(board, factory, kind):
    wiring = KINDS[kind]
    lamp = Output("lamp", GpioOut(**wiring))
    await asyncio.to_thread(lamp.open, factory)
    room, begun = Arbiter([lamp], [], lambda _: None), time.monotonic()
    for what, lasts_s in SHOWN_S.items():
        room.show(what)
        await asyncio.sleep(lasts_s)
    room.dark()
    await asyncio.sleep(0.05)
    changes = seen(board, wiring, begun)
    colours = {colour for _, colour in changes} - {DARK}
    if kind.startswith("one"):
        assert colours == {LIT}
    elif kind.startswith("two"):
        assert colours == {"amber"}, "blue is shown with what there is"
    else:
        assert colours == {"amber", "blue"}
    rhythm = [(at, DARK if colour == DARK else LIT) for at, colour in changes]
    told = [row.shown for row in decoded(rhythm, changes[-1][0], LATE_S) if row.shown]
    assert told == list(SHOWN_S), changes


async def test_a_buzzer_sounds_as_the_row_says(board, factory):
    buzzer = Output("buzzer", GpioOut(line=BUZZER))
    await asyncio.to_thread(buzzer.open, factory)
    room = Arbiter([], [buzzer], lambda _: None)
    room.show(Shown.RECEIVED)
    await until(lambda: len(board.history(BUZZER)) == 4)
    times = [shown.at for shown in board.history(BUZZER)]
    lasted = [(after - at) * 1000 for at, after in pairwise(times)]
    for found, meant in zip(lasted, PATTERNS[Shown.RECEIVED].tone.beeps_ms, strict=False):
        assert meant - 15 < found < meant + 120
    room.dark()


async def test_the_first_answer_to_a_finger_is_on_the_line_within_a_tenth_of_a_second(board, factory):
    lamp = Output("lamp", GpioOut(line=ONE))
    await asyncio.to_thread(lamp.open, factory)
    room = Arbiter([lamp], [], lambda _: None)
    room.show(Shown.READY)
    await asyncio.sleep(0.2)
    begun = time.monotonic()
    room.show(Shown.HOLD)
    await until(lambda: board.history(ONE)[-1].level == 1.0)
    assert board.history(ONE)[-1].at - begun < 0.1
    room.dark()
