"""The device's half in C with the gateway's end, over a link that loses and spoils: what is held arrives once."""

from collections.abc import Callable, Iterator
from typing import Any
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.reading import Handover, Reading, Send
from firmware_bridges.native.bodies import body_of
from firmware_bridges.native.bridge import Native
from firmware_bridges.native.host import Host, Outcome
from firmware_bridges.native.messages import (
    Ack,
    Beat,
    Channels,
    Crash,
    Data,
    Described,
    Event,
    Hello,
    Log,
    Smp,
    Status,
    Type,
)
from firmware_bridges.native.wire import encode
from tests.firmware.native_c import CDevice

STEP_MS = 50


def run(host: Host, device: CDevice, start_ms: int, for_ms: int, lose: Callable[[], bool] = bool) -> Iterator[Any]:
    """Both ends at work, each with its turn every 50 ms; `lose` says which write of which side is lost."""
    for now_ms in range(start_ms, start_ms + for_ms, STEP_MS):
        _, out = host.due(now_ms / 1000)
        if out and not lose():
            device.feed(out, now_ms)
        device.poll(now_ms)
        said = device.take()
        if said and not lose():
            yield from host.feed(said, now_ms / 1000)


def test_it_says_who_it_is_what_its_channels_are_and_that_it_lives() -> None:
    device, host = CDevice(), Host()
    said = list(run(host, device, 0, 1200))
    assert said[0] == host.hello
    assert host.hello == Hello(1, 0, "Acme", "panel", "1.0", "b1", b"\1\2", 1000, "power", 248, 7, 2, 1000)
    channels = {n: d for each in said if isinstance(each, Channels) for n, d in each.described.items()}
    assert channels == {0: Described("temperature", "Cel", 0), 1: Described("help", "", 2)}
    (beat,) = [each for each in said if isinstance(each, Beat)]
    assert (beat.uptime_ms, beat.boot) == (1000, 1000)
    assert beat.rx_ok > 0
    assert (host.bad, host.lost, beat.rx_bad) == (0, 0, 0)


def test_values_logs_and_what_the_port_does_not_take() -> None:
    device, host = CDevice(), Host()
    device.take()
    assert device.data(65250, 21.5)
    assert device.log(2, "valve slow", 70000)
    assert list(host.feed(device.take(), 0.0)) == [Data(65250, {0: 21.5}), Log(2, 70000, "valve slow")]
    device.full = True
    assert not device.data(1, 1.0)
    device.full = False
    (beat,) = [each for each in run(host, device, 1000, 1200) if isinstance(each, Beat)][:1]
    assert beat.tx_dropped == 1


def test_a_command_is_done_once_and_answered_each_time_it_comes() -> None:
    device, host, ends = CDevice(), Host(), list[Outcome]()
    list(run(host, device, 0, 200))
    n = host.command("relay", {"on": True}, 0.2, ends.append)
    device.full = True  # the answers are lost
    list(run(host, device, 200, 2500))
    device.full = False
    list(run(host, device, 2700, 3000))
    assert [verb for verb, _ in device.obeyed] == ["relay"]
    assert device.obeyed[0][1] == b"\x81\xa2on\xc3"
    assert ends == [Outcome(n, Status.OK)]
    device.status = Status.BAD_ARGUMENT
    host.command("x" * 60, None, 6.0, ends.append)
    list(run(host, device, 6000, 500))
    assert device.obeyed[1][0] == "x" * 24, "a verb has at most 24 bytes"
    assert ends[1].status == Status.BAD_ARGUMENT


def test_what_passes_through_is_handed_on_as_it_is() -> None:
    device, host = CDevice(), Host()
    list(run(host, device, 0, 200))
    host.smp(bytes(range(200)))
    assert Smp(bytes(range(200))) in list(run(host, device, 200, 200))


def test_a_held_event_is_repeated_ever_more_rarely_until_it_is_acknowledged() -> None:
    device, host = CDevice(), Host()
    list(run(host, device, 0, 200))
    assert device.call("help", 1000)
    heard = [each for each in run(host, device, 1000, 40_000) if isinstance(each, Event)]
    ages = [each.age_ms for each in heard]
    assert ages[:6] == [0, 250, 750, 1750, 3750, 7750]
    assert len({(each.boot, each.n) for each in heard}) == 1
    assert device.holding
    device.feed(encode(Type.ACK, 1, body_of(Ack(Type.EVENT, 1, Status.FAILED, heard[0].boot))[1]), 41_000)
    assert device.holding, "what failed there is held here"
    device.feed(host.receipt(heard[0]), 41_000)
    assert not device.holding
    assert not [each for each in run(host, device, 41_000, 20_000) if isinstance(each, Event)]


def test_it_holds_four_events_and_says_when_it_can_hold_no_more() -> None:
    device = CDevice()
    assert [device.call(f"event{n}", 0) for n in range(5)] == [True] * 4 + [False]


