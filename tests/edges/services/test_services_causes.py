"""A bus or a device that dies is one finding for people, with its channels behind it."""

from edge_agent.core.clock import Instant
from edge_agent.core.finding import Finding, FindingState, Severity
from edge_agent.core.guard import Guard
from edge_agent.core.health import Health
from edge_agent.core.reading import Channel, Reading
from edge_agent.services.register import Register
from edge_agent.services.watch import CheckSetting, Watches, plain

NONE = dict.fromkeys(("min", "max", "per_s", "window_s")) | {"hysteresis": 0.0}


class House:
    """Watches on some devices; time stands until it is moved."""

    def __init__(self, *settings: CheckSetting) -> None:
        self.at = 0.0
        self.told: list[Finding] = []
        self.last: dict[str, float] = {}
        self.number = 0
        self.register = Register(self, self.told.append)
        self.watches = Watches(settings, self, self._id, self.register, self._quiet_since)

    def now(self) -> Instant:
        return Instant(self.at, "boot", 1e9 + self.at, True)

    def _id(self) -> bytes:
        self.number += 1
        return self.number.to_bytes(16)

    def _quiet_since(self, subject: str) -> float | None:
        times = [at for name, at in self.last.items() if name == subject or name.startswith(f"{subject}.")]
        return max(times, default=None)

    def say(self, name: str, value: float | bool = 1.0) -> None:
        self.last[name] = self.at
        self.watches.see(Reading(Channel(name), value, self.at))

    def wait(self, seconds: float) -> None:
        for _ in range(round(seconds)):
            self.at += 1.0
            self.watches.tick(self.at)

    @property
    def news(self) -> list[tuple[str, str]]:
        """What people are told: findings that nothing explains."""
        return [(f.key, f.state.value) for f in self.told if not f.cause]


def silent(channel: str) -> CheckSetting:
    return CheckSetting(channel, "silent", NONE | {"window_s": 60.0}, 0.0, 0.0, Severity.WARNING)


def test_fifty_sensors_lost_with_one_radio_are_one_finding():
    house = House(*(silent(f"s{n}.temperature") for n in range(50)))
    house.watches.buses.update({f"s{n}": "ble" for n in range(50)})
    for n in range(50):
        house.say(f"s{n}.temperature")
    for _ in range(20):
        house.wait(5)
        house.watches.condition("ble", Health(False, "there is no adapter", "Plug it in."))
        for n in range(50):
            house.watches.condition(f"s{n}", Health(False, "there is no adapter"))
    assert house.news == [("ble:away", "confirmed")]
    assert [f.key for f in house.register.confirmed()] == ["ble:away"]
    assert house.register.confirmed()[0].sentence == "There is no adapter. Plug it in."
    assert len(house.register.findings()) == 101
    for _ in range(4):
        house.wait(5)
        house.watches.condition("ble", Health(True, "listening"))
        for n in range(50):
            house.watches.condition(f"s{n}", Health(True, "heard"))
            house.say(f"s{n}.temperature")
    assert house.news[1:] == [("ble:away", "cleared")]
    assert house.register.confirmed() == []


def test_a_device_that_dies_is_told_once_and_comes_back_once():
    house = House(silent("boiler.pressure"), silent("boiler.flow"), silent("meter.power"))
    for name in ("boiler.pressure", "boiler.flow", "meter.power"):
        house.say(name)
    house.wait(30)
    house.say("meter.power")
    house.wait(40)
    assert house.news == [("boiler:silent", "confirmed")]
    assert house.register.confirmed()[0].sentence == "Boiler says nothing on any of its channels."
    first = house.register.confirmed()[0].id
    house.say("boiler.pressure")
    assert len(house.news) == 1
    house.say("boiler.flow")
    assert house.news[1:] == [("boiler:silent", "cleared")]
    house.wait(130)
    again = next(f for f in house.register.confirmed() if f.key == "boiler:silent")
    assert again.count == 2
    assert again.id != first


def test_one_channel_that_fails_in_a_device_that_speaks_is_told_by_its_name():
    house = House(silent("boiler.pressure"), silent("boiler.flow"))
    house.say("boiler.flow")
    for _ in range(8):
        house.say("boiler.pressure")
        house.wait(10)
    assert house.news == [("boiler.flow:silent", "confirmed")]


def test_a_channel_that_was_never_heard_is_not_its_speaking_device():
    house = House(silent("boiler.pressure"), silent("boiler.flow"))
    for _ in range(8):
        house.say("boiler.pressure")
        house.wait(10)
    assert house.news == [("boiler.flow:silent", "confirmed")]


def test_what_is_explained_afterwards_is_no_news_and_leaves_the_list_of_causes():
    house = House(silent("boiler.pressure"))
    house.wait(61)
    told = len(house.told)
    house.register.explain(["boiler.pressure:silent"], "boiler:device_silent")
    assert len(house.told) == told
    assert house.register.confirmed() == []
    assert house.register.findings()[0].cause == "boiler:device_silent"
    assert plain(house.register.findings()[0])["cause"] == "boiler:device_silent"


def test_a_check_with_a_guard_waits_once_though_it_sees_two_channels():
    guard = Guard("van.engine", equals=True)
    slow = CheckSetting("van.voltage", "range", NONE | {"min": 13.2}, 60.0, 0.0, Severity.NOTICE, "not_charging", guard)
    house = House(slow)
    house.say("van.engine", True)
    house.say("van.voltage", 12.4)
    assert [finding.key for finding in house.watches.pending()] == ["van.voltage:not_charging"]
    assert [each.kind for each in house.watches.readiness()] == ["not_charging"]


def test_a_check_of_a_playbook_has_a_name_and_a_guard():
    limits = NONE | {"min": 13.2}
    guard = Guard("van.engine", equals=True)
    house = House(CheckSetting("van.voltage", "range", limits, 0.0, 0.0, Severity.NOTICE, "not_charging", guard))
    house.say("van.voltage", 12.4)
    assert house.news == []
    house.say("van.engine", True)
    house.say("van.voltage", 12.4)
    assert house.news == [("van.voltage:not_charging", "confirmed")]
    assert house.told[0].side == "low"
    assert "side" not in plain(house.told[0])
    house.say("van.engine", False)
    assert house.told[-1].state is FindingState.CLEARED
