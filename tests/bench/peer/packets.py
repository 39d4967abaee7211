"""As much of MQTT 3.1.1 as the feed, the agent's source and the counting cloud need."""

from tests.bench.limits import packet, text

CONNACK, PUBLISH, PUBACK, SUBACK = 0x20, 0x30, 0x40, 0x90
# No message of this bench is larger; a length beyond it is no MQTT.
MAX_BYTES = 1 << 20


def connect(client: str, *, clean: bool) -> bytes:
    """Keep-alive off: the brokers of this bench are on loopback and die with it."""
    return packet(0x10, text("MQTT") + bytes([4, 2 * clean, 0, 0]) + text(client))


def subscribe(*filters: str) -> bytes:
    """All with QoS 1."""
    return packet(0x82, b"\0\1" + b"".join(text(name) + b"\1" for name in filters))


def publish(topic: bytes, number: int, payload: bytes) -> bytes:
    """QoS 1; `topic` with its length before it."""
    return packet(0x32, topic + (number % 65535 + 1).to_bytes(2, "big") + payload)


def puback(number: bytes) -> bytes:
    return b"\x40\x02" + number


def opened(body: bytes) -> tuple[bytes, bytes, bytes]:
    """Topic, packet number and payload of a PUBLISH with QoS 1."""
    end = 2 + (body[0] << 8 | body[1])
    return body[2:end], body[end : end + 2], body[end + 2 :]


class Splitter:
    """A stream in, whole packets out: the first byte and the body of each."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        data = self._rest + data if self._rest else data
        found, at, end = [], 0, len(data)
        while at + 2 <= end:
            start, size = at + 2, data[at + 1]
            if size > 127:
                start, size = _long(data, start, size & 127)
            if start + size > end:
                break
            found.append((data[at], data[start : start + size]))
            at = start + size
        self._rest = data[at:]
        return found


def _long(data: bytes, start: int, size: int) -> tuple[int, int]:
    """Where a body starts whose length takes more than a byte, and that length; MAX_BYTES where it is not whole yet."""
    for shift in (7, 14, 21):
        if start >= len(data):
            break
        byte = data[start]
        size |= (byte & 127) << shift
        start += 1
        if byte < 128:
            if size > MAX_BYTES:
                raise ValueError(f"a packet of {size} bytes")
            return start, size
    return start, MAX_BYTES
