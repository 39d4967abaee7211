"""One configured device: its bridge is fed here, and what the bridge says is sorted here and nowhere else."""

from typing import Any

import structlog

from edge_agent.core.block import fits
from edge_agent.core.health import Health
from edge_agent.core.ports import Bridge, Deliver, DeviceCounts, Keep
from edge_agent.core.reading import Chunk, Fault, Handover, Item, Reading, Send
from edge_agent.drivers.condition import Condition
from edge_agent.drivers.tap import Tap
from edge_agent.texts import Said

# A bridge raises nothing (core.ports.Bridge). One that does, an outsider's say, is left alone this long before it is
# fed again, so that it costs one trace in the log a minute and neither its driver nor the devices beside it.
REST_S = 60.0
# Bridges hold repeated faults back (firmware_bridges/base.py); one that does not must not fill the log.
LOG_EVERY_S = 10.0
MAX_CODES = 50
# What a bridge may say by time alone before it must wait again.
MAX_SAID = 16

_NOTHING: tuple[Send, ...] = ()


class Device:
    """Feeds `bridge` and hands its readings and faults to `deliver`, by plain calls.

    Drivers call `feed` for every chunk and `due` for deadlines, and write the Sends that come back. Times are
    monotonic seconds. If the bridge raises, the error leaves `feed` or `due` once and goes to the loop's handler;
    the device is not ready and rests for REST_S. `keep` is asked of what the device hands over; without it nothing is
    ever receipted.
    """

    __slots__ = (
        "_bridge",
        "_deliver",
        "_faults",
        "_keep",
        "_last_at",
        "_log",
        "_logged_at",
        "_readings",
        "_rest_until",
        "condition",
        "name",
        "tap",
    )

    def __init__(self, name: str, bridge: Bridge, deliver: Deliver, keep: Keep = lambda _: False) -> None:
        self.name = name
        self.condition = Condition(name)
        self._bridge = bridge
        self._deliver = deliver
        self._keep = keep
        self._readings = 0
        self._faults = 0
        self._last_at: float | None = None
        self._rest_until: float | None = None
        self.tap: Tap | None = None  # somebody looks at what is said
        self._log: Any = structlog.get_logger()
        self._logged_at: dict[str, float] = {}

    @property
    def health(self) -> Health:
        """How the device is, as far as its driver knows."""
        return self.condition.health

    def counts(self) -> DeviceCounts:
        """Totals since start."""
        return DeviceCounts(self.name, self._readings, self._faults, self._last_at, self.condition.health)

    def feed(self, chunk: Chunk, at: float) -> tuple[Send, ...]:
        """What arrived `at`; returns what the bridge wants written."""
        if self._rest_until is not None and self._resting(at):
            return _NOTHING
        self._last_at = at
        if self.tap is not None:
            self.tap.keep(chunk, at)
        sends = _NOTHING
        whole = False
        try:
            for item in self._bridge.feed(chunk, at):
                if type(item) is Reading:
                    self._readings += 1  # `type() is` is twice as fast as isinstance here
                    self._deliver(item if type(item[1]) is float or fits(item[1]) else self._gap(item))
                elif (send := self._take(item)) is not None:
                    sends = (*sends, send)
            whole = True
        finally:
            if not whole:
                self._rest(at)
        if self.tap is not None:
            for send in sends:
                self.tap.keep(send, at)
        return sends

    def due(self, now: float) -> tuple[float | None, Send | None]:
        """The bridge's next deadline, and what it wants written if one is due `now`."""
        if self._rest_until is not None and self._resting(now):
            return self._rest_until, None
        whole = False
        try:
            deadline, item = self._bridge.next(now)
            for _ in range(MAX_SAID):
                if item is None or type(item) is Send:
                    break
                self._take(item)
                deadline, item = self._bridge.next(now)
            whole = True
        finally:
            if not whole:
                self._rest(now)
        send = item if type(item) is Send else None
        if self.tap is not None and send is not None:
            self.tap.keep(send, now)
        return deadline, send

    def fault(self, code: str, text: str, at: float) -> None:
        """A fault of the transport: counted, logged and delivered as a bridge's would be."""
        self._say(Fault(self.name, code, text, at))

    def up(self, sentence: str) -> None:
        """The transport reaches the device."""
        if self._rest_until is None:
            self.condition.up(sentence)

    def down(self, code: str, sentence: str, fix: str, at: float) -> None:
        """The transport does not reach the device: logged, counted and delivered once for each reason."""
        if self.condition.down(code, sentence, fix):
            self._count(Fault(self.name, code, f"{sentence}. {fix}" if fix else sentence, at))

    def _take(self, item: Item) -> Send | None:
        """One thing that the bridge says; gives what is to be written for it."""
        if isinstance(item, Send):
            return item
        if isinstance(item, Handover):
            return item.receipt if self._keep(item) else None
        if isinstance(item, Fault):
            self._say(item)
            return None
        if isinstance(item, Reading):
            self._readings += 1
            item = item if fits(item.value) else self._gap(item)
        self._deliver(item)
        return None

    def _gap(self, reading: Reading) -> Reading:
        """In the place of a reading whose value no block can hold, and no check should see."""
        wrong = (
            "the number is beyond 64 bits"
            if type(reading.value) is int
            else "the text has a character that does not exist"
        )
        self._say(Fault(self.name, "value", f"{reading.channel.name} has no value: {wrong}", reading.at))
        return reading._replace(value=None, reason=wrong)

    def _say(self, fault: Fault) -> None:
        last_at = self._logged_at.get(fault.code)
        if len(self._logged_at) < MAX_CODES if last_at is None else fault.at - last_at >= LOG_EVERY_S:
            self._logged_at[fault.code] = fault.at
            self._log.warning("fault", what=self.name, reason=fault.code, state=fault.text)
        self._count(fault)

    def _count(self, fault: Fault) -> None:
        self._faults += 1
        self._deliver(fault)

    def _rest(self, now: float) -> None:
        self._rest_until = now + REST_S
        self._faults += 1
        self.condition.down("bridge", Said("port.decoder"), Said("port.decoder_fix"))

    def _resting(self, now: float) -> bool:
        if self._rest_until is not None and now < self._rest_until:
            return True
        self._rest_until = None
        self.condition.up(Said("port.decoder_again"))
        return False
