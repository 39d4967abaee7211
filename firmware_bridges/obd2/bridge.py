"""OBD-II through an ELM327, an STN chip or one of their many clones, over serial or BLE.

What an answer means is read from the answer alone: service, parameter, control unit. What was asked only says when
the next question may go out. So an answer that comes late, twice or among others costs nothing.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import Gatt, LanguageSpec, Option
from edge_agent.core.reading import ChannelKind, Chunk, Item, Notify, Reading, Send, uuid
from firmware_bridges.base import ListeningBridge
from firmware_bridges.obd2.codes import MODES, Round
from firmware_bridges.obd2.dialogue import ATTEMPTS, RESYNC, RESYNC_WAIT_S, Dialogue, Kind
from firmware_bridges.obd2.pids import MASKS, PIDS, STATUS, Pid, status, supported
from firmware_bridges.obd2.plan import Pace, Plan
from firmware_bridges.obd2.replies import Message, Replies, code, codes

# Answers that say nothing new: the vehicle is asleep, or has no such thing.
_NOTHING = frozenset({"NODATA", "?"})
_QUIET = _NOTHING | {"UNABLETOCONNECT", "STOPPED"}
VIN_LETTERS = 17
PROTOCOLS = frozenset("0123456789ABC")
_MOVING = frozenset({"engine_speed", "speed"})
_OF_THE_ADAPTER = frozenset({"battery_voltage", "awake"})
_NEGATIVE = 0x7F
# "Busy, repeat" and "answer comes later" are no answers (ISO 14229-1, annex A).
_LATER = frozenset({0x21, 0x78})
# Between two voltages of a vehicle that sleeps, where nothing changes.
SAME_EVERY_S = 60.0


class Obd2(ListeningBridge):
    """Answers in, readings and trouble codes out; questions by `next`."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        pace = Pace(*(float(options[f"{name}_s"]) for name in ("fast", "slow", "codes", "voltage", "idle", "wake")))
        self._dialogue = Dialogue()
        self._replies = Replies()
        self._vin = bool(options["vin"])
        self._plan = Plan(pace, options["protocol"].upper(), vin=self._vin)
        self._units: dict[int, str] = {}
        self._round = Round(device)
        self._vin_parts: dict[int, bytes] = {}
        self._awake: bool | None = None
        self._volts: tuple[float, float] = (0.0, 0.0)

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What the lines completed by these bytes say."""
        if isinstance(chunk, Notify):
            chunk = chunk.payload
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        yield from self._round.lists(at)
        for kind, line in self._dialogue.feed(chunk, at):
            yield from self._line(kind, line, at)

    def next(self, now: float) -> tuple[float | None, Send | None]:
        """The next question, one at a time."""
        free_at = self._dialogue.free_at(now)
        if free_at > now:
            return free_at, None
        self._settle(now)
        at, command = now, self._resync()
        if command is None:
            at, command = self._plan.next(now)
        if command is None:
            return at, None
        self._round.asked(command)
        wait_s = RESYNC_WAIT_S if command == RESYNC else self._plan.wait_s(command)
        return now + wait_s, Send(self._dialogue.ask(command, wait_s, now))

    def _settle(self, now: float) -> None:
        """The last command is done with, whether it was answered or not."""
        self._replies.clear()
        over, lost = self._dialogue.over, self._dialogue.lost
        if lost and over.startswith("01"):
            self._plan.missed(now)
        if lost and over in MODES:
            self._round.spoiled()
        if self._round.over(over):
            self._plan.freeze()
        if not self._plan.freezing:
            self._round.settle()
        if self._dialogue.timeouts >= ATTEMPTS:
            self._dialogue.timeouts = 0
            self._plan.begin(now)

    def _resync(self) -> str | None:
        return RESYNC if self._dialogue.lost and self._dialogue.timeouts else None

    def _line(self, kind: Kind, line: str, at: float) -> Iterator[Item]:
        asked = self._dialogue.outstanding or ""
        if kind is Kind.DATA:
            yield from self._data(line, asked, at)
        elif kind is Kind.VOLTS:
            self._dialogue.answer()
            yield from self._voltage(float(line), at)
        elif kind is Kind.ERROR:
            yield from self._error(line, asked, at)
        elif kind is Kind.BANNER:
            if asked not in {"ATZ", RESYNC}:
                self._plan.begin(at)  # it was without power, and has forgotten what it was told
            self._dialogue.answer()
        elif kind is Kind.OKAY and asked.startswith("AT"):
            self._dialogue.answer()
        elif kind is Kind.LONG:
            yield from self.faults.say("overflow", "the adapter sends lines without end", at)

    def _error(self, line: str, asked: str, at: float) -> Iterator[Item]:
        self._dialogue.answer()
        if line not in _QUIET:
            yield from self.faults.say("bus", f"the adapter says {line} of the vehicle's bus", at)
        if asked in MODES and line not in _NOTHING:
            self._round.spoiled()
        if asked.startswith("01") and line != "STOPPED":
            self._plan.missed(at)
            yield from self._state(at)

    def _voltage(self, volts: float, at: float) -> Iterator[Reading]:
        self._plan.volts(volts, at)
        last_v, last_at = self._volts
        if not self._plan.asleep or volts != last_v or at - last_at >= SAME_EVERY_S:
            self._volts = volts, at
            yield self.present(self.channel("battery_voltage", "V"), volts, at)
        yield from self._state(at)

    def _data(self, line: str, asked: str, at: float) -> Iterator[Item]:
        for message in self._replies.feed(line):
            if message is None:
                yield from self.faults.say("garbage", "a line is no answer of a control unit", at)
            elif message.data[0] == _NEGATIVE:
                if message.data[-1] not in _LATER and message.data[1:2].hex().upper() == asked[:2]:
                    self._dialogue.answer()
            else:
                answered = f"{message.data[0] - 0x40:02X}{message.data[1:2].hex().upper()}"
                if asked and (answered.startswith(asked) or asked.startswith(answered)):
                    self._dialogue.answer()
                yield from self._message(message, at)

    def _message(self, message: Message, at: float) -> Iterator[Item]:
        service = f"{message.data[0] - 0x40:02X}"
        body = message.data[1:]
        self._plan.heard(at)
        yield from self._state(at)
        if service in MODES:
            told = codes(message)
            if told is not None:
                self._round.heard(service, message.unit, told)
                return
            self._round.spoiled()
            yield from self.faults.say("garbage", "a list of trouble codes is cut short", at)
        elif service == "01" and body:
            yield from self._parameter(message.unit, body[0], body[1:], at)
        elif service == "02" and len(body) >= 2:
            cause = code(body[2:4]) if len(body) >= 4 and any(body[2:4]) else ""
            self._round.frozen(message.unit, body[0], body[2:], cause)
        elif service == "09" and body[:1] == b"\x02" and self._vin:
            yield from self._vehicle(message, body[1:], at)

    def _parameter(self, unit: str, pid: int, data: bytes, at: float) -> Iterator[Item]:
        if pid in MASKS:
            if len(data) >= 4:
                self._plan.claims(pid, supported(pid, data), at)
            return
        if unit > self._units.setdefault(pid, unit):
            return  # of two control units that tell the same, the engine's has the lower number (ISO 15765-4)
        self._units[pid] = unit
        if pid == STATUS:
            for name, value, kind in status(data):
                yield self.present(self.channel(name, "", kind), value, at)
        for quantity in PIDS.get(pid, ()):
            yield from self._quantity(quantity, data, at)

    def _quantity(self, quantity: Pid, data: bytes, at: float) -> Iterator[Reading]:
        value = quantity.value(data)
        channel = self.channel(quantity.name, quantity.unit, quantity.kind)
        if value is None:
            yield from self.absent(channel, "the vehicle gives no value", at)
            return
        if quantity.name in _MOVING and value:
            self._plan.active(at)
        yield self.present(channel, value, at)

    def _vehicle(self, message: Message, data: bytes, at: float) -> Iterator[Reading]:
        """The vehicle's number: on CAN one message, on older buses five of four letters each (J1979 §6.9)."""
        if message.counted:
            letters = data[1:]
        elif len(data) == 5 and 1 <= data[0] <= 5:
            self._vin_parts[data[0]] = data[1:]
            letters = b"".join(self._vin_parts.get(part, b"") for part in range(1, 6))
        else:
            letters = data[1:] if len(data) > VIN_LETTERS else b""
        number = letters.strip(b"\0 ")
        if len(number) == VIN_LETTERS and number.isalnum():
            self._vin_parts.clear()
            yield self.present(self.channel("vin", "", ChannelKind.TEXT), number.decode("ascii"), at)

    def _state(self, at: float) -> Iterator[Reading]:
        """Whether control units answer, when that changes; asleep, what they told is none any more."""
        awake = not self._plan.asleep and bool(self._plan.claimed)
        if awake == self._awake or not (awake or self._plan.asleep):
            return
        self._awake = awake
        yield self.present(self.channel("awake", "", ChannelKind.STATE), awake, at)
        if not awake:
            for channel in [c for c in self._channels.values() if c.kind is not ChannelKind.TEXT]:
                if channel.name.partition(".")[2] not in _OF_THE_ADAPTER:
                    yield from self.absent(channel, "the vehicle is asleep", at)


