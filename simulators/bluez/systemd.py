"""The one word of systemd's that concerns bluetoothd: restart its unit."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from dbus_fast import Variant
from dbus_fast.errors import DBusError

from simulators.bluez.objects import Later, Node, Reply

UNIT = "bluetooth.service"


class Systemd(Node):
    """org.freedesktop.systemd1.Manager. `allowed`: what polkit would say to whoever asks."""

    interface = "org.freedesktop.systemd1.Manager"

    def __init__(self, restart: Callable[[], Coroutine[Any, Any, None]]) -> None:
        super().__init__("/org/freedesktop/systemd1", {"Version": Variant("s", "simulated")})
        self.allowed = True
        self.restarts = 0
        self.restart = restart

    def call(self, member: str, body: list[Any], sender: str) -> Reply:
        """RestartUnit, of bluetoothd only."""
        if member != "RestartUnit" or body[0] != UNIT:
            return super().call(member, body, sender)
        if not self.allowed:
            raise DBusError(
                "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired", "Interactive authentication required."
            )
        raise Later(self._begin)

    def _begin(self, answer: Callable[[Reply | DBusError], None]) -> None:
        self.restarts += 1
        self._task = asyncio.create_task(self.restart())
        answer(("o", ["/org/freedesktop/systemd1/job/1"]))
