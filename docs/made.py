"""Writes the parts of the documentation that the code itself makes: the lamp table and the examples of the wire.

    .venv/bin/python -m docs.made

A part stands between `<!-- made: NAME -->` and `<!-- end -->`; a test holds every part to the code. What is shown was
said by the agent's own services, with a clock that stands still.
"""  # noqa: INP001 - a script, in no package

import asyncio
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from zlib import decompress

from msgspec import inspect
from nacl.signing import SigningKey
from structlog.testing import capture_logs

from docs.card import card, table
from docs.compact import call, word
from docs.manual import manual
from docs.states import picture
from docs.states import table as states_table
from docs.states import timers as state_timers
from edge_agent.config.model import Help as HelpTable
from edge_agent.config.model import Outbox as OutboxTable
from edge_agent.control.openapi import description
from edge_agent.core.clock import Instant
from edge_agent.core.command import DeskMessage
from edge_agent.core.consent import PURPOSES, Consent
from edge_agent.core.event import Event, EventKind, Lane
from edge_agent.core.finding import Severity
from edge_agent.core.gesture import Gesture, Touch
from edge_agent.core.ids import uuid7, uuid_text
from edge_agent.core.lamp import PATTERNS, Pattern, Tone, steady
from edge_agent.core.mayday_timers import Timers
from edge_agent.core.notices import GROUP_S
from edge_agent.core.reading import Channel, Reading
from edge_agent.core.recorder import Recorder
from edge_agent.core.wire import ROOT, attributes, down_topic, open_envelope, unpack, up_topic
from edge_agent.playbook import schema_text
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
from edge_agent.texts import languages, texts
from edge_agent.uplink.presence import Presence
from firmware_bridges.registry import LANGUAGES, language
from simulators.desk.keys import DeskKey
from simulators.models import KINDS, options_of

FOLDER = Path(__file__).parent
SCHEMA = FOLDER.parent / "config" / "playbooks" / "playbook.schema.json"
GATEWAY = "gw-example"
NOW = Instant(5000.0, "5f1b6c1e-9a55-4a4f-b3a0-7d2f8b8f2c11", 1_790_000_000.0, True)
PART = re.compile(r"(<!-- made: ([\w -]+) -->\n).*?(<!-- end -->)", re.DOTALL)
LIMITS = {"min": 0.8, "max": 2.7, "hysteresis": 0.1, "per_s": None, "window_s": None}
# A minute of that boiler, deflated: given, not made, for another deflater may find other bytes.
DEFLATED = bytes.fromhex(
    "9202c45c789c9b3c757d527e664e6a915e41516a71716951eae2a4c4a2a5e989a5e9a99318ce0a77cc650a624080a9dba1aa"
    "d372f2cbe34b52730b528b124b40ba9c53739075319e654a47d6b713aaaf2815a83a0f9f4e0603247d00dbf9352e"
)
REQUEST = "01a0c450-6c00-773e-8d8f-ab5f5bdb99ec"
CASE = "XC5WNMX9"
FINDING = "01a0c4506c0072718c83869ecb793fa1"
KEY = DeskKey(SigningKey(bytes(range(32))), "main")


# What each key of [help] is, and where its range is from.
TIMERS = {
    "debounce_ms": ("a contact counts when it is stable for this long", "practice"),
    "hold_s": ("hold the button this long to ask for help", "distress buttons at sea (IMO)"),
    "cancel_window_s": ("two presses that begin within this time take it back", "false triggers of eCall"),
    "ack_wait_s": ("the desk has this long to acknowledge before it is sent again", "eCall: 5 s and 20 s"),
    "queued_after_s": ("without an answer of the broker for this long, the lamp says so", "ours"),
    "burst_resends": ("it is sent again after each such wait, at most so many times", "social alarms, eCall"),
    "burst_s": ("and for at most this long", "social alarms, eCall"),
    "slow_resend_s": (
        "then it is sent again this often, an eighth more or less",
        "distress calls at sea (DSC), ERA-GLONASS",
    ),
    "slow_for_s": ("until it is this old", "ours"),
    "rare_resend_s": ("and then this often for ever, a tenth more or less", "ours"),
    "fallback_after_s": (
        "without an acknowledgement for this long, other channels are tried",
        "eCall's limit of redialling",
    ),
    "fallback_queued_s": ("without a connection, after this long", "ours"),
    "reopen_s": ("a hold within this time of the end opens the same case again", "the hour of eCall's call-back"),
    "stuck_s": ("a button that is down for this long is a fault, and no second request", "practice"),
    "silence_s": ("an open case without a word for this long: the desk is asked", "ours"),
    "recorder_s": ("readings kept in memory, for freeze frames, and for evidence", "ours"),
    "after_s": ("so much later the readings since then go as evidence", "ours"),
    "test_every_s": ("the way to the desk is tested at least this often", "UL, lift alarms (EN 81-28): 72 h"),
    "test_wait_s": ("a test waits for the desk's answer for this long, and is sent three times", "ours"),
}


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


