import subprocess
import sys

import gpiozero
import pytest
from driver_helpers import Plug, until
from gpiozero.pins.mock import MockFactory
from msgspec import convert

from edge_agent.config.model import Config
from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec
from edge_agent.drivers.registry import LANGUAGES, Hardware, build

SERIAL = {"name": "meter", "port": "/dev/none", "language": "textline"}
BLE = {"name": "kitchen", "address": "a4:c1:38:00:00:01", "language": "bthome"}
DOOR = {"name": "door", "line": 5, "options": {"quantity": "open"}}


def config(**tables):
    return convert(tables, Config)


def names(hardware):
    return [driver.name for driver in hardware.drivers]


def test_nothing_configured_is_nothing_built(got):
    assert build(Config(), got.append) == Hardware()


def test_each_port_has_a_driver_of_its_own_and_adverts_share_one(got):
    hardware = build(
        config(
            serial=[SERIAL, {**SERIAL, "name": "gps", "port": "/dev/none2", "language": "nmea0183"}],
            ble={"device": [BLE, {**BLE, "name": "attic", "address": "A4:C1:38:00:00:02"}]},
            gpio={"button": {"line": 17}, "lamp": {"red": 22, "green": 23}, "buzzer": {"line": 25}, "input": [DOOR]},
        ),
        got.append,
    )
    assert names(hardware) == ["gpio", "serial:meter", "serial:gps", "ble"]
    assert None not in hardware
    rows = [row.device for driver in hardware.drivers for row in driver.devices()]
    assert rows == ["door", "meter", "gps", "kitchen", "attic"]
    assert not any(row.health.ready for driver in hardware.drivers for row in driver.devices())


def test_a_button_alone_is_enough_for_the_header(got):
    hardware = build(config(gpio={"button": {"line": 17}}), got.append)
    assert names(hardware) == ["gpio"]
    assert hardware.button is not None
    assert not hardware.button.is_pressed()
    assert hardware.lamp is None


def test_an_unknown_language_is_the_authors_mistake(got):
    with pytest.raises(ConfigError, match="klingon"):
        build(config(serial=[{**SERIAL, "language": "klingon"}]), got.append)


@pytest.mark.parametrize("options", [{"nonsense": 1}, {"quantity": "NO NAME"}])
def test_options_that_make_no_sense_are_the_authors_mistake(got, options):
    with pytest.raises(ConfigError):
        build(config(gpio={"input": [{**DOOR, "options": options}]}), got.append)


def test_a_baud_of_zero_is_the_languages_own(got):
    hardware = build(config(serial=[{**SERIAL, "language": "dsmr"}, {**SERIAL, "baud": 300}]), got.append)
    assert [driver._baud for driver in hardware.drivers] == [LANGUAGES.spec("dsmr").baud, 300]


def test_all_languages_have_specs():
    assert all(isinstance(LANGUAGES.spec(name), LanguageSpec) for name in LANGUAGES.names())


def test_a_language_decides_whether_its_device_is_listened_to_or_connected_to(got):
    rows = [BLE, {**BLE, "name": "belt", "address": "A4:C1:38:00:00:02", "language": "gatt"}]
    (driver,) = build(config(ble={"device": rows}), got.append).drivers
    kitchen, belt = driver._devices.values()
    assert (kitchen.listens, kitchen.link) == (True, None)
    assert not belt.listens
    assert belt.link is not None


async def test_what_is_built_runs(got, running, tmp_path):
    gpiozero.Device.pin_factory = MockFactory()
    plug = Plug(tmp_path / "meter").plug()
    try:
        hardware = build(
            config(serial=[{**SERIAL, "port": str(plug.link), "language": "nmea0183"}], gpio={"input": [DOOR]}),
            got.append,
            by_id=tmp_path,
        )
        for driver in hardware.drivers:
            running(driver)
        await until(lambda: all(row.health.ready for driver in hardware.drivers for row in driver.devices()))
        plug.write(b"$GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,*47\r\n")
        await until(lambda: {item.channel.name for item in got if hasattr(item, "channel")} > {"door.open"})
    finally:
        plug.unplug()
        gpiozero.Device.pin_factory = None


@pytest.mark.parametrize(
    ("table", "absent"),
    [
        ({}, {"serial", "bleak", "gpiozero", "lgpio"}),
        ({"serial": [SERIAL]}, {"bleak", "gpiozero", "lgpio"}),
        ({"ble": {"device": [BLE]}}, {"serial", "gpiozero", "lgpio"}),
        ({"gpio": {"input": [DOOR]}}, {"serial", "bleak", "lgpio"}),
    ],
    ids=["nothing", "serial", "ble", "gpio"],
)
def test_only_what_is_configured_is_imported(table, absent):
    program = (
        "import sys; from msgspec import convert; from edge_agent.config.model import Config\n"
        "from edge_agent.drivers.registry import build\n"
        f"build(convert({table!r}, Config), print)\n"
        f"print(sorted({absent!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
