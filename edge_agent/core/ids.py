"""Identifiers. UUIDv7 as in RFC 9562 §5.7: 48 bits of Unix milliseconds, then randomness."""

import re
from uuid import UUID

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z")


def uuid7(unix_s: float, random: bytes) -> bytes:
    """A UUIDv7 of this instant; `random` is 10 bytes.

    The time part only helps sorting: a clock that is wrong makes no id that was there before.
    """
    milliseconds = max(0, int(unix_s * 1000)) & (1 << 48) - 1
    raw = bytearray(milliseconds.to_bytes(6, "big") + random)
    raw[6] = 0x70 | raw[6] & 0x0F
    raw[8] = 0x80 | raw[8] & 0x3F
    return bytes(raw)


def uuid_text(raw: bytes) -> str:
    """The usual 36 characters of 16 bytes."""
    return str(UUID(bytes=raw))


def uuid_bytes(text: str) -> bytes:
    """16 bytes of the canonical lower-case form. Raises ValueError for anything else."""
    if not _UUID.match(text):
        raise ValueError(f"not a UUID: {text[:60]!r}")
    return UUID(text).bytes
