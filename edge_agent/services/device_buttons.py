"""Buttons of devices: a channel that is a help button, and one that cancels; for who has no GPIO line for them.

A microcontroller's button is a channel like any other: true, or any number but 0, is down. Only a value moves it. What
a device says badly, or does not say any more, changes nothing: doubt is read as a call for help, and a button that
seems to be down for too long is told as stuck.
"""

from collections.abc import Callable

from edge_agent.core.reading import Reading


class DeviceButton:
    """The Contact of a channel; `on_change` is told when its level changes."""

    def __init__(self, channel: str, on_change: Callable[[bool], None]) -> None:
        self.channel = channel
        self._on_change = on_change
        self._down = False

    def is_pressed(self) -> bool:
        """The level as the device told it last."""
        return self._down

    def see(self, reading: Reading) -> None:
        """One reading of any channel."""
        value = reading.value
        if reading.channel.name != self.channel or not isinstance(value, bool | int | float):
            return
        if bool(value) is not self._down:
            self._down = bool(value)
            self._on_change(self._down)
