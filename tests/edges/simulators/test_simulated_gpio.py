import asyncio
import json
import os
import sys
import time
from itertools import pairwise

import pytest
from gpiozero import BadPinFactory, PinFixedPull, PinInvalidPull, PinSetInput, PinSPIUnsupported

from simulators.gpio.board import Board
from simulators.gpio.pins import SimulatedFactory
from tests.edges.simulators.waiting import until

BUTTON, DOOR, RED, GREEN = 17, 27, 5, 6

CHILD = """
import sys, time
from gpiozero import Button, DigitalInputDevice, RGBLED, Device
button, door = Button(17), DigitalInputDevice(27, pull_up=True)
lamp = RGBLED(5, 6, 13, pwm=False)
print("factory", type(Device.pin_factory).__name__, "door", int(door.is_active), flush=True)
button.when_pressed = lambda: (setattr(lamp, "color", (1, 0, 0)), print("pressed", flush=True))
button.when_released = lambda: (setattr(lamp, "color", (0, 1, 0)), print("released", flush=True))
sys.stdin.read()
"""


async def child_of(board, script=CHILD):
    environment = {**os.environ, "GPIOZERO_PIN_FACTORY": "edgesim", "EDGE_SIM_GPIO": str(board.path)}
    pipe = asyncio.subprocess.PIPE
    return await asyncio.create_subprocess_exec(sys.executable, "-c", script, env=environment, stdin=pipe, stdout=pipe)


async def test_an_unmodified_gpiozero_program_sees_the_press_and_its_lamp_is_seen(board):
    board.drive(DOOR, False)
    child = await child_of(board)

    async def line():
        return (await asyncio.wait_for(child.stdout.readline(), 10)).decode().strip()

    try:
        assert await line() == "factory SimulatedFactory door 1"
        await until(lambda: board.connected(BUTTON) and board.connected(DOOR))
        await asyncio.sleep(0.05)
        started = time.monotonic()
        await board.press(BUTTON, 0.2)
        heard = [await line() for _ in range(2)]
        assert heard[0] == "pressed"
        await until(lambda: board.history(GREEN) and board.history(GREEN)[-1].level == 1)
        assert board.history(RED)[0].level == 1
        assert started <= board.history(RED)[0].at <= started + 0.1
    finally:
        child.stdin.close()
        await child.wait()
    await until(lambda: not board.connected(BUTTON))
    assert board.history(GREEN)[-1].level == 0
    assert board.history(RED)[-1].level == 0


async def test_edges_come_with_the_boards_monotonic_time(board, factory):
    pin = factory.pin(BUTTON)
    seen = []

    def changed(ticks, state):
        seen.append((ticks, state))

    await asyncio.to_thread(pin.input_with_pull, "up")
    assert pin.state == 1
    pin.when_changed = changed
    first = board.drive(BUTTON, False)
    await until(lambda: len(seen) == 1)
    second = board.drive(BUTTON, True)
    await until(lambda: len(seen) == 2)
    assert seen == [(first, 0), (second, 1)]
    assert factory.ticks_diff(second, first) == second - first


async def test_a_press_that_is_called_off_in_the_midst_of_its_bounces_lets_go(board):
    for turns in range(40):
        press = asyncio.create_task(board.press(BUTTON, 0.0))
        for _ in range(turns):
            await asyncio.sleep(0.0002)
        press.cancel()
        await asyncio.gather(press, return_exceptions=True)
        assert board.level(BUTTON) or turns == 0, turns


async def test_a_press_bounces_and_ends_up_and_the_bounces_are_those_of_the_seed(board, factory):
    pin = factory.pin(BUTTON)
    states = []

    def changed(_ticks, state):
        states.append(state)

    await asyncio.to_thread(pin.input_with_pull, "up")
    pin.when_changed = changed
    for _ in range(6):
        await board.press(BUTTON, 0.01)
    await until(lambda: states and states[-1] == 1 and pin.state == 1)
    await asyncio.sleep(0.02)
    assert states[0] == 0
    assert all(a != b for a, b in pairwise(states))
    assert len(states) > 12


