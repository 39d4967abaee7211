"""What to ask a vehicle, and when: set-up, what it can tell, quick values, slow values, trouble codes; and sleep.

A vehicle whose engine is off is left alone, for every question keeps control units awake that live on its battery.
Asleep, only the adapter itself is asked for the voltage it stands at, which costs the vehicle nothing.
"""

from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from firmware_bridges.obd2.codes import CAUSE, MODES
from firmware_bridges.obd2.pids import MASKS, PIDS, STATUS

VOLTAGE = "ATRV"
VIN = "0902"
FIRST = "0100"
AT_WAIT_S = 2.0
RESET_WAIT_S = 4.0
ANSWER_WAIT_S = 5.0
# Where the protocol is not known yet, the adapter tries all of them in turn.
SEARCH_WAIT_S = 30.0
# So many questions without an answer in a row, and nobody is there.
MISSES = 3
# A 12 V battery is above this only while something charges it (lead-acid rests at 12.8 V at most).
CHARGING_V = 13.0
# A vehicle that did not answer is asked again after so long, then after twice that, up to `wake_s`.
FIRST_WAKE_S = 60.0
# ... but where the battery is being charged, the engine may well run, and asking costs the vehicle nothing.
CHARGED_WAKE_S = 120.0
# One that was woken by the clock alone, and answers, has so long to show that its engine runs.
PROBE_S = 30.0
# From a battery at rest to one that is charged is a step of more than a volt.
WAKE_STEP_V = 0.4
# What was so when a code was stored (mode 02): what a mechanic looks at first.
FROZEN = (0x0C, 0x0D, 0x05, 0x04, 0x0B, 0x0F, 0x11, 0x06, 0x07)
MAX_QUEUE = 64


class Pace(NamedTuple):
    """Seconds between two questions of a kind; `idle_s` and `wake_s` are about sleep, 0: never."""

    fast_s: float
    slow_s: float
    codes_s: float
    voltage_s: float
    idle_s: float
    wake_s: float


class Plan:
    """The next command. The bridge tells it what it heard."""

    def __init__(self, pace: Pace, protocol: str, *, vin: bool) -> None:
        self.asleep = False
        self.claimed: frozenset[int] = frozenset()
        self._pace = pace
        self._protocol = protocol
        self._vin = vin
        self._queue: deque[str] = deque()
        self._due: dict[str, float] = {VOLTAGE: 0.0}
        self._misses = 0
        self._active_at = 0.0
        self._wake_at = 0.0
        self._wait_s = FIRST_WAKE_S
        self._lowest_v = 0.0
        self._charging = False
        self._begun = False

    def begin(self, now: float) -> None:
        """Set the adapter up from nothing: at the start, and after it was without power."""
        self._begun = True
        self.wake(now)
        self._queue.extendleft(reversed(("ATZ", "ATE0", "ATL0", "ATH1", f"ATSP{self._protocol}", VOLTAGE)))

    def wake(self, now: float) -> None:
        """Ask the vehicle anew what it can tell."""
        self.asleep = False
        self.claimed = frozenset()
        self._misses = 0
        self._active_at = now
        self._due = {VOLTAGE: self._due[VOLTAGE]}
        self._queue = deque((FIRST,))

    def next(self, now: float) -> tuple[float, str | None]:
        """The command that is due, or when one will be."""
        if not self._begun:
            self.begin(now)  # only now is it known since when the engine could have been off
        if self._parks(now):
            self._wait_s = self._pace.wake_s
            self._sleep(now)
        if self.asleep and self._pace.wake_s and now >= self._wake_at:
            self.wake(now)
            self._active_at = now + PROBE_S - self._pace.idle_s
        if self._queue:
            return now, self._queue.popleft()
        command = min(self._due, key=self._due.__getitem__)
        at = self._due[command]
        if at > now:
            return (min(at, self._wake_at) if self.asleep and self._pace.wake_s else at), None
        self._due[command] = now + self._period(command)
        if command == MODES[0]:
            self._queue.extend(MODES[1:])
        return now, command

    def wait_s(self, command: str) -> float:
        """How long its answer may take."""
        if command == "ATZ":
            return RESET_WAIT_S
        if command.startswith("AT"):
            return AT_WAIT_S
        return SEARCH_WAIT_S if command == FIRST else ANSWER_WAIT_S

    def claims(self, first: int, pids: Iterable[int], now: float) -> None:
        """A control unit says what it can tell: behind `first`, these parameters."""
        new = frozenset(pids) - self.claimed
        self.claimed |= new
        for pid in sorted(new):
            command = f"01{pid:02X}"
            if pid in MASKS and pid > first:
                self._ask(command)
            elif pid in PIDS or pid == STATUS:
                self._due.setdefault(command, now)
        if MODES[0] not in self._due:
            self._due[MODES[0]] = now
            if self._vin:
                self._ask(VIN)

    def freeze(self) -> None:
        """A code was stored: ask once for what was so at that time."""
        for pid in (CAUSE, *(pid for pid in FROZEN if pid in self.claimed)):
            self._ask(f"02{pid:02X}00")

    @property
    def freezing(self) -> bool:
        """Is there more to ask of such a frame?"""
        return any(command.startswith("02") for command in self._queue)

    def heard(self, now: float) -> None:
        """A control unit answered."""
        self._misses = 0
        self._wait_s = FIRST_WAKE_S
        if self.asleep:
            self.wake(now)

    def missed(self, now: float) -> None:
        """A question to the vehicle had no answer."""
        self._misses += 1
        if self._misses >= MISSES or not self.claimed:
            if self._charging:
                self._wait_s = min(self._wait_s, CHARGED_WAKE_S)
            self._sleep(now)

    def active(self, now: float) -> None:
        """The engine runs, or the vehicle moves."""
        self._active_at = now

    def volts(self, volts: float, now: float) -> None:
        """What the adapter measures. Where no engine speed is told, a battery that is charged means that it runs."""
        self._charging = volts >= CHARGING_V
        if self.asleep:
            self._lowest_v = min(self._lowest_v or volts, volts)
            if self._charging and volts - self._lowest_v >= WAKE_STEP_V:
                self.wake(now)
        elif 0x0C not in self.claimed and self._charging:
            self._active_at = now

    def _parks(self, now: float) -> bool:
        idle_s = self._pace.idle_s
        return not self.asleep and bool(self.claimed) and bool(idle_s) and now - self._active_at >= idle_s

    def _sleep(self, now: float) -> None:
        self.asleep = True
        self.claimed = frozenset()
        self._wake_at = now + self._wait_s
        self._wait_s = min(2 * self._wait_s, self._pace.wake_s)
        self._lowest_v = 0.0
        self._queue.clear()
        self._due = {VOLTAGE: now + self._pace.voltage_s}

    def _ask(self, command: str) -> None:
        if command not in self._queue and len(self._queue) < MAX_QUEUE:
            self._queue.append(command)

    def _period(self, command: str) -> float:
        if command == VOLTAGE:
            return self._pace.voltage_s
        if command in MODES:
            return self._pace.codes_s
        pid = int(command[2:4], 16)
        return self._pace.fast_s if pid in PIDS and PIDS[pid][0].fast else self._pace.slow_s
