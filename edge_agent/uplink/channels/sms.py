"""Help by SMS: the compact form through a modem, a line of text for people, and the desk's compact word coming back."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from itertools import pairwise
from typing import Any, NamedTuple

import structlog

from edge_agent.core.backoff import Backoff
from edge_agent.core.compact_word import is_compact
from edge_agent.core.errors import DriverError, LinkError, WireError
from edge_agent.core.event import Event
from edge_agent.core.health import Health
from edge_agent.core.sms import Sms, decode_deliver, encode_submit
from edge_agent.texts import Said
from edge_agent.texts.starting import STARTING
from edge_agent.uplink.channels.at import AtError, numbers
from edge_agent.uplink.channels.modem import Modem, ModemLostError
from edge_agent.uplink.channels.pin import Pin

# A message may be on its way for a minute, and each one costs money.
RESEND_S = 60.0
# How often the network is looked at, registered or not.
LOOK_S = 60.0
LOOK_SOON_S = 10.0
# A try waits so long for a modem that is just being found or registers.
READY_S = 30.0
# TS 27.007, 7.2: registered at home, and away.
_REGISTERED = (1, 5)
_REGISTRATION = {
    0: Said("other.not_looking"),
    2: Said("other.looking"),
    3: Said("other.denied"),
    4: Said("other.unclear"),
}
_NO_SIGNAL = 99
_CANCELLED = "edge.help.cancelled.v1"

_log = structlog.get_logger("sms")


class SmsSettings(NamedTuple):
    """`number` is the desk's, for the compact form; `text_number` one that people read, empty: none."""

    name: str
    number: str
    text_number: str = ""
    text: str = ""
    resend_s: float = RESEND_S


