"""Who is heard by Bluetooth, for a survey: on the simulated BlueZ, and where there are too many."""

import asyncio
import shutil

import pytest
from driver_helpers import until
from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.backoff import Backoff
from edge_agent.core.reading import Advert
from edge_agent.drivers.ble import BleDriver
from edge_agent.drivers.heard import MAX_ADDRESSES, MAX_SAMPLES, Survey, Table
from edge_agent.view.survey import ble_survey

needs_bus = pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs Debian's package dbus-daemon")
quick = pytest.mark.usefixtures("quick_ble")
BTHOME = "0000fcd2-0000-1000-8000-00805f9b34fb"
STRANGER, NEIGHBOUR = "F0:00:00:00:00:03", "4A:00:00:00:00:04"


def advert(address, rssi_dbm=-60):
    return Advert(address, "", rssi_dbm, {}, {})


def address_of(number):
    return f"C0:00:00:00:{number >> 8:02X}:{number & 0xFF:02X}"


@pytest.fixture
async def driver(bluez, running):
    driver = BleDriver({}, silence_s=60.0, backoff=Backoff(base_s=0.02, cap_s=0.05))
    running(driver)
    await until(lambda: driver.health.ready)
    return driver


@needs_bus
@quick
async def test_nothing_is_kept_until_somebody_surveys_and_then_also_who_only_repeats_himself(bluez, driver):
    loop = asyncio.get_running_loop()
    peripheral = bluez.peripheral(STRANGER, "TV")
    peripheral.advertise(service_data={BTHOME: b"\x09"}, rssi_dbm=-71)
    await asyncio.sleep(0.1)
    assert driver.survey.table(loop.time()) is None
    assert not driver.survey.on
    driver.survey.prolong(30.0, loop.time())

    def heard():
        peripheral.advertise(service_data={BTHOME: b"\x09"}, rssi_dbm=-71)
        return driver.survey.table(loop.time()).voices

    await until(heard)
    told = ble_survey(driver, {STRANGER: "tv"}, loop.time())
    (row,) = told.heard
    assert (told.ready, told.configured, told.left_out) == (True, True, 0)
    assert (row.address, row.name, row.kind, row.device) == (STRANGER, "TV", "random", "tv")
    assert (row.rssi_median_dbm, row.rssi_p10_dbm) == (-71, -71)
    assert row.service_data == {BTHOME: "09"}


@needs_bus
@quick
async def test_it_ends_by_itself_and_leaves_nothing(bluez, driver):
    loop = asyncio.get_running_loop()
    driver.survey.prolong(30.0, loop.time())
    peripheral = bluez.peripheral(NEIGHBOUR, "")

    def heard():
        peripheral.advertise(manufacturer_data={0x4C: b"\x10"}, rssi_dbm=-90)
        return driver.survey.table(loop.time()).voices

    await until(heard)
    told = ble_survey(driver, {STRANGER: "tv"}, loop.time())
    assert [row.manufacturer_data for row in told.heard] == [{"004c": "10"}]
    assert told.unheard == {STRANGER: "tv"}
    driver.survey.table(loop.time()).until = loop.time()
    await asyncio.sleep(0.01)
    peripheral.advertise(manufacturer_data={0x4C: b"\x11"}, rssi_dbm=-90)
    await until(lambda: not driver.survey.on)
    assert ble_survey(driver, {}, loop.time()).heard == []


def test_a_survey_is_prolonged_and_never_cut_short_by_somebody_else():
    afresh = []
    survey = Survey(lambda: afresh.append(True))
    survey.prolong(30.0, 100.0)
    table = survey.table(100.0)
    survey.prolong(5.0, 110.0)
    assert survey.table(129.9) is table
    survey.prolong(30.0, 129.9)
    assert survey.table(159.0) is table
    assert survey.table(160.0) is None
    assert len(afresh) == 1


def test_of_too_many_the_longest_silent_is_left_out_and_counted():
    table = Table(0.0)
    for number in range(MAX_ADDRESSES):
        table.hear(advert(address_of(number)), "random", float(number))
    table.hear(advert(address_of(0)), "random", 1000.0)
    table.hear(advert(address_of(60_000)), "random", 1001.0)
    known = [voice.advert.address for voice in table.voices]
    assert len(known) == MAX_ADDRESSES
    assert address_of(1) not in known
    assert known[-2:] == [address_of(0), address_of(60_000)]
    assert table.left_out == 1
    assert table.voices[-2].count == 2


@given(st.lists(st.integers(-127, 20), min_size=1, max_size=3 * MAX_SAMPLES))
def test_median_and_tenth_are_of_the_newest_and_ones_that_were_heard(strengths):
    table = Table(0.0)
    for at, rssi_dbm in enumerate(strengths):
        table.hear(advert(STRANGER, rssi_dbm), "", float(at))
    (voice,) = table.voices
    newest = sorted(strengths[-MAX_SAMPLES:])
    assert voice.count == len(strengths)
    for tenths in (1, 5):
        shown = voice.share_dbm(tenths)
        assert shown in newest
        assert 10 * sum(each <= shown for each in newest) >= tenths * len(newest)
        assert 10 * sum(each < shown for each in newest) <= tenths * len(newest)
