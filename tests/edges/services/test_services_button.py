"""The button reader: a finger on a line, and a finger by command."""

import asyncio

from services_scene import until

from edge_agent.core.gesture import Button, Gesture, Touch
from edge_agent.core.reading import Channel, Reading
from edge_agent.services.button import ButtonReader
from edge_agent.services.device_buttons import DeviceButton


class Contact:
    down = False

    def is_pressed(self) -> bool:
        return self.down


def reader(contact: Contact | None = None, *, hold_s: float = 0.2) -> tuple[ButtonReader, list[Gesture]]:
    seen: list[Gesture] = []
    button = ButtonReader(Button(debounce_s=0.02, hold_s=hold_s, quiet_s=0.1, stuck_s=0.5), seen.append)
    if contact is not None:
        button.connect(contact)
    return button, seen


def touches(seen: list[Gesture]) -> list[Touch]:
    return [gesture.touch for gesture in seen]


async def test_contact_is_told_within_a_tenth_of_a_second() -> None:
    contact = Contact()
    button, seen = reader(contact)
    contact.down = True
    start = asyncio.get_running_loop().time()
    button.edge(start)
    await until(lambda: seen)
    assert touches(seen) == [Touch.CONTACT]
    assert asyncio.get_running_loop().time() - start < 0.1
    button.stop()


async def test_a_hold_is_told_while_the_finger_is_still_down() -> None:
    contact = Contact()
    button, seen = reader(contact)
    contact.down = True
    button.edge(asyncio.get_running_loop().time())
    await until(lambda: len(seen) == 2)
    assert touches(seen) == [Touch.CONTACT, Touch.HELD]
    await until(lambda: len(seen) == 3)
    assert seen[-1].touch is Touch.STUCK
    contact.down = False
    button.edge(asyncio.get_running_loop().time())
    await until(lambda: seen[-1].touch is Touch.FREED)
    button.stop()


async def test_a_press_by_command_is_a_hold_when_it_lasts_as_long() -> None:
    button, seen = reader()
    await button.press(0.2)
    await asyncio.sleep(0.05)
    assert touches(seen) == [Touch.CONTACT, Touch.HELD, Touch.LET_GO]
    button.stop()


async def test_a_press_by_command_shorter_than_any_bounce_is_still_a_press() -> None:
    button, seen = reader()
    await button.press(0.0)
    await button.press(0.0)
    await until(lambda: seen[-1].touch is Touch.PRESSES)
    assert seen[-1].presses == 2
    assert Touch.HELD not in touches(seen)
    button.stop()


async def test_who_commands_a_press_and_goes_away_lets_go() -> None:
    button, seen = reader(hold_s=5.0)
    task = asyncio.create_task(button.press(60.0))
    await until(lambda: seen)
    task.cancel()
    await until(lambda: Touch.LET_GO in touches(seen))
    button.stop()


async def test_a_button_that_is_down_at_the_start_counts() -> None:
    contact = Contact()
    contact.down = True
    button, seen = reader(contact)
    await until(lambda: Touch.HELD in touches(seen))
    button.stop()


async def test_a_line_lost_while_held_lets_go_and_a_finger_that_is_still_there_counts_again() -> None:
    contact = Contact()
    button, seen = reader(contact)
    contact.down = True
    button.edge(asyncio.get_running_loop().time())
    await until(lambda: seen)
    contact.down = False  # what a line that cannot be read says
    button.edge(asyncio.get_running_loop().time())
    await until(lambda: Touch.LET_GO in touches(seen))
    contact.down = True
    button.edge(asyncio.get_running_loop().time())
    await until(lambda: Touch.HELD in touches(seen))
    button.stop()


def told(name: str, value: bool | float | str | None) -> Reading:
    return Reading(Channel(name), value, 0.0, "" if value is not None else "not a number")


async def test_a_devices_button_is_held_as_a_finger_holds_one_on_a_line() -> None:
    button, seen = reader(Contact())
    panel = DeviceButton("panel.button", lambda _: button.look())
    button.connect(panel)
    panel.see(told("panel.other", True))
    panel.see(told("panel.button", 1))
    panel.see(told("panel.button", None))
    panel.see(told("panel.button", "garbage"))
    panel.see(told("panel.button", True))
    await until(lambda: Touch.HELD in touches(seen))
    panel.see(told("panel.button", 0.0))
    await until(lambda: Touch.LET_GO in touches(seen))
    assert touches(seen) == [Touch.CONTACT, Touch.HELD, Touch.LET_GO]
    button.stop()


def test_a_devices_button_tells_of_changes_only() -> None:
    changes: list[bool] = []
    panel = DeviceButton("panel.button", changes.append)
    for value in (False, True, True, None, 2, 0, False):
        panel.see(told("panel.button", value))
    assert changes == [True, False]
