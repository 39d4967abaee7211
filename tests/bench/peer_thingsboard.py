"""peer: the whole path against ThingsBoard IoT Gateway, from a local MQTT broker to what a cloud has counted.

Both get the same readings from the same feed: JSON messages with QoS 1 through a local mosquitto, out through a cable
of their own to another mosquitto, neither with persistence, to a cloud that counts the number in each reading.
"""

import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.bench.measure import Figure, Found, Remark, Run
from tests.bench.peer import rig as rigs
from tests.bench.peer import thingsboard
from tests.bench.peer.cloud import AGENT, THINGSBOARD, Count
from tests.bench.peer.feed import SENSORS, feed
from tests.bench.peer.rig import NotMeasuredError, Rig, background, say
from tests.bench.store import Flash, flash_device

BOTH = (AGENT, THINGSBOARD)
FLOOD = 20_000
WARM_UP = 1000
# Of ours once more, so long that the ticks at its ends do not count.
LONG_FLOOD = 200_000
# A flood's rate is taken when this share has come: both let the last few wait for company.
SHARE = 0.97
KILLED, KILLED_PER_S = 10_000, 1000.0
SILENT_PER_S = 500.0
BACKLOG_PER_S = 2000.0
ALARMS_PER_S = 20.0
# The aims of this path (docs/performance.md): CPU a reading against the peer's, first byte after the link's return.
CPU_AIM = 1 / 50
FIRST_BYTE_AIM_S = 2.0


class Form(NamedTuple):
    """How long: seconds of quiet running, of black hole and of alarms, readings of backlog, rounds of the kill."""

    steady_s: float
    hole_s: float
    backlog: int
    alarms_s: float
    kills: int


QUICK, FULL = Form(15.0, 20.0, 20_000, 25.0, 1), Form(40.0, 40.0, 100_000, 60.0, 1)


class Steady(NamedTuple):
    """What one of them cost by itself; bytes to flash are None where they could not be counted."""

    start_s: float
    idle_mb: float
    peak_mb: float
    cpu_share: float
    flood_per_s: float
    cpu_us: float
    flash_slow: float | None
    flash_flood: float | None
    lost: int


def run(run: Run) -> Iterator[Found]:
    form = QUICK if run.quick else FULL
    try:
        venv = thingsboard.environment()
        yield Remark(f"{THINGSBOARD} {thingsboard.version(venv)}, storage sqlite; the agent from this tree")
        bench = Bench(run, form, venv)
        yield from bench.steady()
        yield from bench.killed()
        yield from bench.silent()
        yield from bench.urgent()
    except NotMeasuredError as error:
        yield Remark(f"not measured: {error}")