class SmsChannel:
    """`open_port()` gives an open, non-blocking port (`fd`, `close`) or raises DriverError; `heard(word)` gets words.

    Every message that arrives is taken off the SIM card, whoever sent it: a full card receives no answer. Only what the
    desk signed is acted on.
    """

    def __init__(
        self, settings: SmsSettings, open_port: Callable[[], Any], pin: Pin, heard: Callable[[bytes], None]
    ) -> None:
        self.name = settings.name
        self.must_ask = False
        self.resend_s = settings.resend_s
        self.health: Health = STARTING
        self._settings = settings
        self._open_port = open_port
        self._pin = pin
        self._heard = heard
        self._modem: Modem | None = None
        self._ready = asyncio.Event()
        self._stir = asyncio.Event()
        self._texted = b""
        self._submitting: asyncio.Future[None] | None = None
        self._backoff = Backoff(base_s=1.0, cap_s=15.0, stable_s=30.0)

    async def run(self) -> None:
        """Open, set up, listen, lose and find again, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            since = loop.time()
            try:
                await self._session()
            except (DriverError, LinkError) as error:
                self._say(Health(False, error.args[0], error.fix))
            self._backoff.stable(loop.time() - since)
            await asyncio.sleep(self._backoff.delay(0.5 + random.random() / 2))  # noqa: S311  # jitter is no secret

    async def send(self, event: Event, compact: bytes) -> bytes | None:
        """Send it; returns when the network took it. The desk's word comes by itself."""
        try:
            async with asyncio.timeout(READY_S):
                await self._ready.wait()
        except TimeoutError:
            raise LinkError(self.health.sentence, fix=self.health.fix) from None
        modem = self._modem
        if modem is None:
            raise LinkError(self.health.sentence, fix=self.health.fix)
        # whoever waits may be called off; the modem would be left in the middle of a message
        self._submitting = asyncio.ensure_future(self._submit(modem, event, compact))
        self._submitting.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.shield(self._submitting)
        return None

    async def _submit(self, modem: Modem, event: Event, compact: bytes) -> None:
        """The text for people goes once, and also where the network does not carry data."""
        failure: AtError | None = None
        try:
            await _post(modem, Sms(self._settings.number, data=compact))
        except AtError as error:
            failure = error
        if self._settings.text_number and self._texted != event.id:
            word = "CANCELLED" if event.type == _CANCELLED else "HELP"
            text = f"{word} {event.subject} {self._settings.text}".rstrip()
            try:
                await _post(modem, Sms(self._settings.text_number, text=text))
                self._texted = event.id
            except AtError as error:
                _log.warning("sms_text_not_sent", channel=self.name, why=str(error.args[0]))
        if failure is not None:
            raise failure

    # -- one opening of the port

    async def _session(self) -> None:
        """From opening to losing it. Raises DriverError and LinkError for what is wrong."""
        modem = Modem(self._open_port(), self._stir.set)
        try:
            await self._set_up(modem)
            self._modem = modem
            while True:
                self._stir.clear()
                registered = await self._look(modem)
                with suppress(TimeoutError):
                    async with asyncio.timeout(LOOK_S if registered else LOOK_SOON_S):
                        await self._stir.wait()
        finally:
            self._modem = None
            self._ready.clear()
            modem.close()

    async def _set_up(self, modem: Modem) -> None:
        await modem.awake()
        await modem.command("ATE0")
        await _perhaps(modem, "AT+CMEE=1")
        await self._pin.enter(modem)
        await modem.command("AT+CMGF=0")
        # where a message is announced it must be found: TS 27.005, 3.2.2
        await _perhaps(modem, 'AT+CPMS="SM","SM","SM"')
        await _perhaps(modem, "AT+CNMI=2,1,0,0,0")

    async def _look(self, modem: Modem) -> bool:
        """Take in what came, and see how the network is. Gives whether the modem is registered."""
        said = modem.said()
        for head, pdu in pairwise(said):
            if head.startswith("+CMT:"):
                self._arrived(pdu)
        await self._collect(modem)
        state = await _registration(modem)
        if state not in _REGISTERED:
            self._ready.clear()
            why = _REGISTRATION.get(state, _REGISTRATION[4])
            self._say(Health(False, Said("other.no_network", why=why), Said("other.no_network_fix")))
            return False
        signal = await _signal(modem)
        known = Said("other.abroad" if state == 5 else "other.registered")
        self._say(Health(True, known if signal is None else Said("other.signal", said=known, n=signal)))
        self._ready.set()
        return True

    async def _collect(self, modem: Modem) -> None:
        """All that lies on the card: also what came while nobody listened."""
        lines = await modem.command("AT+CMGL=4", "+CMGL:")
        for head, pdu in zip(lines[::2], lines[1::2], strict=False):
            self._arrived(pdu)
            for index in numbers(head)[:1]:
                await _perhaps(modem, f"AT+CMGD={index}")

    def _arrived(self, pdu: str) -> None:
        try:
            sms = decode_deliver(pdu)
        except WireError as error:
            _log.info("sms_not_understood", why=str(error)[:200])
            return
        if is_compact(sms.data):
            self._heard(sms.data)
        else:
            _log.info("sms_of_somebody", characters=len(sms.text), bytes=len(sms.data))

    def _say(self, health: Health) -> None:
        if (health.ready, health.fix) != (self.health.ready, self.health.fix):
            (_log.info if health.ready else _log.warning)(health.sentence, channel=self.name, fix=health.fix or None)
        self.health = health


async def _post(modem: Modem, sms: Sms) -> None:
    try:
        pdu = encode_submit(sms)
    except WireError as error:
        raise LinkError(str(error), fix="Check the numbers of this channel.") from error
    await modem.submit(pdu.hexadecimal, pdu.length)


async def _perhaps(modem: Modem, command: str) -> None:
    """What a modem may do without."""
    with suppress(AtError):
        await modem.command(command)


async def _registration(modem: Modem) -> int:
    """The state of TS 27.007, 7.2: of the circuit-switched network, else of LTE, where many modems know only that."""
    state = 4
    for query, prefix in (("AT+CREG?", "+CREG:"), ("AT+CEREG?", "+CEREG:")):
        try:
            lines = await modem.command(query, prefix)
        except ModemLostError:
            raise
        except AtError:
            continue
        found = numbers(lines[-1]) if lines else []
        if len(found) > 1 and found[1] in (*_REGISTERED, *_REGISTRATION):
            state = found[1] if state not in (0, 2, 3) or found[1] in _REGISTERED else state
        if state in _REGISTERED:
            break
    return state


async def _signal(modem: Modem) -> int | None:
    """0 to 31 (TS 27.007, 8.5); None where it is not known."""
    with suppress(AtError):
        for line in await modem.command("AT+CSQ", "+CSQ:"):
            for value in numbers(line)[:1]:
                return None if value == _NO_SIGNAL else value
    return None
