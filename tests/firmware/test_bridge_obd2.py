"""OBD-II against an ELM327 that behaves as real ones and their clones do; time is made."""

import random
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest

from edge_agent.core.errors import ConfigError
from edge_agent.core.reading import Codes, Item, Notify, Reading, uuid
from firmware_bridges.obd2.words import meaning
from simulators.elm327 import Elm327
from tests.firmware.support import codes, complete, feed, language, make, said

DRIVING = {"load_pct": 40, "coolant_c": 88, "rpm": 2100, "speed_kmh": 62, "throttle_pct": 20, "voltage_v": 14.2}
RESTING = {"voltage_v": 12.4, "awake": False}


class Talk:
    """A bridge and an adapter with a line between them that takes `delay_s`."""

    def __init__(self, adapter: Elm327, bridge: Any = None, delay_s: float = 0.05) -> None:
        self.adapter = adapter
        self.bridge = bridge or make("obd2")
        self.delay_s = delay_s
        self.now = 0.0
        self.asked: list[tuple[float, str]] = []
        self.items: list[Item] = []
        self.mangle: Callable[[bytes], bytes] = lambda data: data
        self._coming: list[tuple[float, bytes]] = []

    def run(self, seconds: float) -> list[Item]:
        """Go on for so long; what the bridge said meanwhile."""
        end = self.now + seconds
        before = len(self.items)
        while self.now < end:
            while self._coming and self._coming[0][0] <= self.now:
                self.items += self.bridge.feed(self._coming.pop(0)[1], self.now)
            deadline, send = self.bridge.next(self.now)
            if send is not None:
                self.asked.append((self.now, send.payload.decode().strip()))
                answer = self.mangle(self.adapter.answer(send.payload))
                if answer:
                    self._coming.append((self.now + self.delay_s, answer))
            steps = [t for t in (deadline, self._coming[0][0] if self._coming else None) if t is not None]
            assert steps
            assert min(steps) > self.now or self._coming
            self.now = min([*steps, end]) if min(steps) > self.now else self.now + 0.001
        return self.items[before:]

    def commands(self, since: float = 0.0) -> list[str]:
        return [command for at, command in self.asked if at >= since]


def talk(*quirks: str, values: dict[str, Any] | None = None, **options: Any) -> Talk:
    adapter = Elm327(frozenset(quirks))
    adapter.values = DRIVING if values is None else values
    return Talk(adapter, make("obd2", **options))


def last_codes(items: list[Item]) -> dict[str, list[str]]:
    """The newest list of each control unit."""
    return {i.memory: [code.code for code in i.codes] for i in items if isinstance(i, Codes)}


QUIRKS = [(), *((quirk,) for quirk in sorted(Elm327.QUIRKS)), tuple(sorted(Elm327.QUIRKS))]


@pytest.mark.parametrize("quirks", QUIRKS)
def test_every_clone_gives_the_values_and_the_codes(quirks: tuple[str, ...]) -> None:
    line = talk(*quirks, values=DRIVING | {"codes": "P0301 P0118 P0217 P0562 U0100"})
    items = line.run(40.0)
    told = {name: value for name, value, _ in said(items)}
    assert told["engine_speed"] == 2100
    assert told["speed"] == 62
    assert told["coolant_temperature"] == 88
    assert told["battery_voltage"] == 14.2
    assert told["mil"] is True
    unit = "" if "deaf" in quirks else "7e8"
    assert last_codes(items)[unit] == ["P0301", "P0118", "P0217", "P0562", "U0100"]
    assert codes(items) == []


@pytest.mark.parametrize("quirks", QUIRKS)
def test_never_are_two_commands_outstanding(quirks: tuple[str, ...]) -> None:
    line = talk(*quirks)
    line.run(30.0)
    times = [at for at, _ in line.asked]
    assert all(later - earlier >= line.delay_s - 1e-6 for earlier, later in pairwise(times))