class Bench:
    """Each method is one scenario on a rig of its own, and ends all it started."""

    def __init__(self, run: Run, form: Form, venv: Path) -> None:
        self._run = run
        self._form = form
        self._venv = venv

    def _started(self, rig: Rig, data: dict[str, Path]) -> None:
        for name, folder in data.items():
            where = folder, rig.local, rig.ports[name]
            if name == AGENT:
                rig.add(rigs.agent(*where))
            else:
                rig.add(thingsboard.gateway(*where, venv=self._venv, logs=self._run.new_folder()))

    def _both(self, stack: ExitStack) -> Rig:
        rig = stack.enter_context(Rig(self._run.new_folder(), BOTH))
        self._started(rig, {name: self._run.new_folder() for name in BOTH})
        rig.ready()
        time.sleep(2.0)
        return rig

    # -- alone: what it costs ------------------------------------------------------------------------------------------

    def steady(self) -> Iterator[Found]:
        found: dict[str, Steady] = {}
        for name in BOTH:
            with ExitStack() as stack:
                flash = self._flash(stack)
                if isinstance(flash, Remark):
                    yield flash
                    flash = None
                found[name] = self._alone(name, flash, stack)
        ours, peer = found[AGENT], found[THINGSBOARD]
        for field, label, unit, note in (
            ("flood_per_s", f"flood of {FLOOD:,}", "readings/s", f"{SHARE:.0%} of them"),
            ("cpu_us", f"flood of {FLOOD:,}, CPU", "us/reading", f"aim {CPU_AIM:g}"),
            ("idle_mb", "RSS idle", "MB", ""),
            ("peak_mb", "RSS peak", "MB", ""),
            ("cpu_share", f"CPU at {SENSORS} readings/s", "% of a core", f"{self._form.steady_s:.0f} s"),
            ("flash_slow", f"flash at {SENSORS} readings/s", "B/reading", ""),
            ("flash_flood", "flash in the flood", "B/reading", ""),
            ("start_s", "start to the first event at the cloud", "s", ""),
        ):
            mine, theirs = getattr(ours, field), getattr(peer, field)
            if mine is not None and theirs is not None:
                yield Figure(f"peer.{label}", mine, theirs, unit, THINGSBOARD, note=note)
        if ours.lost or peer.lost:
            yield Remark(f"lost in the flood: {ours.lost} by us, {peer.lost} by {THINGSBOARD}")
        per_s, cpu_us = self._long_flood()
        yield Figure(
            f"peer.flood of {LONG_FLOOD:,}", per_s, peer.flood_per_s, "readings/s", f"{THINGSBOARD}, {FLOOD:,}"
        )
        yield Figure(
            f"peer.flood of {LONG_FLOOD:,}, CPU", cpu_us, peer.cpu_us, "us/reading", f"{THINGSBOARD}, {FLOOD:,}"
        )

    def _flash(self, stack: ExitStack) -> Flash | Remark:
        try:
            return stack.enter_context(flash_device(self._run.new_folder(), size_mb=512))
        except (OSError, subprocess.CalledProcessError) as error:
            return Remark(f"bytes to flash are not measured (needs root, losetup and mkfs.ext4): {error}")

    def _alone(self, name: str, flash: Flash | None, stack: ExitStack) -> Steady:
        rig = stack.enter_context(Rig(self._run.new_folder(), (name,)))
        self._started(rig, {name: flash.new_folder() if flash else self._run.new_folder()})
        start_s = rig.ready()
        gateway = rig.gateways[name]
        # the store's first files are made once, and no part of what a reading costs
        feed(rig.local, WARM_UP)
        rig.wait(name, WARM_UP, quiet_s=12.0, limit_s=30.0)
        time.sleep(2.0)
        idle_mb = gateway.memory_mb("VmRSS")
        say(f"{name}: {SENSORS} readings/s for {self._form.steady_s:.0f} s")
        slow = int(SENSORS * self._form.steady_s)
        _begin(flash)
        cpu, began = gateway.cpu_s, time.monotonic()
        feed(rig.local, slow, float(SENSORS), first=WARM_UP)
        share = 100 * (gateway.cpu_s - cpu) / (time.monotonic() - began)
        rig.wait(name, WARM_UP + slow, quiet_s=12.0, limit_s=20.0)
        flash_slow = _end(flash, slow)
        say(f"{name}: a flood of {FLOOD:,}")
        _begin(flash)
        per_s, cpu_us, lost = _flood(rig, name, FLOOD, WARM_UP + slow)
        flash_flood = _end(flash, FLOOD)
        peak_mb = gateway.memory_mb("VmHWM")
        return Steady(start_s, idle_mb, peak_mb, share, per_s, cpu_us, flash_slow, flash_flood, lost)

    def _long_flood(self) -> tuple[float, float]:
        say(f"{AGENT}: a flood of {LONG_FLOOD:,}")
        with Rig(self._run.new_folder(), (AGENT,)) as rig:
            self._started(rig, {AGENT: self._run.new_folder()})
            rig.ready()
            return _flood(rig, AGENT, LONG_FLOOD, 0)[:2]

    # -- both on one feed: what is lost --------------------------------------------------------------------------------

    def killed(self) -> Iterator[Found]:
        lost: dict[str, list[int]] = {name: [] for name in BOTH}
        again: dict[str, int] = dict.fromkeys(BOTH, 0)
        for number in range(self._form.kills):
            say(f"SIGKILL after {KILLED:,} at {KILLED_PER_S:,.0f}/s, uplink cut ({number + 1} of {self._form.kills})")
            with ExitStack() as stack:
                rig = self._both(stack)
                rig.all_cables("cut")
                feed(rig.local, KILLED, KILLED_PER_S)
                for gateway in rig.gateways.values():
                    gateway.kill()
                rig.all_cables("mend")
                mended_at = time.monotonic()
                for gateway in rig.gateways.values():
                    gateway.start()
                for name in BOTH:
                    count = rig.wait(name, KILLED, quiet_s=12.0, limit_s=60.0, since=mended_at)
                    lost[name].append(KILLED - count.distinct)
                    again[name] += count.again
        yield _lost(f"lost at SIGKILL, of {KILLED:,}", lost, again)

    def silent(self) -> Iterator[Found]:
        many = int(SILENT_PER_S * self._form.hole_s)
        say(f"uplink a black hole for {self._form.hole_s:.0f} s, {SILENT_PER_S:.0f} readings/s")
        with ExitStack() as stack:
            rig = self._both(stack)
            feed(rig.local, 200, SILENT_PER_S, first=many)
            time.sleep(2.0)
            rig.all_cables("hole")
            feed(rig.local, many, SILENT_PER_S)
            rig.all_cables("mend")
            mended_at = time.monotonic()
            lost, again = {}, {}
            for name in BOTH:
                count = rig.wait(name, many + 200, quiet_s=12.0, limit_s=75.0, since=mended_at)
                lost[name], again[name] = [many + 200 - count.distinct], count.again
        yield _lost(f"lost in a black hole of {self._form.hole_s:.0f} s, of {many + 200:,}", lost, again)

    # -- both on one feed: who waits -----------------------------------------------------------------------------------

    def urgent(self) -> Iterator[Found]:
        many = self._form.backlog
        say(f"an alarm behind a backlog of {many:,} (fed at {BACKLOG_PER_S:,.0f}/s)")
        with ExitStack() as stack:
            rig = self._both(stack)
            rig.all_cables("cut")
            feed(rig.local, many, BACKLOG_PER_S)
            time.sleep(5.0)
            rig.all_cables("mend")
            mended_at = time.monotonic()
            alarms = background(feed, rig.local, int(ALARMS_PER_S * self._form.alarms_s), ALARMS_PER_S, alarm=True)
            stack.callback(alarms.stop)
            counts = {name: rig.wait(name, many, quiet_s=12.0, limit_s=90.0, since=mended_at) for name in BOTH}
            sent = alarms.answer().sent
            time.sleep(2.0)
            counts = {name: rig.count(name) for name in BOTH}
        yield from _waited(mended_at, sent, many, counts)


