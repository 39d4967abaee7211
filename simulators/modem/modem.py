"""A GSM modem that a program opens as a serial port: AT commands, a SIM card with twenty places, and its moods.

What it knows is what the agent uses and a little more (3GPP TS 27.005 and 27.007); everything else is an ERROR.
"""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from edge_agent.core.errors import WireError
from edge_agent.core.sms import Sms, decode_submit, encode_deliver
from simulators.ports import SerialTwin

PLACES = 20
MAX_INPUT_BYTES = 2048
_ESCAPE, _END = "\x1b", "\x1a"
# TS 27.005, 3.2.5 and TS 27.007, 9.2
_NO_SIM, _WANTS_PIN, _WRONG_PIN, _WANTS_PUK, _NO_NETWORK, _BAD_PDU, _NO_MESSAGE = 10, 11, 16, 12, 331, 304, 321


class SimulatedModem:
    """An async context manager; `path` is the port to open while it is plugged in.

    Moods, to be changed at any time: `registered` (TS 27.007, 7.2: 1 at home, 5 abroad, 2 looking, 3 denied),
    `lte_only` (it tells so by +CEREG alone), `signal` 0 to 31 or 99, `pin` (empty: none) with `tries` left, `sim` (a
    card is in), `prompt_delay_s`, `send_s` (how long the network takes), `refuse` (a +CMS code for each message),
    `lost_answers` (so many messages go out, and the modem does not say so), `direct` (messages come as +CMT, not on the
    card), `chatty` (lines of its own between all answers), `deaf` (it answers nothing). `sent` is what went out, and
    `on_sms` is told; `commands` is what was asked.
    """

    def __init__(self, path: Path, *, pin: str = "", on_sms: Callable[[Sms], None] = lambda _: None) -> None:
        self.path = path
        self.on_sms = on_sms
        self.pin = pin
        self.tries = 3
        self.sim = True
        self.registered = 1
        self.lte_only = False
        self.signal = 18
        self.prompt_delay_s = 0.0
        self.send_s = 0.02
        self.refuse = 0
        self.lost_answers = 0
        self.direct = False
        self.chatty = False
        self.deaf = False
        self.sent: list[Sms] = []
        self.commands: list[str] = []
        self.card: dict[int, str] = {}
        self.dropped = 0
        self._waiting: list[str] = []
        self._twin = SerialTwin(path, self._bytes)
        self._restart()

    async def __aenter__(self) -> Self:
        await self._twin.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._twin.__aexit__(kind, error, trace)

    def unplug(self) -> None:
        """Pull it out."""
        self._twin.unplug()

    def plug(self) -> None:
        """Put it in: it starts anew, with its card as it was."""
        self._restart()
        self._twin.plug()

    def receive(self, sms: Sms) -> None:
        """A message comes in from the network; without a network it waits there, on a full card it waits too."""
        stamp = time.strftime("%y%m%d%H%M%S", time.gmtime()) + "00"
        pdu = encode_deliver(sms, stamp).hexadecimal
        if self.direct:
            self._say(f"+CMT: ,{len(pdu) // 2 - 1}", pdu)
            return
        self._waiting.append(pdu)
        self._store_waiting()

    def _restart(self) -> None:
        self._input = ""
        self._echo = True
        self._unlocked = not self.pin
        self._pdu_length = 0

    def _store_waiting(self) -> None:
        while self._waiting and self.registered in (1, 5):
            place = next((place for place in range(1, PLACES + 1) if place not in self.card), 0)
            if not place:
                return
            self.card[place] = self._waiting.pop(0)
            self._say(f'+CMTI: "SM",{place}')

    def _say(self, *lines: str) -> None:
        text = "".join(f"\r\n{line}\r\n" for line in lines)
        if not self._twin.emit(text.encode()):
            self.dropped += 1

    def _bytes(self, data: bytes) -> None:
        if self.deaf:
            return
        for character in data.decode("ascii", "replace"):
            if self._pdu_length:
                self._pdu_character(character)
            elif character == "\r":
                line, self._input = self._input.strip(), ""
                if self._echo and line:
                    self._twin.emit(f"{line}\r".encode())
                self._obey(line)
            elif character not in "\n" + _ESCAPE and len(self._input) < MAX_INPUT_BYTES:
                self._input += character

    def _pdu_character(self, character: str) -> None:
        if character == _ESCAPE:
            self._pdu_length, self._input = 0, ""
            self._say("OK")
        elif character == _END:
            pdu, self._input = self._input, ""
            length, self._pdu_length = self._pdu_length, 0
            if self._echo:
                self._twin.emit(f"{pdu}\r".encode())
            asyncio.get_running_loop().call_later(self.send_s, self._send, pdu, length)
        elif len(self._input) < MAX_INPUT_BYTES:
            self._input += character

    def _send(self, pdu: str, length: int) -> None:
        """The network takes a message, or does not."""
        if self.refuse or self.registered not in (1, 5):
            self._say(f"+CMS ERROR: {self.refuse or _NO_NETWORK}")
            return
        try:
            sms = decode_submit(pdu)
        except WireError:
            self._say(f"+CMS ERROR: {_BAD_PDU}")
            return
        if len(pdu) // 2 - 1 != length:
            self._say(f"+CMS ERROR: {_BAD_PDU}")
            return
        self.sent.append(sms)
        self.on_sms(sms)
        if self.lost_answers:
            self.lost_answers -= 1
            return
        self._say(f"+CMGS: {len(self.sent) % 256}", "OK")

    def _obey(self, line: str) -> None:
        if not line.upper().startswith("AT"):
            return
        self.commands.append(line)
        if self.chatty:
            self._say("^RSSI: 18", "RING", "+CREG: 1")
        name, _, told = line[2:].partition("=")
        answers = {
            "": self._well,
            "E0": lambda _: self._set_echo(on=False),
            "E1": lambda _: self._set_echo(on=True),
            "+CMEE": self._well,
            "+CMGF": self._well if told == "0" else self._unknown,
            "+CPMS": self._memories,
            "+CNMI": self._well,
            "+CPIN?": self._pin_state,
            "+CPIN": self._enter_pin,
            "+CREG?": lambda _: self._registration("+CREG", lte=False),
            "+CEREG?": lambda _: self._registration("+CEREG", lte=True),
            "+CSQ": lambda _: self._say(f"+CSQ: {self.signal},99", "OK"),
            "+CMGL": self._list,
            "+CMGD": self._delete,
            "+CMGS": self._prompt,
        }
        answers.get(name.upper(), self._unknown)(told)

    def _well(self, _told: str) -> None:
        self._say("OK")

    def _unknown(self, _told: str) -> None:
        self._say("ERROR")

    def _set_echo(self, *, on: bool) -> None:
        self._echo = on
        self._say("OK")

    def _locked(self) -> int:
        """What is wrong with the card, as a +CME code; 0: nothing."""
        if not self.sim:
            return _NO_SIM
        if self.tries <= 0:
            return _WANTS_PUK
        return 0 if self._unlocked else _WANTS_PIN

    def _pin_state(self, _told: str) -> None:
        state = {0: "READY", _WANTS_PIN: "SIM PIN", _WANTS_PUK: "SIM PUK"}.get(self._locked())
        self._say(*(("+CPIN: " + state, "OK") if state else (f"+CME ERROR: {_NO_SIM}",)))

    def _enter_pin(self, told: str) -> None:
        if told.strip('"') == self.pin and self.tries > 0:
            self._unlocked, self.tries = True, 3
            self._say("OK")
            return
        self.tries -= 1
        self._say(f"+CME ERROR: {_WRONG_PIN if self.tries > 0 else _WANTS_PUK}")

    def _registration(self, name: str, *, lte: bool) -> None:
        state = self.registered if lte or not self.lte_only else 0
        self._say(f"{name}: 0,{state}", "OK")
        self._store_waiting()

    def _memories(self, _told: str) -> None:
        used = f"{len(self.card)},{PLACES}"
        self._say(*((f"+CME ERROR: {self._locked()}",) if self._locked() else (f"+CPMS: {used},{used},{used}", "OK")))

    def _list(self, _told: str) -> None:
        if self._locked():
            self._say(f"+CMS ERROR: {300 + self._locked()}")
            return
        lines = [part for place, pdu in sorted(self.card.items()) for part in self._listed(place, pdu)]
        self._say(*lines, "OK")

    @staticmethod
    def _listed(place: int, pdu: str) -> tuple[str, str]:
        return f"+CMGL: {place},0,,{len(pdu) // 2 - 1}", pdu

    def _delete(self, told: str) -> None:
        found = self.card.pop(int(told), "") if told.isdecimal() else ""
        self._say("OK" if found else f"+CMS ERROR: {_NO_MESSAGE}")
        self._store_waiting()

    def _prompt(self, told: str) -> None:
        if self._locked() or not told.isdecimal():
            self._say(f"+CMS ERROR: {300 + self._locked() if self._locked() else _BAD_PDU}")
            return
        asyncio.get_running_loop().call_later(self.prompt_delay_s, self._prompted, int(told))

    def _prompted(self, length: int) -> None:
        self._pdu_length = length
        self._twin.emit(b"\r\n> ")
