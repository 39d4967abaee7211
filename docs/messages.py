"""The messages that the pages show, as the agent's own services say them, with a clock that stands still."""  # noqa: INP001 - a script, in no package

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from edge_agent.config.model import Outbox as OutboxTable
from edge_agent.core.clock import Instant
from edge_agent.core.command import DeskMessage
from edge_agent.core.consent import Consent
from edge_agent.core.event import Event, Lane
from edge_agent.core.finding import Severity
from edge_agent.core.gesture import Gesture, Touch
from edge_agent.core.mayday_timers import Timers
from edge_agent.core.notices import GROUP_S
from edge_agent.core.reading import Channel, Reading
from edge_agent.core.recorder import Recorder
from edge_agent.core.wire import ROOT
from edge_agent.services.case_work import Surroundings
from edge_agent.services.desk_words import QUESTION
from edge_agent.services.events import EventMaker
from edge_agent.services.frames import Frames
from edge_agent.services.mayday import Help
from edge_agent.services.post import Post
from edge_agent.services.register import Register
from edge_agent.services.sampling import BlockLimits, Sampling, Told
from edge_agent.services.telling import Telling
from edge_agent.services.watch import CheckSetting
from edge_agent.store.outbox import Outbox
from edge_agent.texts import texts
from edge_agent.uplink.presence import Presence

GATEWAY = "gw-example"
NOW = Instant(5000.0, "5f1b6c1e-9a55-4a4f-b3a0-7d2f8b8f2c11", 1_790_000_000.0, True)
LIMITS = {"min": 0.8, "max": 2.7, "hysteresis": 0.1, "per_s": None, "window_s": None}


class _Clock:
    def now(self) -> Instant:
        return NOW


class _Link:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Mapping[str, str], bytes]] = []

    async def publish(self, topic: str, payload: bytes, told: Mapping[str, str], **_more: object) -> None:
        self.said.append((topic, told, payload))


async def _ended(task: asyncio.Future[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task


def _context() -> dict[str, Any]:
    """What the agent of a home adds to a first message (app.Agent._context)."""
    return {
        "gateway": GATEWAY,
        "site": "12 Mill Lane",
        "product": "heating and power",
        "location": "cupboard under the stairs",
        "contact": "ring the door bell first",
        "language": "en",
        "agent": "0.1.0",
        "uptime_s": 3600.0,
        "queue": 0,
        "path": "mqtt over eth0",
        "power": "mains",
        "tried": [{"what": "test", "how": "passed", "ago_s": 40120}],
        "consent": ["findings", "help_ready", "telemetry"],
        "findings": [
            {
                "channel": "boiler.pressure",
                "kind": "range",
                "sentence": "Boiler pressure is 0.75 bar; it should be at least 0.8 bar.",
                "frame": bytes.fromhex("01a0c4506c0072718c83869ecb793fa1"),
            }
        ],
    }


ASKED = {"question": "q1", "text": "Is everybody well?", "kind": "yes_no", "expires_s": 300, "purpose": ""}
LATE = ASKED | {"question": "q2", "text": "What is it?", "kind": "options", "options": ["fire", "water", "fall"]}
PROGRESS = {"text": "Somebody will call you.", "next_word_wall": int(NOW.wall) + 1200}


async def _talk(service: Help) -> None:
    """What a household, a rule and the desk say in a case; the second question was under way for too long."""
    service.say("The key is under the mat.")
    service.trigger("flood", "There is water on the cellar floor.", 30.0, False)
    case = service.case
    for number, (data, issued) in enumerate(((ASKED, NOW.wall), (LATE, NOW.wall - 600.0))):
        service.heard(DeskMessage(f"m{number}", QUESTION, issued, case and case.id, data))
    async with asyncio.timeout(10.0):
        while not (service.case and service.case.question):  # noqa: ASYNC110 - a thread writes
            await asyncio.sleep(0.01)
    service.answer("", "yes", "button")


async def help_events() -> list[Event]:
    """What the help service says of a press, a nudge and a talk, by way of the real store."""
    keep = lambda _: asyncio.sleep(0)  # noqa: E731
    around = Surroundings(_context, lambda: True, lambda _: None, lambda: None, keep, lambda: None)
    with TemporaryDirectory() as folder:
        outbox = Outbox(Path(folder), OutboxTable())
        service = Help(_Clock(), outbox.requests, EventMaker(_Clock()), Timers(), around)
        service.touch(Gesture(Touch.HELD, NOW.monotonic))
        service.touch(Gesture(Touch.HELD, NOW.monotonic))  # a second hold goes over the cancel window
        service.touch(Gesture(Touch.PRESSES, NOW.monotonic, 1))
        running = asyncio.ensure_future(service.run(lambda: None))
        async with asyncio.timeout(10.0):
            while len(outbox.requests.pending(0, 10)) < 2:  # noqa: ASYNC110 - a thread writes
                await asyncio.sleep(0.01)
            await _talk(service)
            while len(said := outbox.requests.pending(0, 10)) < 6:  # noqa: ASYNC110 - a thread writes
                await asyncio.sleep(0.01)
        await _ended(running)
        outbox.close()
    return list(said)


async def sampled_events() -> list[Event]:
    """A finding, what a person is told of it, and a block of readings."""
    said: list[Event] = []

    def append(event: Event) -> Event:
        number = sum(earlier.lane is event.lane for earlier in said) + 1
        said.append(event.with_sequence(number))
        return said[-1]

    async def commit(_lane: Lane) -> None:
        pass

    check = CheckSetting("boiler.pressure", "range", LIMITS, 0.0, 0.0, Severity.WARNING)
    register, post = Register(_Clock()), Post(append, lambda _: None, commit)
    sampling = Sampling(
        _Clock(),
        EventMaker(_Clock()),
        post,
        BlockLimits(10.0, 500, 10.0),
        (check,),
        Recorder(300.0),
        lambda _: True,
        Told(lambda _: None, ()),
        register,
    )
    frames = Frames(_Clock(), lambda: sampling.recorder, register)
    telling = Telling(_Clock(), EventMaker(_Clock()), post, register, frames, texts("en"), lambda _: True)
    register.told.append(telling.see)
    pressure, burner = Channel("boiler.pressure", "bar"), Channel("boiler.burner")
    for at, value in ((4997.0, 0.82), (4998.0, 0.81), (4999.0, 0.75)):
        sampling.deliver(Reading(pressure, value, at))
    sampling.deliver(Reading(burner, None, 4999.0, "not a number"))
    telling.tick(NOW._replace(monotonic=NOW.monotonic + GROUP_S))
    await sampling.finish()
    return said


async def presence() -> list[tuple[str, Mapping[str, str], bytes]]:
    """Presence, birth and heartbeat: topic, attributes and payload."""
    link = _Link()
    consent = Consent(frozenset(("findings", "help_ready", "telemetry")))
    told = Presence(
        GATEWAY, ROOT, clock=_Clock(), consent=lambda: consent, heartbeat_s=0.02, version="0.1.0", site="12 Mill Lane"
    )
    told.up(link)  # type: ignore[arg-type]
    running = asyncio.ensure_future(told.run())
    async with asyncio.timeout(10.0):
        while len(link.said) < 3:  # noqa: ASYNC110 - the second waits for its time
            await asyncio.sleep(0.01)
    await _ended(running)
    return link.said[:3]
