"""Pulses are counted in the thread that hears the edges, here on gpiozero's mock header."""

import asyncio

import pytest
from driver_helpers import until

from edge_agent.config.model import GpioInput
from edge_agent.core.reading import Reading
from edge_agent.drivers import gpio
from edge_agent.drivers.gpio import GpioDriver
from edge_agent.drivers.inputs import Counter
from firmware_bridges.registry import language

LINE = 6
OPTIONS = {"quantity": "energy", "unit": "kWh", "per_unit": 1000.0, "rate": "power", "rate_unit": "kW"}


@pytest.fixture
def counter_of(device_of, monkeypatch):
    monkeypatch.setattr(gpio, "LOOK_S", 0.02)

    def make(debounce_ms=5.0, **options):
        spec = language("pulses")
        complete = {key: option.default for key, option in spec.options.items()} | OPTIONS | options
        settings = GpioInput(name="meter", line=LINE, language="pulses", debounce_ms=debounce_ms)
        return Counter(settings, device_of(spec.make("meter", complete), "meter"))

    return make


def last(got, quantity):
    found = [item.value for item in got if isinstance(item, Reading) and item.channel.name == f"meter.{quantity}"]
    return found[-1] if found else None


async def pulse(pin, *, bounces=0, width_s=0.015):
    for level in [False, *[True, False] * bounces]:
        (pin.drive_high if level else pin.drive_low)()
    await asyncio.sleep(width_s)
    for level in [True, *[False, True] * bounces]:
        (pin.drive_high if level else pin.drive_low)()
    await asyncio.sleep(width_s)


async def test_each_pulse_counts_once_whatever_bounces_at_its_beginning_and_end(header, counter_of, got, running):
    counter = counter_of()
    running(GpioDriver(None, [], [counter]))
    await until(lambda: counter.is_open)
    assert last(got, "energy") in (None, 0.0)
    for _ in range(10):
        await pulse(header.pin(LINE), bounces=3)
    await until(lambda: last(got, "energy") == 0.01)
    await asyncio.sleep(0.06)
    assert last(got, "energy") == 0.01


async def test_the_rate_is_that_of_the_pulses_and_not_of_the_looks(header, counter_of, got, running):
    counter = counter_of()
    running(GpioDriver(None, [], [counter]))
    await until(lambda: counter.is_open)
    start = asyncio.get_running_loop().time()
    for _ in range(20):
        await pulse(header.pin(LINE))
    a_pulse_s = (asyncio.get_running_loop().time() - start) / 20
    await until(lambda: last(got, "energy") == 0.02)
    assert last(got, "power") == pytest.approx(3.6 / a_pulse_s, rel=0.5)


async def test_a_sensor_without_bounce_may_be_fast(header, counter_of, got, running):
    counter = counter_of(debounce_ms=0.0, per_unit=450.0, unit="L", rate_s=60.0)
    running(GpioDriver(None, [], [counter]))
    await until(lambda: counter.is_open)
    pin = header.pin(LINE)

    def spin():
        for _ in range(900):
            pin.drive_low()
            pin.drive_high()

    await asyncio.to_thread(spin)
    await until(lambda: last(got, "energy") == 2.0)


async def test_a_spike_is_no_pulse(header, counter_of, got, running):
    counter = counter_of(debounce_ms=10.0)
    running(GpioDriver(None, [], [counter]))
    await until(lambda: counter.is_open)
    pin = header.pin(LINE)
    for _ in range(20):
        pin.drive_low()
        pin.drive_high()
        await asyncio.sleep(0.015)
    await asyncio.sleep(0.05)
    assert last(got, "energy") == 0.0


async def test_a_contact_that_opens_for_a_moment_in_the_midst_of_a_pulse_is_one_pulse(header, counter_of, got, running):
    counter = counter_of(debounce_ms=10.0)
    running(GpioDriver(None, [], [counter]))
    await until(lambda: counter.is_open)
    pin = header.pin(LINE)
    for _ in range(3):
        pin.drive_low()
        await asyncio.sleep(0.02)
        pin.drive_high()
        pin.drive_low()
        await asyncio.sleep(0.02)
        pin.drive_high()
        await asyncio.sleep(0.02)
    await until(lambda: last(got, "energy") == 0.003)
    await asyncio.sleep(0.05)
    assert last(got, "energy") == 0.003


async def test_a_pulse_that_began_before_the_line_was_taken_does_not_count(header, counter_of, got, running):
    header.pin(LINE).drive_low()
    counter = counter_of()
    running(GpioDriver(None, [], [counter]))
    await until(lambda: counter.is_open)
    header.pin(LINE).drive_low()
    await asyncio.sleep(0.02)
    header.pin(LINE).drive_high()
    await pulse(header.pin(LINE))
    await until(lambda: last(got, "energy"))
    await asyncio.sleep(0.05)
    assert last(got, "energy") == 0.001


async def test_a_line_that_cannot_be_read_any_more_is_a_state(header, counter_of, got, running, monkeypatch):
    counter = counter_of()
    driver = GpioDriver(None, [], [counter])
    running(driver)
    await until(lambda: counter.is_open)

    def broken(_pin):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(type(header.pin(LINE)), "_get_state", broken)
    await until(lambda: not driver.devices()[0].health.ready)
    monkeypatch.undo()
