"""A playbook on simulated devices, without waiting: physics, bytes, bridges, checks and remedies in one made time.

Devices speak their real language to real bridges; checks, diagnoses and remedies are those of the agent. Only time is
made: a second passes when everything of the one before was said.
"""

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from edge_agent.config.playbooks import load_playbook
from edge_agent.core.clock import Instant
from edge_agent.core.errors import ConfigError
from edge_agent.core.finding import Finding, FindingState, Severity
from edge_agent.core.health import Health
from edge_agent.core.playbook import Deed, Diagnosis, Remedy
from edge_agent.core.ports import Bridge
from edge_agent.core.reading import Advert, Chunk, Codes, Item, Level, Reading, Send
from edge_agent.services.diagnoses import Diagnoses, own_checks
from edge_agent.services.register import Register
from edge_agent.services.remedies import Remedies, Senses, Try
from edge_agent.services.troubles import Troubles
from edge_agent.services.watch import CheckSetting, Watches
from edge_agent.texts import texts
from firmware_bridges.registry import language
from simulators.emitter import Answerer
from simulators.emitters import BTHOME_SERVICE, EMITTERS
from simulators.scenario import DeviceSpec, FaultSpec, load_scenario

START = datetime(2026, 1, 1, tzinfo=UTC)
RSSI_DBM = -62
MAX_QUESTIONS = 64
# A hung device starts anew by these.
CURES = frozenset({Deed.RESET_DEVICE, Deed.POWER_CYCLE})
_SETTINGS = ("min", "max", "hysteresis", "per_s", "window_s")


class Line(NamedTuple):
    """One line of the story: `what` is fault, sign, over, diagnosis, remedy or offer."""

    at_s: float
    what: str
    text: str


