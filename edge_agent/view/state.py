"""How the agent is, in plain words: its parts and devices, its outbox, and the newest values."""

import resource
from collections.abc import Sequence
from pathlib import Path

from edge_agent import __version__
from edge_agent.control import types
from edge_agent.core.checks.base import Words
from edge_agent.core.clock import Instant
from edge_agent.core.health import code_of, condition_of, needs_of
from edge_agent.core.reading import Reading
from edge_agent.view.seen import Seen

_PAGE_BYTES = resource.getpagesize()
_STATM = Path("/proc/self/statm")


class StateView(Seen):
    """Status, queue and channels."""

    __slots__ = ()

    def status(self) -> types.Status:
        """All at a glance."""
        now = self.clock.now()
        used = resource.getrusage(resource.RUSAGE_SELF)
        own = self.texts.own
        parts = [types.Part(name, h.ready, own(h.sentence), own(h.fix), severity_of(name)) for name, h in self.health()]
        devices = self._devices(now)
        everything: list[types.Part | types.Device] = [*parts, *devices]
        return types.Status(
            version=__version__,
            gateway=self.gateway,
            site=self.site,
            uptime_s=round(now.monotonic - self.started_at, 1),
            ready=all(each.ready for each in everything),
            sentence=self._sentence(everything),
            parts=parts,
            devices=devices,
            rss_mb=round(int(_STATM.read_text("ascii").split()[1]) * _PAGE_BYTES / 1e6, 1),
            cpu_s=round(used.ru_utime + used.ru_stime, 3),
            clock_trusted=now.trusted,
            consent=sorted(self.consents.current.granted),
            open_block_readings=self.sampling.open_readings,
        )

    def queue(self) -> types.Queue:
        """The outbox."""
        now, counts = self.clock.now(), self.drain.counts
        lanes = []
        for lane, depth in self.outbox.depths().items():
            same_boot = depth.oldest_at is not None and depth.oldest_boot == now.boot_id
            lanes.append(
                types.Lane(
                    name=lane.value,
                    events=depth.events,
                    bytes=depth.bytes,
                    oldest_s=round(now.monotonic - depth.oldest_at, 1) if same_boot and depth.oldest_at else None,
                    dropped=depth.dropped,
                    in_flight=self.drain.flying(lane),
                    withheld=counts[f"withheld {lane.value}"],
                    quarantined=counts[f"quarantined {lane.value}"],
                )
            )
        return types.Queue(lanes, sent_events=counts["delivered"], sent_bytes=counts["bytes"])

    def channels(self) -> types.Channels:
        """The newest values, by name."""
        rows = sorted(self.sampling.latest.items())
        return types.Channels([self.channel(reading) for _, reading in rows])

    def channel(self, reading: Reading) -> types.Channel:
        """A reading as the console knows it."""
        age_s = round(self.clock.now().monotonic - reading.at, 3)
        return types.Channel(reading.channel.name, reading.channel.unit, reading.value, age_s, reading.reason)

    def _devices(self, now: Instant) -> list[types.Device]:
        return [
            types.Device(
                name=row.device,
                readings=row.readings,
                faults=row.faults,
                last_heard_s=None if row.last_at is None else round(now.monotonic - row.last_at, 1),
                ready=row.health.ready,
                sentence=self.texts.own(row.health.sentence),
                fix=self.texts.own(row.health.fix),
            )
            for driver in self.hardware.drivers
            for row in driver.devices()
        ]

    def _sentence(self, parts: Sequence[types.Part | types.Device]) -> str:
        # what is wrong for one reason (a radio that is away, with all its devices) is said and counted once
        wrong = list({part.sentence: part for part in reversed(_to_blame(parts))}.values())[::-1]
        confirmed = self.found.register.confirmed()
        if wrong:
            key = "status.not_well_more" if len(wrong) > 1 else "status.not_well"
            return self.texts.say(key, what=self._clause(wrong[0]), n=len(wrong) - 1)
        if confirmed:
            key = "status.findings" if len(confirmed) > 1 else "status.finding"
            gravest = max(confirmed, key=lambda finding: finding.severity.gravity)  # of several, the newest
            return self.texts.say(key, n=len(confirmed), what=_first_sentence(gravest.sentence))
        waiting, channels = sum(d.events for d in self.outbox.depths().values()), len(self.sampling.latest)
        queue = "status.nothing_waits" if not waiting else "status.waits" if waiting == 1 else "status.wait"
        return self.texts.say(
            "status.well",
            channels=self.texts.say("status.channel" if channels == 1 else "status.channels", n=channels),
            queue=self.texts.say(queue, n=waiting),
        )

    def _clause(self, part: types.Part | types.Device) -> str:
        """What is wrong, without a reason: that is for engineers, and stands at the part."""
        if isinstance(part, types.Device):
            words = Words(self.texts.say, self.texts.get)
            return self.texts.say("wrong.device", device=words.name(part.name))
        code = code_of(part.name)
        key = f"wrong.{code}" if f"wrong.{code}" in self.texts else "wrong.other"
        return self.texts.say(key, title=self.texts.get(f"health.{code}", part.name))


def _first_sentence(words: str) -> str:
    """What was found; what it rests on and what to do stand at the finding."""
    first, point, _ = words.partition(". ")
    return f"{first}{point.rstrip()}"


def severity_of(name: str) -> str:
    """What it means for the household where this part is not ready."""
    return condition_of(name).severity.value


def _to_blame(parts: Sequence[types.Part | types.Device]) -> list[types.Part | types.Device]:
    """Those that are not ready, but for parts that need another one which is not."""
    wrong = [part for part in parts if not part.ready]
    codes = {code_of(part.name) for part in wrong if isinstance(part, types.Part)}

    def led(part: types.Part | types.Device) -> bool:
        return isinstance(part, types.Part) and bool(needs_of(code_of(part.name), codes))

    return [part for part in wrong if not led(part)]