def test_quick_values_come_often_and_slow_ones_seldom() -> None:
    line = talk()
    line.run(10.0)
    items = line.run(60.0)
    names = [name for name, _, _ in said(items)]
    assert 25 <= names.count("engine_speed") <= 31
    assert 1 <= names.count("coolant_temperature") <= 3
    assert line.commands(10.0).count("03") in {1, 2}


def test_only_what_the_vehicle_claims_is_asked() -> None:
    line = talk(values=DRIVING)
    line.run(60.0)
    pids = {command for command in line.commands() if command.startswith("01")}
    assert pids == {"0100", "0120", "0140", "0101", "0104", "0105", "010C", "010D", "0111", "0142"}


def test_a_lost_prompt_costs_a_moment_and_no_more() -> None:
    line = talk()
    line.run(10.0)
    line.mangle = lambda data: data.replace(b">", b"")
    items = line.run(20.0)
    assert len([name for name, _, _ in said(items) if name == "engine_speed"]) >= 5
    assert codes(items) == []


def test_an_adapter_that_falls_silent_is_asked_from_the_beginning_and_comes_back() -> None:
    line = talk()
    line.run(10.0)
    line.mangle = lambda _: b""
    line.run(60.0)
    assert "ATZ" in line.commands(20.0)
    line.mangle = lambda data: data
    items = line.run(120.0)
    assert ("engine_speed", 2100.0, "1/min") in said(items)


def test_an_adapter_that_lost_its_power_is_set_up_again() -> None:
    line = talk()
    line.run(10.0)
    line.adapter = Elm327()
    line.adapter.values = DRIVING
    line.items += line.bridge.feed(b"\r\rELM327 v1.5\r\r>", line.now)
    line.run(5.0)
    assert "ATH1" in line.commands(10.0)


def test_a_vehicle_that_does_not_answer_is_left_asleep_and_asked_ever_less() -> None:
    line = talk(values=RESTING)
    items = line.run(4 * 3600.0)
    assert ("awake", False, "") in said(items)
    to_the_vehicle = [at for at, command in line.asked if not command.startswith("AT")]
    gaps = [later - earlier for earlier, later in pairwise(to_the_vehicle)]
    assert len(to_the_vehicle) <= 13
    assert max(gaps) >= 1800.0
    assert codes(items) == []


def test_an_engine_that_is_off_lets_the_vehicle_sleep_though_it_still_answers() -> None:
    line = talk()
    line.run(20.0)
    line.adapter.values = DRIVING | {"rpm": 0, "speed_kmh": 0, "voltage_v": 12.4}
    line.run(320.0)
    since = line.now
    items = line.run(600.0)
    assert set(line.commands(since)) == {"ATRV"}
    assert {name for name, _, _ in said(items)} <= {"battery_voltage"}
    assert len(said(items)) <= 12


def test_an_engine_that_is_off_is_asked_at_first_however_long_the_gateway_has_been_on() -> None:
    line = talk(values=DRIVING | {"rpm": 0, "speed_kmh": 0, "voltage_v": 12.4})
    line.now = 7000.0
    items = line.run(280.0)
    assert ("awake", False, "") not in said(items)
    assert line.commands(line.now - 5.0).count("010C") >= 2
    line.run(60.0)
    assert "010C" not in line.commands(line.now - 5.0)


def test_an_alternator_that_begins_to_charge_wakes_it_within_seconds() -> None:
    line = talk(values=RESTING)
    line.run(600.0)
    line.adapter.values = DRIVING
    items = line.run(10.0)
    assert ("awake", True, "") in said(items)
    assert ("speed", 62, "km/h") in said(items)


def test_values_of_a_vehicle_that_sleeps_are_none_with_the_reason() -> None:
    line = talk()
    line.run(20.0)
    line.adapter.values = RESTING
    items = line.run(60.0)
    reasons = {i.channel.name: i.reason for i in items if isinstance(i, Reading) and i.value is None}
    assert reasons["thing.engine_speed"] == "the vehicle is asleep"
    assert "thing.battery_voltage" not in reasons