class _Device:
    """A device and the bridge that hears it."""

    def __init__(self, spec: DeviceSpec) -> None:
        self.spec = spec
        known = language(spec.language)
        defaults = {name: option.default for name, option in known.options.items()}
        self.bridge: Bridge = known.make(spec.name, {**defaults, **spec.options})
        self.faults: set[str] = set()
        self.due_s = 0.0
        self._emitter = EMITTERS[spec.language]() if spec.language in EMITTERS else None
        self._level: bool | None = None

    def speak(self, values: Mapping[str, Any], at: float) -> list[Item]:
        """What the agent would hear of this."""
        if self.faults & {"silent", "unplugged"}:
            return []
        chunk = self._chunk(values, at)
        items = list(self.bridge.feed(chunk, at)) if chunk else []
        if isinstance(self._emitter, Answerer):
            items = self._asked(self._emitter, at)
        return items

    def _asked(self, emitter: Answerer, at: float) -> list[Item]:
        """All that is due now is asked and answered; the line takes no time."""
        items: list[Item] = []
        for _ in range(MAX_QUESTIONS):
            _, due = self.bridge.next(at)
            if due is None:
                break
            items += self.bridge.feed(emitter.answer(due.payload), at) if isinstance(due, Send) else [due]
        return items

    def _chunk(self, values: Mapping[str, Any], at: float) -> Chunk | None:
        if self._emitter is None:
            active = bool(values["active"])
            changed, self._level = active != self._level, active
            return Level(active) if changed else None
        data = self._emitter.frame(values, START + timedelta(seconds=at))
        if "garbage" in self.faults:
            data = data[: len(data) // 2]
        if self.spec.transport != "ble":
            return data
        return Advert(self.spec.address, self.spec.label, RSSI_DBM, {BTHOME_SERVICE: data}, {})


class _Tool:
    """A remedy on a simulated device."""

    def __init__(self, deed: Deed, devices: Mapping[str, _Device]) -> None:
        self._deed = deed
        self._devices = devices

    def why_not(self, device: str) -> str:
        """Radios and lines have no port; all else can be tried here."""
        spec = self._devices[device].spec
        ported = self._deed not in (Deed.REOPEN_PORT, Deed.RESET_DEVICE) or spec.transport == "serial"
        return "" if ported else "it has no port of its own"

    async def do(self, device: str, remedy: Remedy) -> None:  # noqa: ARG002 - the Tool contract
        """A device that hangs is cured by starting anew; one that is unplugged by nobody here."""
        if self._deed in CURES:
            self._devices[device].faults.discard("silent")


class Story:
    """`run` lets the time pass; then `lines` are the story. Raises ConfigError where playbook or scenario are wrong."""

    def __init__(self, file: str, scenario: str, seed: int, tongue: str, may: frozenset[str]) -> None:
        self._playbook = load_playbook(file)
        self._scenario = load_scenario(scenario)
        self.lines: list[Line] = []
        self.diagnosed = 0
        self._now_s = 0.0
        self._ids = 0
        self._physics = self._scenario.physics(seed)
        self._faults = sorted(self._scenario.faults, key=lambda fault: fault.at_s)
        self._latest: dict[str, Reading] = {}
        self._begun: list[Diagnosis] = []
        kinds = self._cast()
        self._devices = {spec.name: _Device(spec) for spec in self._scenario.devices if spec.name in kinds}
        words = texts(tongue)
        given = [each for each in map(_check, self._scenario.checks) if each.channel.partition(".")[0] in kinds]
        checks = (*given, *own_checks([self._playbook], kinds))
        register = Register(self, self._changed)
        self._watches = Watches(checks, self, self._new_id, register, self._quiet_since, words)
        self._troubles = Troubles(self, self._new_id, words, register.findings, register.tell)
        self._remedies = Remedies(
            self,
            {deed: _Tool(deed, self._devices) for deed in Deed},
            may,
            Senses(self._value, self._quiet_since),
            words,
            save=lambda _: None,
            told=self._tried,
            gave_up=self._gave_up,
            sleep=self._sleep,
        )
        self._diagnoses = Diagnoses([self._playbook], kinds, register, self, self._new_id, words, self._begun.append)

    def _cast(self) -> dict[str, str]:
        """The devices that the playbook is for or looks at, by name, and their kinds."""
        book = self._playbook
        kinds = {spec.name: spec.kind or spec.name for spec in self._scenario.devices}
        looked_at = {sign.kind for signs in book.match[:3] for sign in signs}
        if not any(map(book.fits, kinds.values())):
            raise ConfigError(
                f"{book.name} is for {', '.join(book.kinds)}, and this scenario has no such device",
                fix=f'It has {", ".join(sorted(kinds.values()))}; say kind = "..." at a device of it',
            )
        return {name: kind for name, kind in kinds.items() if book.fits(kind) or kind in looked_at}

    @property
    def summary(self) -> str:
        """One line."""
        times = f"{self.diagnosed} time{'' if self.diagnosed == 1 else 's'}"
        made = f"made its diagnosis {times}" if self.diagnosed else "found nothing"
        return f"{self._playbook.name} {made} in {self._now_s / 3600:.1f} h of the scenario {self._scenario.name}."

    def run(self, seconds: float) -> None:
        """Let this much time pass, and remedies end."""
        asyncio.run(self._run(seconds))

    def now(self) -> Instant:
        """The story's time."""
        return Instant(self._now_s, "story", START.timestamp() + self._now_s, True)

    async def _run(self, seconds: float) -> None:
        while self._now_s < seconds:
            self._second()
            while self._begun:
                await self._remedies.treat(self._begun.pop(0))

    async def _sleep(self, seconds: float) -> None:
        """A remedy waits: the world goes on."""
        for _ in range(max(1, round(seconds))):
            self._second()

    def _second(self) -> None:
        self._now_s += 1.0
        self._physics.advance(1.0)
        for fault in self._faults:
            self._break(fault)
        for device in self._devices.values():
            if device.due_s <= self._now_s:
                device.due_s = self._now_s + max(1.0, device.spec.cadence_s)
                values = {key: self._physics.value(source) for key, source in device.spec.values.items()}
                for item in device.speak(values, self._now_s):
                    self._hear(item)
            gone = "unplugged" in device.faults
            self._watches.condition(device.spec.name, Health(not gone, "its plug is out" if gone else "listening"))
        self._watches.tick(self._now_s)
        self._diagnoses.tick(self._now_s)

    def _hear(self, item: Item) -> None:
        if isinstance(item, Codes):
            self._troubles.see(item)
        elif isinstance(item, Reading):
            self._latest[item.channel.name] = item
            self._watches.see(item)

    def _break(self, fault: FaultSpec) -> None:
        """Faults begin and end in the scenario's own time; the physics break their models by themselves."""
        say, at_s, until_s = (
            partial(self._say, "fault"),
            *(round(each * self._scenario.speed) for each in (fault.at_s, fault.until_s)),
        )
        device = self._devices.get(fault.device)
        name, words = fault.model or fault.device, fault.kind.replace("_", " ")
        if self._now_s == max(1, at_s):
            say(f"{name}: {words} begins")
            if device is not None:
                device.faults.add(fault.kind)
        elif self._now_s == until_s and device is not None:
            say(f"{name}: {words} ends")
            device.faults.discard(fault.kind)

    def _changed(self, finding: Finding) -> None:
        confirmed = finding.state is FindingState.CONFIRMED
        if finding.kind == self._playbook.name:
            self.diagnosed += confirmed and finding.count > self.diagnosed
            self._say("diagnosis" if confirmed else "over", finding.sentence)
        elif not finding.cause:
            self._say("sign" if confirmed else "over", f"{finding.key}: {finding.sentence}")
        self._diagnoses.see(finding)

    def _tried(self, _: Try, sentence: str) -> None:
        self._say("remedy", sentence)

    def _gave_up(self, diagnosis: Diagnosis, tried: str) -> None:
        self._say("offer", "nothing helped; help is offered, and a call carries what was tried")
        self._diagnoses.offer(diagnosis, tried)

    def _say(self, what: str, text: str) -> None:
        self.lines.append(Line(self._now_s, what, text))

    def _new_id(self) -> bytes:
        self._ids += 1
        return self._ids.to_bytes(16)

    def _value(self, channel: str) -> Any:
        reading = self._latest.get(channel)
        return None if reading is None else reading.value

    def _quiet_since(self, subject: str) -> float | None:
        names = (subject, f"{subject}.")
        times = [r.at for name, r in self._latest.items() if name == names[0] or name.startswith(names[1])]
        return max(times, default=None)


def _check(table: Mapping[str, Any]) -> CheckSetting:
    """A [[check]] of a scenario, as the agent's configuration would have it."""
    settings = {name: table.get(name) for name in _SETTINGS} | {"hysteresis": table.get("hysteresis", 0.0)}
    severity = Severity(table.get("severity", "warning"))
    delays = table.get("confirm_s", 0.0), table.get("clear_s", 0.0)
    return CheckSetting(str(table["channel"]), str(table["kind"]), settings, *delays, severity)
