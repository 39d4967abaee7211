"""The demo without a network: broker and HTTPS are both cut off, and a simulated modem carries the call by SMS."""

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.core.errors import ConfigError
from edge_agent.core.sms import Sms
from simulators.demo.narrator import Narrator
from simulators.desk.certificate import make_certificate
from simulators.desk.desk import Desk
from simulators.desk.https import HttpsDoor
from simulators.desk.phone import DeskPhone
from simulators.modem.modem import SimulatedModem
from simulators.network import Cable

DESK_NUMBER, GATEWAY_NUMBER, READER_NUMBER = "+491700000001", "+491700000009", "+491700000002"
# A message of the real network takes a few seconds.
_SMS_S = 1.5
_TIMERS = """\
[help]
queued_after_s = 2
fallback_queued_s = 3
"""
_SMS = """
[[help.channels]]
name = "phone"
kind = "sms"
modem = "{modem}"
number = "{desk}"
text_number = "{reader}"
"""
_WEB = """
[[help.channels]]
name = "web"
kind = "https"
url = "https://127.0.0.1:{port}/help"
tls.ca_file = "{ca}"
"""


class OtherWays:
    """An async context manager: a modem with the desk's number behind it, and the desk's HTTPS server with a cable."""

    def __init__(self, folder: Path, desk: Desk, tell: Narrator) -> None:
        self.toml = _TIMERS
        self.notes: list[str] = []
        self._folder = folder
        self._desk = desk
        self._tell = tell
        self._modem = SimulatedModem(folder / "modem", on_sms=self._sent)
        self._modem.send_s = _SMS_S
        self._phone = DeskPhone(desk, DESK_NUMBER, self._answered)
        self._cable: Cable | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(self._modem)
            self.toml += _SMS.format(modem=self._modem.path, desk=DESK_NUMBER, reader=READER_NUMBER)
            try:
                context = make_certificate(self._folder)
            except ConfigError as error:
                self.notes.append(f"HTTPS is left out: {error}")
            else:
                door = await stack.enter_async_context(HttpsDoor(self._desk, context))
                self._cable = await stack.enter_async_context(Cable(door.port))
                self.toml += _WEB.format(port=self._cable.port, ca=self._folder / "cert.pem")
            running = asyncio.create_task(self._phone.run(), name="phone")
            stack.push_async_callback(_ended, running)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def cut(self) -> None:
        """HTTPS is away too."""
        if self._cable is not None:
            await self._cable.cut()

    async def mend(self) -> None:
        """It is back."""
        if self._cable is not None:
            await self._cable.mend()

    def _sent(self, sms: Sms) -> None:
        if sms.number == DESK_NUMBER:
            self._tell.say("network", f"an SMS of {len(sms.data)} bytes goes to the desk")
            self._phone.received(sms, GATEWAY_NUMBER)
        else:
            self._tell.say("network", f'an SMS goes to {sms.number}: "{sms.text}"')

    def _answered(self, sms: Sms) -> None:
        self._tell.say("network", f"the desk answers by SMS, {len(sms.data)} bytes, signed")
        asyncio.get_running_loop().call_later(_SMS_S, self._modem.receive, sms)


async def _ended(task: asyncio.Task[None]) -> None:
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