def test_codes_that_are_gone_are_an_empty_list_and_codes_not_read_are_none() -> None:
    line = talk(values=DRIVING | {"codes": "P0301"}, codes_s=10.0)
    assert last_codes(line.run(20.0)) == {"7e8": ["P0301"]}
    line.mangle = lambda data: b"CAN ERROR\r\r>" if b"43" in data or b"47" in data else data
    assert last_codes(line.run(30.0)) == {}
    line.mangle = lambda data: data
    line.adapter.values = DRIVING
    assert last_codes(line.run(30.0)) == {"7e8": []}


def test_a_new_code_comes_with_what_was_so_when_it_was_stored() -> None:
    line = talk(values=DRIVING | {"codes": "P0217"})
    items = line.run(30.0)
    (told, *_) = [i for i in items if isinstance(i, Codes)]
    (code,) = told.codes
    assert code.meaning == "engine too hot"
    assert ("engine_speed", 2100.0, "1/min") in code.frame
    assert ("coolant_temperature", 88, "Cel") in code.frame


def script(*answers: tuple[str, str]) -> list[Codes]:
    """A round of codes with these answers; all else is what a plain adapter says."""
    line = talk()
    known = {f"{command}\r".encode(): f"{text}\r\r>".encode() for command, text in answers}
    plain = line.adapter.answer
    line.adapter.answer = lambda data: known.get(data) or plain(data)  # type: ignore[method-assign]
    return [i for i in line.run(40.0) if isinstance(i, Codes)]


def test_two_units_without_codes_are_not_one_with_a_wrong_one() -> None:
    for lists in script(("03", "43 00 \r43 00")):
        assert lists.codes == ()
    for lists in script(("03", "4300 4300")):
        assert lists.codes == ()


def test_the_number_of_codes_stands_in_front_on_can_only() -> None:
    kwp = script(("03", "87 F1 10 43 03 01 01 33 00 00 03"))
    assert [code.code for code in kwp[0].codes] == ["P0301", "P0133"]
    can = script(("03", "7E8 06 43 02 03 01 01 33"))
    assert [code.code for code in can[0].codes] == ["P0301", "P0133"]
    bare = script(("03", "43 03 01 01 33 00 00"))
    assert [code.code for code in bare[0].codes] == ["P0301", "P0133"]


def test_pending_and_permanent_codes_say_so_and_each_is_told_once() -> None:
    lists = script(("03", "7E8 04 43 01 03 01"), ("07", "7E8 06 47 02 03 01 01 33"), ("0A", "7E8 04 4A 01 04 20"))
    said_of = {code.code: (code.pending, code.permanent) for code in lists[0].codes}
    assert said_of == {"P0301": (False, False), "P0133": (True, False), "P0420": (False, True)}


def test_answers_of_two_units_in_several_frames_that_mix_are_told_apart() -> None:
    answer = "7E8 10 0C 43 05 03 01 01 18\r7E9 10 08 43 03 07 00 07 15\r7E8 21 02 17 05 62 C1 00\r7E9 21 07 20"
    lists = {told.memory: [code.code for code in told.codes] for told in script(("03", answer))}
    assert lists["7e8"] == ["P0301", "P0118", "P0217", "P0562", "U0100"]
    assert lists["7e9"] == ["P0700", "P0715", "P0720"]


