"""Modbus RTU frames.

What is in them: Modbus Application Protocol 1.1b3; how they travel: Modbus over Serial Line 1.02 §2.5.
"""

from typing import NamedTuple

from firmware_bridges.checksums import crc16_modbus

FUNCTIONS = {"coil": 1, "discrete": 2, "holding": 3, "input": 4}
TABLES = {number: table for table, number in FUNCTIONS.items()}
# §6.1 to §6.4: what one request may ask for.
MOST = {"coil": 2000, "discrete": 2000, "holding": 125, "input": 125}
REQUEST_BYTES = 8
EXCEPTION_BYTES = 5
# A reply of 250 bytes of registers, with unit, function, count and CRC.
MAX_FRAME = 256
# §7
EXCEPTIONS = {
    1: "illegal function", 2: "illegal data address", 3: "illegal data value", 4: "device failure",
    5: "acknowledged, and still at it", 6: "device busy", 8: "memory parity error",
    10: "gateway path unavailable", 11: "gateway target does not respond",
}  # fmt: skip
ILLEGAL = frozenset({1, 2, 3})


class Request(NamedTuple):
    """A read of `length` registers or bits from `address` on."""

    unit: int
    table: str
    address: int
    length: int

    @property
    def size(self) -> int:
        """Bytes of data in the reply."""
        return (self.length + 7) // 8 if self.table in {"coil", "discrete"} else 2 * self.length

    @property
    def frame(self) -> bytes:
        """The bytes on the wire."""
        return sealed(
            bytes([self.unit, FUNCTIONS[self.table]]) + self.address.to_bytes(2, "big") + self.length.to_bytes(2, "big")
        )

    @property
    def words(self) -> str:
        """What is read, for people."""
        what = {"coil": "coils", "discrete": "discrete inputs"}.get(self.table, f"{self.table} registers")
        return f"{what} {self.address} to {self.address + self.length - 1}"


class Reply(NamedTuple):
    """What came back: data, or the number of an exception (0: none); `end` is where the frame ends in the buffer."""

    data: bytes
    exception: int
    end: int


def sealed(body: bytes) -> bytes:
    """A frame with its CRC, low byte first."""
    return body + crc16_modbus(body).to_bytes(2, "little")


def is_right(frame: bytes) -> bool:
    """Whether a frame's CRC is."""
    return crc16_modbus(frame[:-2]) == int.from_bytes(frame[-2:], "little")


def reply_at(data: bytes, place: int, request: Request) -> Reply | int:
    """The reply to `request` that begins at `place`.

    If there is none: how many bytes must be there to tell, or 0, for none begins there.
    """
    function = FUNCTIONS[request.table]
    head = data[place : place + 3]
    if head[:1] != bytes([request.unit]):
        return 0
    if len(head) < 3:
        return 3
    if head[1] == function | 0x80:
        size = EXCEPTION_BYTES
    elif head[1] == function and head[2] == request.size:
        size = 5 + request.size
    else:
        return 0
    frame = data[place : place + size]
    if len(frame) < size:
        return size
    if not is_right(frame):
        return 0
    exception = head[2] if head[1] & 0x80 else 0
    return Reply(b"" if exception else frame[3:-2], exception, place + size)


def request_at(data: bytes, place: int) -> Request | int:
    """The request that begins at `place`; if there is none, as in `reply_at`."""
    if len(data) < place + 2:
        return 2
    table = TABLES.get(data[place + 1])
    if table is None or not 1 <= data[place] <= 247:
        return 0
    frame = data[place : place + REQUEST_BYTES]
    if len(frame) < REQUEST_BYTES:
        return REQUEST_BYTES
    count = int.from_bytes(frame[4:6], "big")
    if not 1 <= count <= MOST[table] or not is_right(frame):
        return 0
    return Request(frame[0], table, int.from_bytes(frame[2:4], "big"), count)