async def _help_events() -> list[Event]:
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


async def _sampled_events() -> list[Event]:
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


async def _presence() -> list[tuple[str, Mapping[str, str], bytes]]:
    link = _Link()
    consent = Consent(frozenset(("findings", "help_ready", "telemetry")))
    presence = Presence(
        GATEWAY, ROOT, clock=_Clock(), consent=lambda: consent, heartbeat_s=0.02, version="0.1.0", site="12 Mill Lane"
    )
    presence.up(link)  # type: ignore[arg-type]
    running = asyncio.ensure_future(presence.run())
    async with asyncio.timeout(10.0):
        while len(link.said) < 3:  # noqa: ASYNC110 - the second waits for its time
            await asyncio.sleep(0.01)
    await _ended(running)
    return link.said[:3]


def plain(value: Any) -> Any:
    """Plain data as JSON can show it: bytes as hex."""
    if isinstance(value, bytes):
        return f"hex {value.hex()}"
    if isinstance(value, Mapping):
        return {str(key): plain(each) for key, each in value.items()}
    return [plain(each) for each in value] if isinstance(value, list | tuple) else value


def _lines(data: Mapping[str, Any]) -> str:
    """JSON, a key a line."""
    rows = [f"  {json.dumps(key)}: {json.dumps(plain(value), ensure_ascii=False)}" for key, value in data.items()]
    return "{\n" + ",\n".join(rows) + "\n}"


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```\n"


def _shown(topic: str, told: Mapping[str, str], payload: bytes, *, full: bool = False) -> str:
    """A message: its topic, with all attributes or only its type, and its data."""
    head = [topic, *(f"{name}: {value}" for name, value in told.items() if full or name == "type")]
    data = unpack(payload)
    body = _lines(data) if isinstance(data, dict) else json.dumps(plain(data))
    return _fenced("text", "\n".join(head)) + "\n" + _fenced("json", body)


def _event(event: Event, *, full: bool = False) -> str:
    told = attributes(event, GATEWAY, NOW, historical=False)
    return _shown(up_topic(ROOT, GATEWAY, event.kind, event.name), told, event.payload, full=full)


def _deflated(event: Event) -> str:
    """A longer block as it travels, and its columns."""
    _, columns = unpack(DEFLATED)
    return _event(replace(event, payload=DEFLATED)) + "\n" + _fenced("json", json.dumps(unpack(decompress(columns))))


def signed(request: str, case: str) -> bytes:
    """The desk's acknowledgement of a request, as it goes over the wire."""
    issued = int(NOW.wall)
    body = {
        "aud": GATEWAY,
        "iat": issued,
        "exp": issued + 600,
        "id": uuid_text(uuid7(NOW.wall, bytes(range(10)))),
        "sequence": 1,
        "type": "edge.help.received.v1",
        "event": request,
        "case": case,
        "through": 1,
        "reference": "SD-00001",
        "receiver": "service desk",
        "next_word_wall": issued + 600,
    }
    return KEY.sign(body)


def _answer() -> str:
    envelope = open_envelope(signed(REQUEST, CASE))
    outer = {"kid": envelope.kid, "body": "(the bytes of the map below)", "sig": envelope.signature}
    topic = down_topic(ROOT, GATEWAY, "help")
    return "\n".join(
        (_fenced("text", topic), _fenced("json", _lines(outer)), _fenced("json", _lines(unpack(envelope.body))))
    )


def _down(what: str, data: Mapping[str, Any]) -> str:
    """What is of this type in a signed body, besides what every body has."""
    return _fenced("json", _lines({"type": f"edge.help.{what}.v1", "event": REQUEST, **data}))


def _rhythm(pattern: Pattern) -> str:
    if steady(pattern):
        return "steady"
    return " ".join(str(ms) for ms in pattern.rhythm_ms)


def _tone(tone: Tone) -> str:
    if not tone.beeps_ms:
        return "-"
    again = ", once more after" if tone.times == 2 else ", every"
    outside = " outside quiet hours" if tone.reminder else ""
    return " ".join(str(ms) for ms in tone.beeps_ms) + (f"{again} {tone.every_s:g} s" if tone.every_s else "") + outside


def lamp_table() -> str:
    """core/lamp.py as a table."""
    english = texts("en")
    rows = ["| shown | colour | ms on, off, … | tone, ms on, off, … | it says |", "|---|---|---|---|---|"]
    for pattern in PATTERNS.values():
        says = english[f"lamp.{pattern.shown}"]
        cells = (f"`{pattern.shown}`", pattern.colour, _rhythm(pattern), _tone(pattern.tone), says)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def purposes_table() -> str:
    """core/consent.py as a table."""
    english = texts("en")
    rows = [f"| `{name}` | {english[f'consent.{name}']} |" for name in PURPOSES]
    return "\n".join(("| purpose | lets out |", "|---|---|", *rows)) + "\n"


def languages_list() -> str:
    """Every device language with its options."""
    lines: list[str] = []
    for name in sorted(LANGUAGES):
        spec = language(name)
        lines += [f"## {name}: over {' or '.join(sorted(spec.transports))}", "", f"{spec.doc}.", ""]
        if not spec.options:
            lines += ["No options.", ""]
        else:
            rows = [f"| `{option}` | {json.dumps(o.default)} | {o.doc} |" for option, o in spec.options.items()]
            lines += ["| option | default | meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def timers_table() -> str:
    """The [help] table of the configuration: defaults and ranges of the model, with TIMERS."""
    found = inspect.type_info(HelpTable)
    assert isinstance(found, inspect.StructType)
    rows = []
    for field in found.fields:
        if not isinstance(field.type, inspect.IntType | inspect.FloatType):
            continue
        what, source = TIMERS[field.name]
        bounds = f"{field.type.ge:g} to {field.type.le:g}"
        rows.append(f"| `{field.name}` | {field.default:g} | {bounds} | {what} | {source} |")
    return "\n".join(("| key | default | range | what | after |", "|---|---|---|---|---|", *rows)) + "\n"


def models_table() -> str:
    """The models of the simulators: their options with defaults, and their faults."""
    rows = []
    for kind, model in sorted(KINDS.items()):
        options = ", ".join(f"`{name}` {json.dumps(default)}" for name, default in options_of(kind).items())
        rows.append(f"| `{kind}` | {options} | {', '.join(f'`{fault}`' for fault in sorted(model.FAULTS))} |")
    return "\n".join(("| model | options and defaults | faults |", "|---|---|---|", *rows)) + "\n"


async def _all() -> dict[str, str]:
    with capture_logs():
        raised, nudged, *talk = await _help_events()
        sampled = await _sampled_events()
        present = await _presence()
    finding, notice = (event for event in sampled if event.kind is EventKind.FINDING)
    block = next(event for event in sampled if event.kind is EventKind.TELEMETRY)
    made = {
        "lamp": lamp_table(),
        **{f"card {language}": table(language) for language in languages()},
        "consent": purposes_table(),
        "timers": timers_table(),
        "models": models_table(),
        "raised": _event(raised, full=True),
        "nudged": _event(nudged),
        **{event.type.split(".")[2]: _event(event) for event in talk},
        "question": _down("question", ASKED),
        "options": _down("question", LATE),
        "progress": _down("progress", PROGRESS),
        "states": _fenced("mermaid", picture()),
        "languages": languages_list(),
        "law": states_table(),
        "waits": state_timers(),
        "finding": _event(finding),
        "notice": _event(notice),
        "block": _event(block),
        "deflated": _deflated(block),
        "presence": _shown(*present[0]),
        "birth": _shown(*present[1]),
        "heartbeat": _shown(*present[2]),
        "answer": _answer(),
        "compact call": call(GATEWAY, REQUEST, CASE, NOW.wall),
        "compact word": word(KEY, signed(REQUEST, CASE)),
    }
    by_chance = {
        raised.id_text: REQUEST,
        raised.subject: CASE,
        unpack(finding.payload)["id"].hex(): FINDING,
    }
    return {name: _replaced(text, by_chance) for name, text in made.items()}


def _replaced(text: str, instead: Mapping[str, str]) -> str:
    """Ids and codes are random; in the examples they are always the same."""
    for found, shown in instead.items():
        text = text.replace(found, shown)
    return text


def parts() -> dict[str, str]:
    """Every part by its name."""
    return asyncio.run(_all())


def written(text: str, made: Mapping[str, str]) -> str:
    """A page with its parts as they should be. Raises KeyError for a part that is not known."""
    return PART.sub(lambda found: f"{found[1]}{made[found[2]]}{found[3]}", text)


if __name__ == "__main__":
    (FOLDER / "openapi.json").write_bytes(description())
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    (FOLDER / "edge-agent.1").write_text(manual(), encoding="utf-8")
    known = parts()
    for each in languages():
        (FOLDER / f"lamp.{each}.svg").write_text(card(each), encoding="utf-8")
    for page in sorted(FOLDER.glob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = written(before, known)
        if after != before:
            page.write_text(after, encoding="utf-8")