async def test_only_the_asked_edges_are_told_and_bounce_time_mutes(board, factory):
    pin = factory.pin(BUTTON)
    states = []

    def changed(_ticks, state):
        states.append(state)

    await asyncio.to_thread(pin.input_with_pull, "down")
    pin.edges, pin.bounce, pin.when_changed = "rising", 10.0, changed
    for level in (True, False, True, False):
        board.drive(BUTTON, level)
    await until(lambda: states)
    await asyncio.sleep(0.02)
    assert states == [1]
    assert pin.state == 0


async def test_outputs_keep_a_record_and_pwm_is_a_duty_cycle(board, factory):
    pin = factory.pin(GREEN)
    pin.output_with_state(1)
    pin.frequency = 100
    pin.state = 0.25
    await until(lambda: len(board.history(GREEN)) == 2)
    assert [shown.level for shown in board.history(GREEN)] == [1.0, 0.25]
    assert pin.state == 0.25
    assert not board.connected(GREEN)


async def test_what_a_real_header_refuses_is_refused(factory):
    pin = factory.pin(BUTTON)
    with pytest.raises(PinSetInput):
        pin.state = 1
    with pytest.raises(PinInvalidPull):
        pin.input_with_pull("sideways")
    with pytest.raises(PinFixedPull):
        factory.pin(2).input_with_pull("down")
    with pytest.raises(PinSPIUnsupported):
        factory.spi()


async def test_when_the_board_goes_the_levels_stay(tmp_path, monkeypatch):
    board = Board(tmp_path / "gpio.sock", seed=1)
    async with board:
        board.drive(DOOR, False)
        monkeypatch.setenv("EDGE_SIM_GPIO", str(board.path))
        factory = SimulatedFactory()
        pin = factory.pin(DOOR)
        await asyncio.to_thread(pin.input_with_pull, "up")
        assert pin.state == 0
    await until(lambda: not factory.hears)
    assert pin.state == 0
    factory.pin(GREEN).output_with_state(1)
    assert factory.pin(GREEN).state == 1
    factory.close()


def test_without_a_board_the_error_says_which_socket(monkeypatch, tmp_path):
    monkeypatch.delenv("EDGE_SIM_GPIO", raising=False)
    with pytest.raises(BadPinFactory, match="EDGE_SIM_GPIO"):
        SimulatedFactory()
    monkeypatch.setenv("EDGE_SIM_GPIO", str(tmp_path / "none.sock"))
    with pytest.raises(BadPinFactory, match=r"none\.sock"):
        SimulatedFactory()


@pytest.mark.parametrize(
    "rubbish", [b"hello\n", b"[]\n", b'{"line": 5000}\n', b'{"line":5,"function":"output"}\n', b"x" * 9000]
)
async def test_a_program_that_speaks_rubbish_is_hung_up_on_and_others_go_on(board, factory, rubbish):
    reader, writer = await asyncio.open_unix_connection(board.path)
    writer.write(rubbish)
    assert await asyncio.wait_for(reader.read(), 3) == b""
    writer.close()
    await asyncio.to_thread(factory.pin(BUTTON).input_with_pull, "up")
    assert board.connected(BUTTON)


async def test_the_protocol_is_what_its_page_says(board):
    board.drive(DOOR, False)
    reader, writer = await asyncio.open_unix_connection(board.path)
    writer.write(b'{"line": 27, "function": "input", "pull": "up", "ask": true}\n')
    answer = json.loads(await asyncio.wait_for(reader.readline(), 3))
    assert (answer["line"], answer["level"], answer["ask"]) == (DOOR, False, True)
    board.drive(DOOR, True)
    change = json.loads(await asyncio.wait_for(reader.readline(), 3))
    assert (change["line"], change["level"], "ask" in change) == (DOOR, True, False)
    writer.close()