def _waited(mended_at: float, sent: dict[int, float], many: int, counts: dict[str, Count]) -> Iterator[Found]:
    first = [counts[name].first_at - mended_at for name in BOTH]
    note = f"aim {FIRST_BYTE_AIM_S:g} s"
    yield Figure("peer.first byte after the link's return", *first, "s", THINGSBOARD, note=note)
    ends = {name: _reached_at(counts[name], SHARE * many) for name in BOTH}
    rates = [SHARE * many / max(1e-3, ends[name] - counts[name].first_at) for name in BOTH]
    yield Figure("peer.backlog drained", *rates, "readings/s", THINGSBOARD, note=f"{SHARE:.0%} of it")
    late = [_late(sent, counts[name], ends[name]) for name in BOTH]
    if all(late):
        note = f"{len(late[0])} and {len(late[1])} alarms while the backlog drained"
        middle, longest = ([1000 * of(some) for some in late] for of in (median, max))
        yield Figure("peer.alarm behind the backlog, p50", *middle, "ms", THINGSBOARD, note=note)
        yield Figure("peer.alarm behind the backlog, longest", *longest, "ms", THINGSBOARD)
    yield _lost(f"lost of a backlog of {many:,}", {name: [many - counts[name].distinct] for name in BOTH}, {})
    gone = {name: [len(sent.keys() - counts[name].alarms.keys())] for name in BOTH}
    yield _lost(f"lost of {len(sent):,} alarms", gone, {})


def _begin(flash: Flash | None) -> None:
    if flash:
        flash.begin()


def _end(flash: Flash | None, readings: int) -> float | None:
    if not flash:
        return None
    flash.end()
    return flash.bytes / readings


def _flood(rig: Rig, name: str, many: int, first: int) -> tuple[float, float, int]:
    """Readings a second, CPU microseconds a reading, lost."""
    gateway = rig.gateways[name]
    cpu, began = gateway.cpu_s, time.monotonic()
    feed(rig.local, many, first=first)
    count = rig.wait(name, first + many, quiet_s=12.0, limit_s=150.0)
    cpu_us = 1e6 * (gateway.cpu_s - cpu) / many
    return SHARE * many / (_reached_at(count, first + SHARE * many) - began), cpu_us, first + many - count.distinct


def _lost(label: str, lost: dict[str, list[int]], again: dict[str, int]) -> Remark:
    told = [
        f"{name} {' / '.join(map(str, lost[name]))}" + (f" (twice: {again[name]})" if again.get(name) else "")
        for name in BOTH
    ]
    return Remark(f"peer.{label}: {', '.join(told)}")


def _reached_at(count: Count, many: float) -> float:
    """When so many had come; when the last one came, where they never did."""
    return next((at for at, came in count.came if came >= many), count.last_at)


def _late(sent: dict[int, float], count: Count, end: float) -> list[float]:
    """Seconds on the way of each alarm sent while the backlog drained, and of the first one after it began."""
    after = [number for number, at in sorted(sent.items()) if at >= count.first_at]
    during = [number for number in after if sent[number] <= end] or after[:1]
    return [count.alarms[number] - sent[number] for number in during if number in count.alarms]
