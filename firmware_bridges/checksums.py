"""Check sums that more than one language has. Names and check values are those of the RevEng catalogue."""

from functools import cache


@cache
def _table(polynomial: int) -> tuple[int, ...]:
    def entry(value: int) -> int:
        for _ in range(8):
            value = value >> 1 ^ (polynomial if value & 1 else 0)
        return value

    return tuple(entry(value) for value in range(256))


def crc16(data: bytes, polynomial: int, start: int) -> int:
    """A CRC-16 whose bits go in and out last bit first; `polynomial` is written reversed."""
    table = _table(polynomial)
    crc = start
    for byte in data:
        crc = crc >> 8 ^ table[(crc ^ byte) & 0xFF]
    return crc


def crc16_arc(data: bytes) -> int:
    """CRC-16/ARC (DSMR P1), check value BB3D."""
    return crc16(data, 0xA001, 0)


def crc16_modbus(data: bytes) -> int:
    """CRC-16/MODBUS, check value 4B37; on the wire low byte first."""
    return crc16(data, 0xA001, 0xFFFF)


def crc16_x25(data: bytes) -> int:
    """CRC-16/IBM-SDLC, also called X.25, check value 906E."""
    return crc16(data, 0x8408, 0xFFFF) ^ 0xFFFF


def crc16_kermit(data: bytes) -> int:
    """CRC-16/KERMIT, check value 2189."""
    return crc16(data, 0x8408, 0)