def test_what_is_held_survives_a_reset_and_keeps_its_name_and_a_power_cut_begins_a_boot_of_another_number() -> None:
    device, host = CDevice(), Host()
    device.call("help", 100)
    (first,) = [each for each in host.feed(device.take(), 0.1) if isinstance(each, Event)]
    device.start(0, b"watchdog")
    device.call("pump", 100)
    heard = [each for each in run(host, device, 200, 300) if isinstance(each, Event)]
    assert {(each.name, each.boot, each.n) for each in heard} == {
        ("help", first.boot, first.n),
        ("pump", first.boot + 1, 1),
    }
    assert host.hello is not None
    assert host.hello.reason == "watchdog"
    device.start(0, power_cut=True)
    assert not device.holding
    list(host.feed(device.take(), 1.0))
    assert host.hello.boot not in (first.boot, first.boot + 1)


def test_a_reset_while_something_is_written_spoils_that_alone() -> None:
    device, host = CDevice(), Host()
    device.call("pump", 0)
    device.call("help", 0)
    device.take()
    place = device.memory.raw.index(b"pump")
    device.memory[place] = b"X"  # half written
    device.start(0, b"watchdog")
    names = {each.name for each in run(host, device, 0, 400) if isinstance(each, Event)}
    assert names == {"help"}


def test_a_crash_is_noted_before_the_reset_and_told_after_it() -> None:
    device, host = CDevice(), Host()
    stack = list(range(100, 140))
    device.crash(0x123C, 0x1251, stack, 912_345)
    device.take()
    device.start(0, b"fault")
    (crash,) = [each for each in run(host, device, 0, 400) if isinstance(each, Crash)]
    assert (crash.pc, crash.lr, crash.psr, crash.cfsr, crash.uptime_ms) == (
        0x123C,
        0x1251,
        0x61000000,
        0x10000,
        912_345,
    )
    assert (crash.boot, crash.build, crash.what) == (1000, "b1", "hard fault")
    assert crash.stack == b"".join(word.to_bytes(4, "little") for word in stack[:16])
    device.feed(host.receipt(crash), 500)
    assert not device.holding


def test_a_long_crash_record_comes_in_chunks() -> None:
    device, host = CDevice(), Host()
    crash = Crash(b"\1\2", 1000, 9, 1, 2, stack=bytes(range(256)) * 8)
    kind, body = body_of(crash)
    device.take()
    for _ in range(2):
        device.chunks(kind, 9, body, crc32(body))
    wire = device.take()
    spoiled = wire[:300] + b"\x55" + wire[301:]
    assert crash in list(host.feed(spoiled, 0.0)), "what was spoiled came with the repetition"


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_over_any_link_a_held_event_reaches_the_disk_once_and_the_device_learns_it(data: st.DataObject) -> None:
    """Losses both ways, resets of the device, restarts of the gateway: as core.ports has it, and the ledger's word."""
    losses = data.draw(st.lists(st.booleans(), max_size=40))
    device, bridge, disk, cases = CDevice(), made(), set(), []
    lose = (losses.pop(0) if losses else False for _ in iter(int, 1))
    resets = data.draw(st.sets(st.integers(1, 60), max_size=3))
    restarts = data.draw(st.sets(st.integers(1, 60), max_size=3))
    crashes = data.draw(st.sets(st.integers(1, 60), max_size=2))
    device.call("help", 0)
    waiting: set[str] = set()
    for step in range(400):
        now_ms = step * STEP_MS
        if step in resets:
            device.start(now_ms, b"watchdog")
        if step in restarts:
            bridge = made()
        if step in crashes:
            waiting.clear()  # the gateway dies with what it has not saved
        _, item = bridge.next(now_ms / 1000)
        if isinstance(item, Send) and not next(lose):
            device.feed(item.payload, now_ms)
        device.poll(now_ms)
        said = device.take()
        disk |= waiting
        waiting.clear()
        for item in bridge.feed(said, now_ms / 1000) if said and not next(lose) else ():
            if isinstance(item, Handover):
                if item.key in disk:
                    if not next(lose):
                        device.feed(item.receipt.payload, now_ms)
                else:
                    cases.append(item.key)
                    waiting.add(item.key)
    assert not device.holding
    assert len(disk) == 1
    assert set(cases) == disk


def made() -> Native:
    return Native("panel", {"max_channels": 64, "log": True})


@pytest.mark.parametrize("beats", [2, 4])
def test_silence_is_told_after_three_beats(beats: int) -> None:
    device, bridge = CDevice(), made()
    list(bridge.feed(device.take(), 0.0))
    said = []
    for tenth in range(10 * beats):
        _, item = bridge.next(tenth / 10)
        if isinstance(item, Reading):
            said.append((item.channel.name, item.value))
    assert said == ([("panel.alive", False)] if beats > 3 else [])