def _make(device: str, options: Mapping[str, Any]) -> Obd2:
    for name in ("fast_s", "slow_s", "codes_s", "voltage_s"):
        if options[name] <= 0:
            raise ConfigError(f"{name} must be more than 0", fix=f"Leave {name} out, or give seconds")
    protocol = options["protocol"]
    if protocol.upper() not in PROTOCOLS:
        raise ConfigError(f"there is no protocol {protocol!r}", fix="0 finds it; else 1 to 9, A, B or C")
    return Obd2(device, options)


SPEC = LanguageSpec(
    name="obd2",
    transports=frozenset({"serial", "gatt"}),
    make=_make,
    options={
        "fast_s": Option(float, 2.0, "seconds between two values of speed, engine speed, load, throttle"),
        "slow_s": Option(float, 30.0, "seconds between two values of temperatures, levels and the rest"),
        "codes_s": Option(float, 60.0, "seconds between two looks at the trouble codes"),
        "voltage_s": Option(float, 2.0, "seconds between two values of the battery's voltage"),
        "idle_s": Option(float, 300.0, "with the engine off for so long, the vehicle is left asleep; 0: never"),
        "wake_s": Option(float, 1800.0, "how often a sleeping vehicle is asked whether it is awake; 0: never"),
        "protocol": Option(str, "0", "the vehicle's bus, as the adapter counts them (ATSP); 0: find it"),
        "vin": Option(bool, False, "tell the vehicle's number, which identifies its holder"),
    },
    doc="OBD-II through an ELM327, STN or clone: what a vehicle measures, and its trouble codes",
    baud=38400,
    # FFF1 notifies and FFF2 is written on most such adapters (Vgate, Veepeak, OBDLink CX).
    gatt=Gatt(subscribe=(uuid(0xFFF1),), write=uuid(0xFFF2)),
)
