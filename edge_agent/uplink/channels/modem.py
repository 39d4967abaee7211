"""A modem on a serial port: the dialogue of at.py carried over a descriptor, in the loop, without a thread."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from edge_agent.core.errors import LinkError
from edge_agent.uplink.channels.at import Dialogue

READ_BYTES = 4096
# V.250 knows no bound; a modem that is busy with its SIM answers within a few seconds.
COMMAND_S = 10.0
# TS 27.005 knows none for AT+CMGS either; vendors name 60 s and more for a network that does not answer.
SEND_S = 90.0
PROMPT_S = 15.0
SETTLE_S = 0.1
_ESCAPE = b"\x1b"
# +CMTI: one lies on the card; +CMT: here it is (TS 27.005, 3.4.1).
_MESSAGES = "+CMT"
_FULL_S = 0.01


class ModemLostError(LinkError):
    """The port is gone, or the modem does not answer as one: it must be opened anew."""


class Modem:
    """An open port that speaks AT. `stir()` is called when a message came, or the port is gone."""

    def __init__(self, port: Any, stir: Callable[[], None]) -> None:
        self._port = port
        self._stir = stir
        self._dialogue = Dialogue()
        self._news = asyncio.Event()
        self._turn = asyncio.Lock()
        self._gone = ""
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(port.fd, self._readable)

    def close(self) -> None:
        """Let go of the port; any number of times."""
        self._lose("it was closed")

    @property
    def lost(self) -> bool:
        """Whether it must be opened anew."""
        return bool(self._gone)

    def said(self) -> list[str]:
        """What it said of its own accord since the last call."""
        lines = list(self._dialogue.between)
        self._dialogue.between.clear()
        return lines

    async def awake(self, tries: int = 8, each_s: float = 0.5) -> None:
        """Knock until it answers: some find out the speed by what they hear first. Raises AtError, ModemLostError."""
        for left in reversed(range(tries)):
            await self._write(self._dialogue.ask("AT"))
            with suppress(TimeoutError):
                async with asyncio.timeout(each_s):
                    while self._dialogue.answer is None and not self._gone:
                        self._news.clear()
                        await self._news.wait()
                break
            if not left:
                self._lose("nobody answers there as a modem does")
        if self._gone:
            raise ModemLostError(self._gone)
        # answers to earlier knocks may still come
        await asyncio.sleep(SETTLE_S)

    async def command(self, text: str, prefix: str = "", timeout_s: float = COMMAND_S) -> tuple[str, ...]:
        """The lines of the answer that begin with `prefix`. Raises AtError when the modem says no, ModemLostError."""
        async with self._turn:
            await self._write(self._dialogue.ask(text, prefix))
            return await self._answer(timeout_s)

    async def submit(self, hexadecimal: str, length: int) -> None:
        """Send one PDU; returns when the network took it. Raises AtError and ModemLostError."""
        async with self._turn:
            await self._write(self._dialogue.ask(f"AT+CMGS={length}", "+CMGS:"))
            await self._until(lambda: self._dialogue.prompted or self._dialogue.answer is not None, PROMPT_S)
            if self._dialogue.prompted:
                await self._write(self._dialogue.give(hexadecimal))
            await self._answer(SEND_S)

    async def _answer(self, timeout_s: float) -> tuple[str, ...]:
        await self._until(lambda: self._dialogue.answer is not None, timeout_s)
        answer = self._dialogue.answer
        assert answer is not None
        if answer.error is not None:
            raise answer.error
        return answer.lines

    async def _until(self, true: Callable[[], bool], timeout_s: float) -> None:
        """Raises ModemLostError when it does not come: a late answer must not be taken for that of the next command."""
        try:
            async with asyncio.timeout(timeout_s):
                while not true():
                    if self._gone:
                        raise ModemLostError(self._gone)
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            with suppress(OSError):
                os.write(self._port.fd, _ESCAPE)
            self._lose(f"the modem did not answer for {timeout_s:.0f} s")
            raise ModemLostError(self._gone) from None
        except asyncio.CancelledError:
            # half a dialogue would be taken for the next one
            self._lose("the dialogue was broken off")
            raise

    async def _write(self, data: bytes) -> None:
        while data:
            if self._gone:
                raise ModemLostError(self._gone)
            try:
                data = data[os.write(self._port.fd, data) :]
            except BlockingIOError:
                await asyncio.sleep(_FULL_S)
            except OSError as error:
                self._lose(f"the modem's port is gone ({os.strerror(error.errno or 0).lower()})")

    def _readable(self) -> None:
        try:
            chunk = os.read(self._port.fd, READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            chunk = b""
        if not chunk:
            self._lose("the modem was unplugged")
            return
        self._dialogue.feed(chunk)
        self._news.set()
        # a chatty modem tells its signal every second: that is nobody's business
        if any(line.startswith(_MESSAGES) for line in self._dialogue.between):
            self._stir()

    def _lose(self, why: str) -> None:
        if self._gone:
            return
        self._gone = why
        self._loop.remove_reader(self._port.fd)
        self._port.close()
        self._news.set()
        self._stir()
