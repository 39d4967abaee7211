"""The help button: levels to gestures. The only place that samples a finger, whether on a GPIO line or by command."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from edge_agent.core.gesture import Button, Gesture

# Past the debounce time, so that the level is read once more while it is down.
_SURELY_S = 0.02


class Contact(Protocol):
    """A real button's contact, read without blocking."""

    def is_pressed(self) -> bool:
        """The level now."""


class ButtonReader:
    """Feeds `core.gesture` with levels and hands on what it finds. A commanded press takes the same path."""

    def __init__(self, gesture: Button, on_gesture: Callable[[Gesture], None]) -> None:
        self._gesture = gesture
        self._on_gesture = on_gesture
        self._contacts: list[Contact] = []
        self._commanded = 0
        self._timer: asyncio.TimerHandle | None = None

    def connect(self, contact: Contact) -> None:
        """Another contact of this button: it is read from now on. One that is already down counts."""
        self._contacts.append(contact)
        self._sample()

    def look(self) -> None:
        """The level may have changed just now."""
        self.edge(asyncio.get_running_loop().time())

    def edge(self, at: float) -> None:
        """An edge at this loop time: look now, and again when the level can be stable."""
        self._tell(self._gesture.edge(self._down(), at))

    async def press(self, seconds: float) -> None:
        """Press by command for so long, but never too short to be seen; returns when it is seen to be let go."""
        self._commanded += 1
        self.look()
        try:
            await asyncio.sleep(max(seconds, self._gesture.debounce_s + _SURELY_S))
        finally:
            self._commanded -= 1
            self.look()
        await asyncio.sleep(self._gesture.debounce_s + _SURELY_S)

    def stop(self) -> None:
        """Read no more."""
        if self._timer:
            self._timer.cancel()
            self._timer = None

    def _down(self) -> bool:
        return self._commanded > 0 or any(contact.is_pressed() for contact in self._contacts)

    def _sample(self) -> None:
        self._tell(self._gesture.sample(self._down(), asyncio.get_running_loop().time()))

    def _tell(self, gestures: list[Gesture]) -> None:
        self.stop()
        self._timer = asyncio.get_running_loop().call_at(self._gesture.deadline, self._sample)
        for gesture in gestures:
            self._on_gesture(gesture)
