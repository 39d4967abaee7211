"""Devices with our own firmware: the native link (SPEC.md) to readings, and what they hold for us to handovers."""

from collections.abc import Iterator, Mapping
from math import isfinite
from typing import Any

from edge_agent.core.errors import ConfigError
from edge_agent.core.finding import Severity
from edge_agent.core.ports import Gatt, LanguageSpec, Option
from edge_agent.core.reading import (
    Channel,
    ChannelKind,
    Chunk,
    Code,
    Codes,
    Fault,
    Handover,
    Item,
    Notify,
    Reading,
    Send,
    Value,
)
from firmware_bridges.base import ListeningBridge
from firmware_bridges.native.host import Heard, Host
from firmware_bridges.native.messages import (
    MAJOR,
    Beat,
    Channels,
    Crash,
    Data,
    Described,
    Event,
    Hello,
    Level,
    Log,
)
from firmware_bridges.native.wire import Bad, Text
from firmware_bridges.native.words import MAX_TEXT, name_of, phrase

# Nordic UART Service: the device notifies on TX, and is written to on RX.
NUS_TX = "6e400003-b5a3-f393-e0a9-e50e24dcca9e"
NUS_RX = "6e400002-b5a3-f393-e0a9-e50e24dcca9e"
KINDS = (ChannelKind.GAUGE, ChannelKind.COUNTER, ChannelKind.STATE, ChannelKind.ANGLE, ChannelKind.TEXT)
LEVELS = ("debug", "info", "warning", "error")
SEVERITIES = {Level.NOTICE: Severity.NOTICE, Level.WARNING: Severity.WARNING, Level.ALARM: Severity.ALARM}
SILENT_BEATS = 3
ASK_AGAIN_S = 30.0
COMING_S = 5.0  # after a hello, for all descriptions to come
# A crash is over when the device has run for so long since.
CRASH_OVER_MS = 24 * 3600 * 1000
# What a device may have kept back before it sends: beyond that its clock is not to be believed.
MAX_AGE_S = 60.0
# Names are kept for ever by all that see them: so many firmwares, each with other names, and no more.
RENAMED = 4
# The firmware's own lines in a second, at the most: a loop that prints is no news.
LINES_A_SECOND = 10

_BAD = {
    "checksum": "a frame was spoiled on the way",
    "overflow": "no end of a frame: is the baud rate right?",
    "body": "a message has not the form that SPEC.md asks for",
}


