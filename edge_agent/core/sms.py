"""SMS protocol data units, both ways (3GPP TS 23.040, 9.2), as a modem takes and gives them in PDU mode. Sans-IO.

SUBMIT goes out with 8-bit data or 7-bit text in one message; DELIVER comes in with either, or with UCS-2. What is
neither, and messages in parts, are somebody else's.
"""

from dataclasses import dataclass

from edge_agent.core.errors import WireError
from edge_agent.core.gsm7 import pack_septets, septets_of, text_of_septets, unpack_septets

# User data of one message (TS 23.040, 9.2.3.24.1).
MAX_DATA_BYTES = 140
MAX_SEPTETS = 160
# A PDU is at most 12 bytes of service centre and 164 of message (TS 24.011, 8.2.5; TS 23.040, 9.2.2).
MAX_PDU_BYTES = 180
_DELIVER, _SUBMIT = 0x00, 0x01
_RELATIVE_VALIDITY = 0x10
_HEADER = 0x40
# 24 h (TS 23.040, 9.2.3.12.1): a call that did not get through in a day has gone another way.
_ONE_DAY = 167
# Data coding schemes (TS 23.038, 4).
_GSM7, _DATA, _UCS2 = 0x00, 0x04, 0x08
_INTERNATIONAL, _NATIONAL, _ALPHANUMERIC = 0x91, 0x81, 5
_DIGITS = "0123456789*#abc"
# The service centre's time: year, month, day, hour, minute, second, zone, two digits each (TS 23.040, 9.2.3.11).
_SOME_TIME = "26010100000000"


@dataclass(frozen=True, slots=True)
class Sms:
    """One message: the other end's number (`+` for international), and `data` or `text`, the other one empty."""

    number: str
    data: bytes = b""
    text: str = ""


@dataclass(frozen=True, slots=True)
class Pdu:
    """As the modem wants it: hexadecimal, and the length that `AT+CMGS` is told, without the service centre."""

    hexadecimal: str
    length: int


def encode_submit(sms: Sms) -> Pdu:
    """A message to be sent by the SIM's own service centre. Raises WireError; text that is too long is cut."""
    coding, length, data = _user_data(sms)
    first = _SUBMIT | _RELATIVE_VALIDITY
    # message reference 0 (the modem numbers it), protocol identifier 0
    message = bytes((first, 0)) + _address(sms.number) + bytes((0, coding, _ONE_DAY, length)) + data
    return Pdu((b"\0" + message).hex().upper(), len(message))


def encode_deliver(sms: Sms, stamp: str = _SOME_TIME) -> Pdu:
    """A message as the network hands it over; `stamp` is the service centre's time, 14 digits. For the modem's part."""
    coding, length, data = _user_data(sms)
    message = (
        bytes((_DELIVER | 0x04,))
        + _address(sms.number)
        + bytes((0, coding))
        + _swapped(stamp)
        + bytes((length,))
        + data
    )
    return Pdu((b"\0" + message).hex().upper(), len(message))


def decode_deliver(hexadecimal: str) -> Sms:
    """What came in. Raises WireError for what is no DELIVER, or is cut short."""
    reader = _Reader(hexadecimal)
    first = reader.first_of(_DELIVER)
    number = reader.address()
    _, coding = reader.take(2)
    reader.take(7)
    return reader.sms(number, coding, headed=bool(first & _HEADER))


def decode_submit(hexadecimal: str) -> Sms:
    """What a gateway handed over to be sent: for whoever plays the modem. Raises WireError."""
    reader = _Reader(hexadecimal)
    first = reader.first_of(_SUBMIT)
    reader.take(1)
    number = reader.address()
    _, coding = reader.take(2)
    # the validity: none, relative (1 byte), enhanced or absolute (7 bytes)
    reader.take((0, 7, 1, 7)[first >> 3 & 3])
    return reader.sms(number, coding, headed=bool(first & _HEADER))


def _user_data(sms: Sms) -> tuple[int, int, bytes]:
    """Coding, length and user data."""
    if sms.data:
        if len(sms.data) > MAX_DATA_BYTES:
            raise WireError(f"{len(sms.data)} bytes do not fit into one SMS of {MAX_DATA_BYTES}")
        return _DATA, len(sms.data), sms.data
    septets = septets_of(sms.text, MAX_SEPTETS)
    return _GSM7, len(septets), pack_septets(septets)


def _address(number: str) -> bytes:
    """Number of digits, type of number, digits (9.1.2.5)."""
    digits = number.removeprefix("+")
    if not 1 <= len(digits) <= 20 or any(digit not in _DIGITS for digit in digits):
        raise WireError(f"not a phone number: {number[:30]!r}")
    kind = _INTERNATIONAL if number.startswith("+") else _NATIONAL
    return bytes((len(digits), kind)) + _swapped(digits)


def _swapped(digits: str) -> bytes:
    """Two digits a byte, the first in the lower half; an odd last one is filled up with F."""
    values = [_DIGITS.index(digit) for digit in digits] + [0xF] * (len(digits) % 2)
    return bytes(low | high << 4 for low, high in zip(values[::2], values[1::2], strict=True))


class _Reader:
    """Reads a PDU from the front. Raises WireError when it ends early."""

    def __init__(self, hexadecimal: str) -> None:
        try:
            self._rest = bytes.fromhex(hexadecimal.strip())
        except ValueError as error:
            raise WireError(f"an SMS that is not hexadecimal: {hexadecimal[:40]!r}") from error
        if len(self._rest) > MAX_PDU_BYTES:
            raise WireError(f"an SMS of {len(self._rest)} bytes")

    def take(self, count: int) -> bytes:
        if len(self._rest) < count:
            raise WireError("an SMS that is cut short")
        taken, self._rest = self._rest[:count], self._rest[count:]
        return taken

    def first_of(self, kind: int) -> int:
        """Skip the service centre and give the first byte, which says what it is."""
        self.take(self.take(1)[0])
        (first,) = self.take(1)
        if first & 3 != kind:
            raise WireError("an SMS of another kind")
        return first

    def address(self) -> str:
        digits, kind = self.take(2)
        raw = self.take((digits + 1) // 2)
        if kind >> 4 & 7 == _ALPHANUMERIC:
            return text_of_septets(unpack_septets(raw, digits * 4 // 7))
        halves = [half for byte in raw for half in (byte & 0xF, byte >> 4)][:digits]
        number = "".join(_DIGITS[half] for half in halves if half < len(_DIGITS))
        return f"+{number}" if kind >> 4 & 7 == 1 else number

    def sms(self, number: str, coding: int, *, headed: bool) -> Sms:
        """The user data, without its header."""
        (length,) = self.take(1)
        alphabet = _alphabet(coding)
        data = self.take((length * 7 + 7) // 8 if alphabet == _GSM7 else length)
        header = data[0] + 1 if headed and data else 0
        if header > len(data):
            raise WireError("an SMS whose header is longer than itself")
        if alphabet == _GSM7:
            # text begins at the next whole septet behind the header
            return Sms(number, text=text_of_septets(unpack_septets(data, length, (header * 8 + 6) // 7)))
        if alphabet == _UCS2:
            return Sms(number, text=data[header:].decode("utf-16-be", "replace"))
        return Sms(number, data=data[header:])


def _alphabet(coding: int) -> int:
    """What a data coding scheme means (TS 23.038, 4): the general group, and the one with a message class."""
    if coding >> 6 == 0:
        return coding & 0x0C if coding & 0x0C != 0x0C else _GSM7
    if coding >> 4 == 0xF:
        return coding & _DATA
    return _UCS2 if coding >> 4 == 0xE else _GSM7
