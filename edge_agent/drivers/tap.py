"""Raw frames of one device, for whoever looks on site: the newest, for as long as it was asked for."""

from collections import deque
from typing import NamedTuple

from edge_agent.core.reading import Advert, Chunk, Content, Level, Notify, Pulses, Send
from edge_agent.core.reading import Frame as CanFrame

# 100 kB a device at the most, while somebody looks at it.
MAX_FRAMES = 200
MAX_LETTERS = 100_000
# Whole messages fit: the telegram of a meter has a kilobyte or two (DSMR 5).
MAX_SHOWN = 2048
IN, OUT = "in", "out"


class Frame(NamedTuple):
    """What came in or went out `at` (monotonic seconds): `shown` is hex or words, `size` the bytes that there were."""

    at: float
    way: str
    shown: str
    size: int


class Tap:
    """Keeps what it is shown until `until` (monotonic seconds), the newest that fit; `count` is of all."""

    def __init__(self, until: float) -> None:
        self.until = until
        self.count = 0
        self.frames: deque[Frame] = deque()
        self._letters = 0

    def keep(self, chunk: Chunk | Send, at: float) -> None:
        """One chunk from the device, or what was written to it."""
        if at <= self.until:
            shown, size = _told(chunk)
            self.count += 1
            self.frames.append(Frame(at, OUT if isinstance(chunk, Send) else IN, shown, size))
            self._letters += len(shown)
            while len(self.frames) > MAX_FRAMES or self._letters > MAX_LETTERS:
                self._letters -= len(self.frames.popleft().shown)


def _told(chunk: Chunk | Send) -> tuple[str, int]:
    match chunk:
        case Advert():
            parts = [(f"{company:04x}", data) for company, data in chunk.manufacturer_data.items()]
            parts += list(chunk.service_data.items())
            told = " ".join(f"{name}={data[:MAX_SHOWN].hex()}" for name, data in parts)
            return f"{chunk.rssi_dbm} dBm {told}"[: 2 * MAX_SHOWN], sum(len(data) for _, data in parts)
        case Notify():
            return f"{chunk.characteristic}={chunk.payload[:MAX_SHOWN].hex()}", len(chunk.payload)
        case Level() | Pulses():
            return f"{chunk.number} pulses" if isinstance(chunk, Pulses) else _word(chunk), 0
        case CanFrame():
            return f"{chunk.can_id:08x} {chunk.data.hex()}", len(chunk.data)
        case Send() | Content():
            return chunk.payload[:MAX_SHOWN].hex(), len(chunk.payload)
    return chunk[:MAX_SHOWN].hex(), len(chunk)


def _word(level: Level) -> str:
    return "active" if level.active else "not active"