class Native(ListeningBridge):
    """One device on the native link."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._limit: int = options["max_channels"]
        if not 1 <= self._limit <= 256:
            raise ConfigError(f"{device}: max_channels is {self._limit}", fix="Use a number from 1 to 256")
        self._tell_log: bool = options["log"]
        self.host = Host()
        self._numbers: dict[int, Channel] = {}
        self._described: dict[str, Channel] = {}
        self._said: tuple[str, str] = ("", "")
        self._silent_at: float | None = None
        self._alive = False
        self._asked_at = -ASK_AGAIN_S
        self._lines = (0, 0)

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """Bytes of a serial line, or notifications of the Nordic UART Service."""
        if isinstance(chunk, Notify) and chunk.characteristic == NUS_TX:
            chunk = chunk.payload
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        for heard in self.host.feed(chunk, at):
            if isinstance(heard, Bad):
                yield from self.faults.say(heard.code, _BAD[heard.code], at)
            elif isinstance(heard, Text):
                yield from self._line("console", heard.line, at)
            else:
                self.heard += 1
                yield from self._lives(at)
                yield from self._take(heard, at)

    def next(self, now: float) -> tuple[float | None, Send | Reading | Fault | None]:
        """Who is there, what its clock says, and whether it has fallen silent."""
        silent_at = self._silent_at
        if silent_at is not None and now >= silent_at:
            return now, self._fall_silent(now)
        deadline, out = self.host.due(now)
        times = [at for at in (deadline, silent_at) if at is not None]
        return min(times, default=None), Send(out) if out else None

    # -- alive and silent --------------------------------------------------------------------------------------------

    def _lives(self, at: float) -> Iterator[Reading]:
        hello = self.host.hello
        if hello is not None and hello.beat_ms:
            self._silent_at = at + SILENT_BEATS * hello.beat_ms / 1000
        if not self._alive:
            self._alive = True
            yield self.present(self.channel("alive", kind=ChannelKind.STATE), True, at)

    def _fall_silent(self, now: float) -> Fault | Reading:
        """First the reading; asked once more, the fault."""
        if self._alive:
            self._alive = False
            return self.present(self.channel("alive", kind=ChannelKind.STATE), False, now)
        self._silent_at = None
        text = f"nothing was heard for {SILENT_BEATS} of its beats: is it powered, and wired to the port?"
        return Fault(self.device, "silent", text, now)

    # -- what it says ------------------------------------------------------------------------------------------------

    def _take(self, heard: Heard, at: float) -> Iterator[Item]:
        match heard:
            case Data():
                yield from self._data(heard, at)
            case Beat():
                yield from self._beat(heard, at)
            case Hello():
                yield from self._hello(heard, at)
            case Channels():
                for number, described in heard.described.items():
                    yield from self._describe(number, described, at)
            case Event():
                yield self._event(heard, at)
            case Crash():
                yield self._crash(heard, at)
            case Log():
                level = LEVELS[min(heard.level, len(LEVELS) - 1)]
                yield from self._line("log", f"{level}: {heard.text}", self._when(heard.uptime_ms, at))
            case _:
                pass  # answers, which the host has taken, and what a later version says

    def _hello(self, hello: Hello, at: float) -> Iterator[Item]:
        self._asked_at = at
        said = (hello.uid.hex(), hello.build)
        if said != self._said:
            self._said = said
            self._numbers.clear()
        firmware = " ".join(filter(None, (hello.vendor, hello.model, hello.version)))
        yield from self._text("firmware", firmware, at)
        yield from self._text("reset_reason", hello.reason, at)
        if hello.major != MAJOR:
            text = (
                f"it speaks version {hello.major} of the link, this gateway {MAJOR}: it is read, and gets no commands"
            )
            yield from self.faults.say("version", text, at)

    def _describe(self, number: int, described: Described, at: float) -> Iterator[Item]:
        if number not in self._numbers and len(self._numbers) >= self._limit:
            text = f"more than {self._limit} channels; {described.name[:32]!a} is left out"
            yield from self.faults.say("overflow", text, at)
            return
        kind = KINDS[described.kind] if described.kind < len(KINDS) else ChannelKind.GAUGE
        unit = described.unit[:16] if described.unit.isprintable() else ""
        channel = Channel(f"{self.device}.{name_of(described.name)}", unit, kind)
        if channel.name not in self._described and len(self._described) >= RENAMED * self._limit:
            yield from self.faults.say("renamed", "it calls its channels by other names again and again", at)
            return
        if self._described.get(channel.name) != channel:
            self._described[channel.name] = channel
        self._numbers[number] = self._described[channel.name]

    def _data(self, data: Data, at: float) -> Iterator[Item]:
        when = self._when(data.uptime_ms, at)
        for number, value in data.values.items():
            channel = self._numbers.get(number)
            if channel is None:
                yield from self._unknown(number, at)
            else:
                yield from self._value(channel, value, when)

    def _unknown(self, number: int, at: float) -> Iterator[Item]:
        """The description was lost: it is asked for once in a while. At the start it is still to come."""
        if self.host.hello is None or at - self._asked_at < COMING_S:
            return
        if at - self._asked_at >= ASK_AGAIN_S:
            self._asked_at = at
            self.host.ask(at)
        yield from self.faults.say("channel", f"a value for channel {number}, which was not described", at)

    def _value(self, channel: Channel, value: Value | None, at: float) -> Iterator[Reading]:
        right: Value | None = None
        match channel.kind, value:
            case _, None:
                yield from self.absent(channel, "the device says that it has no value", at)
                return
            case ChannelKind.TEXT, str():
                right = value[:MAX_TEXT]
            case ChannelKind.STATE, bool() | int():
                right = bool(value)
            case ((ChannelKind.TEXT | ChannelKind.STATE), _):
                right = None
            case _, bool() | str():
                right = None
            case _, float() if not isfinite(value):
                yield from self.absent(channel, "the device says that it has no value", at)
                return
            case _:
                right = value
        if right is None:
            yield from self.absent(channel, f"the device sends {str(value)[:40]!r}", at)
        else:
            yield self.present(channel, right, at)

    def _beat(self, beat: Beat, at: float) -> Iterator[Item]:
        counter = ChannelKind.COUNTER
        yield self.present(self.channel("uptime", "s"), beat.uptime_ms / 1000, at)
        yield self.present(self.channel("rx_bad", kind=counter), beat.rx_bad, at)
        yield self.present(self.channel("tx_dropped", kind=counter), beat.tx_dropped, at)
        yield self.present(self.channel("link_bad", kind=counter), self.host.bad, at)
        yield self.present(self.channel("link_lost", kind=counter), self.host.lost, at)
        for name, free in (("stack_free", beat.stack_free), ("heap_free", beat.heap_free)):
            if free is not None:
                yield self.present(self.channel(name, "By"), free, at)
        if beat.uptime_ms >= CRASH_OVER_MS:
            yield Codes(self.device, (), at, "firmware")

    # -- what it holds -----------------------------------------------------------------------------------------------

    def _event(self, event: Event, at: float) -> Handover:
        """Whether it is the help button is for the configuration to say; for all others it becomes a finding."""
        name = name_of(event.name)
        severity = SEVERITIES[Level(min(event.level, Level.ALARM))] if event.level else Severity.NOTICE
        code = Code((event.code or name)[:40], phrase(event.text), severity=severity)
        happened = at - event.age_ms / 1000
        told = Codes(self.device, (code,) if event.level != Level.OVER else (), happened, name)
        return self._handover(name, event, happened, told)

    def _crash(self, crash: Crash, at: float) -> Handover:
        where = f"the firmware crashed at 0x{crash.pc:08x}, called from 0x{crash.lr:08x}"
        if not crash.pc:  # of an interpreter: it has no such place
            where = "the firmware ended by itself"
        what = phrase(crash.what)
        frame: tuple[tuple[str, Value, str], ...] = (
            ("pc", f"0x{crash.pc:08x}", ""),
            ("lr", f"0x{crash.lr:08x}", ""),
            ("sp", f"0x{crash.sp:08x}", ""),
            ("psr", f"0x{crash.psr:08x}", ""),
            ("cfsr", f"0x{crash.cfsr:08x}", ""),
            ("uptime", crash.uptime_ms / 1000, "s"),
            ("build", crash.build[:40], ""),
            ("stack", crash.stack[:128].hex(), ""),
        )
        code = Code("crash", f"{where} ({what})" if what else where, frame=frame)
        return self._handover("firmware", crash, at, Codes(self.device, (code,), at, "firmware"))

    def _handover(self, name: str, held: Event | Crash, at: float, codes: Codes) -> Handover:
        kind = "e" if isinstance(held, Event) else "c"
        key = f"{self.device}:{held.uid[:16].hex()}:{held.boot}:{kind}{held.n}"
        return Handover(f"{self.device}.{name}", key, at, Send(self.host.receipt(held)), codes)

    # -- words and times ---------------------------------------------------------------------------------------------

    def _when(self, uptime_ms: int, at: float) -> float:
        return self.host.clock.at(uptime_ms, at, MAX_AGE_S)

    def _line(self, name: str, text: str, at: float) -> Iterator[Item]:
        second, count = self._lines
        count = count + 1 if int(at) == second else 1
        self._lines = (int(at), count)
        if self._tell_log and count <= LINES_A_SECOND:
            yield from self._text(name, text, at)

    def _text(self, name: str, text: str, at: float) -> Iterator[Reading]:
        clean = phrase(text)
        if clean:
            yield self.present(self.channel(name, kind=ChannelKind.TEXT), clean, at)


SPEC = LanguageSpec(
    name="native",
    transports=frozenset({"serial", "gatt"}),
    make=Native,
    options={
        "max_channels": Option(int, 64, "more channels than this are noise"),
        "log": Option(bool, True, "what the firmware logs and prints, as readings"),
    },
    doc="devices with our own firmware: readings, a help button, crash records (SPEC.md)",
    baud=115200,
    gatt=Gatt(subscribe=(NUS_TX,), write=NUS_RX),
)
