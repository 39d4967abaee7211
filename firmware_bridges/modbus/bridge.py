"""Modbus RTU: asks the units of a bus for the registers of their device maps, or listens to another that asks.

One question is on the bus at a time. A reply carries no address, so one that is late must not be taken for the next:
after a silence the bus stays quiet as long again as an answer may take, and what comes then is dropped.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import Chunk, Fault, Item, Reading, Send
from firmware_bridges.base import ListeningBridge
from firmware_bridges.modbus.codec import EXCEPTIONS, ILLEGAL, MAX_FRAME, Reply, Request, reply_at, request_at
from firmware_bridges.modbus.maps import load_map
from firmware_bridges.modbus.unit import Block, Unit

UNITS = range(1, 248)  # Modbus over Serial Line §2.2
# A unit that is silent (switched off at night) is asked this rarely, so that it costs the others little.
SILENT_EVERY_S = 60.0
# What a unit says that it does not have is asked for again after so long: somebody may have changed its set-up.
REFUSED_EVERY_S = 3600.0
MAX_UNITS = 32  # §2.2: what one bus carries without a repeater
FIRST_S = 0.1  # a port that was just opened
# An answer that has begun may take longer than timeout_s, at 2400 baud a second and more; noise may not for ever.
LONGEST_S = 3.0


class Modbus(ListeningBridge):
    """The master of a bus (`listen`: a tap on it). Channels are named by the map, behind the name of their unit."""

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        super().__init__(device)
        self._units = _units(self, options)
        self._listen: bool = options["listen"]
        self._timeout_s: float = options["timeout_s"]
        self._pause_s: float = options["pause_s"]
        self._retries: int = options["retries"]
        self._told: deque[Item] = deque()
        self._buffer = b""
        self._asked: tuple[Unit, Block] | None = None
        self._again: tuple[Unit, Block] | None = None
        self._tries = 0
        self._answer_by = self._give_up_at = 0.0
        self._quiet_until: float | None = None
        self._overheard: Request | None = None

    def next(self, now: float) -> tuple[float | None, Send | Reading | Fault | None]:
        """The next question, or what follows from a silence."""
        if self._listen:
            return None, None
        if self._quiet_until is None:
            self._quiet_until = now + FIRST_S
        if self._asked is not None and now >= self._answer_by:
            self._told.extend(self._missed(*self._asked, now))
        if self._told:
            item = self._told.popleft()
            assert isinstance(item, Reading | Fault)
            return now, item
        if self._asked is not None:
            return self._answer_by, None
        unit, block = self._again or min(((u, b) for u in self._units for b in u.blocks), key=lambda e: e[1].due_at)
        due_at = self._quiet_until if self._again else max(block.due_at, self._quiet_until)
        if now < due_at:
            return due_at, None
        if now - block.due_at > block.every_s:  # the first time, or the bus is slower than the map wants
            block.due_at = now
        self._asked, self._again, self._buffer = (unit, block), None, b""
        self._answer_by = now + self._timeout_s
        self._give_up_at = now + max(self._timeout_s, LONGEST_S)
        return self._answer_by, Send(block.request.frame)

    def feed(self, chunk: Chunk, at: float) -> Iterator[Item]:
        """What the reply that these bytes complete says."""
        if not isinstance(chunk, bytes):
            yield from self.unsupported(chunk, at)
            return
        if self._listen:
            self._buffer += chunk
            yield from self._overhear(at)
        elif self._asked is None:
            if chunk:
                yield from self.faults.say("late", "something speaks on the bus that was not asked", at)
        else:
            self._buffer = (self._buffer + chunk)[-2 * MAX_FRAME :]
            reply = _reply_in(self._buffer, self._asked[1].request)
            if reply is not None:
                yield from self._answered(*self._asked, reply, at)
            elif chunk:
                self._answer_by = max(self._answer_by, min(at + self._timeout_s, self._give_up_at))

    def _answered(self, unit: Unit, block: Block, reply: Reply, at: float) -> Iterator[Item]:
        self._done(at + self._pause_s)
        unit.silent = 0
        block.due_at = max(at, block.due_at + block.every_s)
        if not reply.exception:
            yield from unit.decode(block.request, block.rows, reply.data, at)
            return
        what = EXCEPTIONS.get(reply.exception, f"exception {reply.exception}")
        if reply.exception in ILLEGAL and len(block.rows) > 1:
            unit.split(block)
            return
        if reply.exception in ILLEGAL:
            block.due_at = at + REFUSED_EVERY_S
        yield from self.faults.say("exception", f"unit {unit.number} refuses {block.request.words}: {what}", at)
        yield from unit.absent(block, f"unit {unit.number} refuses it: {what}", at)

    def _missed(self, unit: Unit, block: Block, now: float) -> Iterator[Item]:
        """No right answer came in time."""
        heard = self._buffer.replace(block.request.frame, b"")  # an echo is no answer
        tries = self._tries + 1
        self._done(now + self._timeout_s)
        if tries <= self._retries and not unit.silent:
            self._again, self._tries = (unit, block), tries
            return
        unit.silent += 1
        wait_s = max(block.every_s, min(SILENT_EVERY_S, block.every_s * 2 ** min(unit.silent, 10)))
        for each in unit.blocks:
            each.due_at = max(each.due_at, now + wait_s)
        code, what = ("checksum", "answers with a wrong CRC") if heard else ("timeout", "does not answer")
        yield from self.faults.say(code, f"unit {unit.number} {what}, {block.request.words}, {tries} tries", now)
        for each in unit.blocks:
            yield from unit.absent(each, f"unit {unit.number} {what}", now)

    def _done(self, quiet_until: float) -> None:
        self._asked, self._tries, self._buffer = None, 0, b""
        self._quiet_until = quiet_until

    def _overhear(self, at: float) -> Iterator[Item]:
        """Pairs of question and answer, in whatever else is on the bus."""
        place = 0
        while place < len(self._buffer):
            found: Reply | Request | int = 0
            if self._overheard is not None:
                found = reply_at(self._buffer, place, self._overheard)
            if found == 0:
                found = request_at(self._buffer, place)
            if isinstance(found, int):
                if found > 0:
                    break
                place += 1
            elif isinstance(found, Reply):
                self.heard += 1
                yield from self._overheard_reply(found, at)
                self._overheard, place = None, found.end
            else:
                self._overheard, place = found, place + len(found.frame)
        self._buffer = self._buffer[place:]

    def _overheard_reply(self, reply: Reply, at: float) -> Iterator[Item]:
        request = self._overheard
        for unit in self._units:
            if request is None or unit.number != request.unit:
                continue
            if reply.exception:
                what = EXCEPTIONS.get(reply.exception, f"exception {reply.exception}")
                yield from self.faults.say("exception", f"unit {unit.number} refuses {request.words}: {what}", at)
            else:
                yield from unit.decode(request, unit.rows_in(request), reply.data, at)


def _reply_in(data: bytes, request: Request) -> Reply | None:
    """The reply wherever it begins: behind an echo of the question, or behind noise of a line that was switched."""
    for place in range(len(data)):
        found = reply_at(data, place, request)
        if isinstance(found, Reply):
            return found
    return None


def _units(bridge: ListeningBridge, options: Mapping[str, Any]) -> list[Unit]:
    named, name = options["units"], options["map"]
    wrong = ""
    if bool(named) == bool(name):
        wrong = "it has both map and units" if name else "it has no device map"
    elif len(named) > MAX_UNITS:
        wrong = f"{len(named)} units on one bus, and {MAX_UNITS} are the most"
    elif not 0.02 <= options["timeout_s"] <= 10.0 or not 0.0 <= options["pause_s"] <= 10.0:
        wrong = "timeout_s is 0.02 to 10 seconds, and pause_s at most 10"
    elif not 0 <= options["retries"] <= 10:
        wrong = f"retries is {options['retries']}, and 10 is the most"
    if wrong:
        fix = 'Give it map = "sdm630", or units = { house = { unit = 1, map = "sdm630" } }'
        raise ConfigError(f"{bridge.device}: {wrong}", fix=fix)
    rows = {"": {"unit": options["unit"], "map": name}} if name else named
    return [_unit(bridge, prefix, row) for prefix, row in rows.items()]


def _unit(bridge: ListeningBridge, name: str, row: Any) -> Unit:
    if not isinstance(row, Mapping) or row.keys() != {"unit", "map"} or not isinstance(row["map"], str):
        raise ConfigError(f"{bridge.device}: unit {name} is none", fix='Write it as { unit = 1, map = "sdm630" }')
    if isinstance(row["unit"], bool) or row["unit"] not in UNITS:
        raise ConfigError(f"{bridge.device}: {row['unit']} is no unit of a bus", fix="Use a number from 1 to 247")
    if name and not (name.isidentifier() and name.isascii() and name == name.lower() and len(name) <= 20):
        raise ConfigError(f"{bridge.device}: unit name {name!r}", fix="Use at most 20 lower-case letters, digits and _")
    return Unit(bridge, row["unit"], f"{name}_" if name else "", load_map(row["map"]))


SPEC = LanguageSpec(
    name="modbus",
    transports=frozenset({"serial"}),
    make=Modbus,
    options={
        "map": Option(str, "", "what is where in the device: a shipped map, or the absolute path of your own"),
        "unit": Option(int, 1, "the device's number on the bus, 1 to 247"),
        "units": Option(dict, {}, "several devices: { house = { unit = 1, map = 'sdm630' } }, instead of map and unit"),
        "timeout_s": Option(float, 0.5, "how long to wait for an answer"),
        "pause_s": Option(float, 0.05, "how long the bus is quiet between two questions"),
        "retries": Option(int, 2, "how often a question is asked again before it counts as not answered"),
        "listen": Option(bool, False, "ask nothing, and read what another master is answered"),
    },
    doc="Modbus RTU: meters, inverters, heat pumps and chargers on RS-485, by a device map",
)