def test_the_number_of_the_vehicle_is_told_only_where_it_is_asked_for() -> None:
    vin = b"7E8 10 14 49 02 01 57 50 30\r7E8 21 5A 5A 5A 39 39 5A 54\r7E8 22 53 33 39 32 31 32 34\r\r>"
    assert said(feed(make("obd2"), [vin])) == []
    assert ("vin", "WP0ZZZ99ZTS392124", "") in said(feed(make("obd2", vin=True), [vin]))
    parts = b"".join(
        b"49 02 0%d %s\r" % (number, part)
        for number, part in enumerate(
            (b"00 00 00 57", b"50 30 5A 5A", b"5A 39 39 5A", b"54 53 33 39", b"32 31 32 34"), 1
        )
    )
    assert ("vin", "WP0ZZZ99ZTS392124", "") in said(feed(make("obd2", vin=True), [parts]))
    line = talk()
    line.run(60.0)
    assert "0902" not in line.commands()


def test_the_engine_speaks_for_the_vehicle_where_two_units_tell_the_same() -> None:
    items = feed(make("obd2"), [b"7E9 03 41 0D 33\r7E8 03 41 0D 32\r7E9 03 41 0D 33\r>"])
    assert [value for name, value, _ in said(items) if name == "speed"] == [51, 50]


@pytest.mark.parametrize("trouble", ["CAN ERROR", "BUS BUSY", "BUFFER FULL", "BUS INIT: ...ERROR", "DATA ERROR"])
def test_trouble_of_the_bus_is_a_fault_in_words(trouble: str) -> None:
    (fault,) = make("obd2").feed(f"{trouble}\r\r>".encode(), 0.0)
    assert fault.code == "bus"  # type: ignore[union-attr]


@pytest.mark.parametrize("trouble", ["NO DATA", "UNABLE TO CONNECT", "STOPPED", "?", "SEARCHING..."])
def test_what_is_usual_is_none(trouble: str) -> None:
    assert feed(make("obd2"), [f"{trouble}\r\r>".encode()]) == []


def test_messages_of_no_length_are_no_messages() -> None:
    assert said(feed(make("obd2"), [b"7E8 10 00 49 02 01 57 50 30\r7E8 21 00\r000\r0: \r0:41\r>"])) == []
    assert said(feed(make("obd2"), [b"7E8 00\r7E8\r18DAF111\r18DAF11100\r>"])) == []


def test_an_adapter_over_ble_is_read_as_one_on_a_cable() -> None:
    assert ("speed", 50, "km/h") in said(feed(make("obd2"), [Notify(uuid(0xFFF1), b"7E8 03 41 0D 32\r>")]))


@pytest.mark.parametrize(("option", "value"), [("fast_s", 0.0), ("codes_s", -1.0), ("protocol", "X")])
def test_options_that_make_no_sense_say_what_to_write(option: str, value: Any) -> None:
    spec = language("obd2")
    with pytest.raises(ConfigError):
        spec.make("engine", complete(spec, {option: value}))


@pytest.mark.parametrize("seed", range(8))
def test_no_line_noise_stops_it_for_long(seed: int) -> None:
    chance = random.Random(seed)
    line = talk()

    def noise(data: bytes) -> bytes:
        kind = chance.randrange(6)
        if kind == 0:
            return b""
        if kind == 1:
            return chance.randbytes(40) + data
        return data[: chance.randrange(len(data) + 1)] if kind == 2 else data

    line.mangle = noise
    line.run(300.0)
    line.mangle = lambda data: data
    items = line.run(150.0)
    assert ("engine_speed", 2100.0, "1/min") in said(items)


def test_a_code_is_told_in_words() -> None:
    assert meaning("P0301") == "cylinder 1 misfires"
    assert meaning("P0312") == "cylinder 12 misfires"
    assert meaning("P0118") == "engine coolant temperature sensor: signal too high"
    assert meaning("P0141") == "oxygen sensor 2 of bank 1: fault in its heater"
    assert meaning("P1234") == "defined by the vehicle's maker: see its manual"
    assert meaning("P3456") == ""


def test_no_code_is_without_a_short_phrase_that_raises() -> None:
    for letter in "PCBU":
        for number in range(0x4000):
            assert len(meaning(f"{letter}{number:04X}")) <= 200
