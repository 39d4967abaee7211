"""Fast packets: messages of up to 223 bytes in frames of one sequence (NMEA 2000 appendix A)."""

from firmware_bridges.canbus import Message

MAX_SIZE = 223
MAX_OPEN = 64
LOST_S = 2.0
# Groups that are sent so. What is sent as one frame each is not in here; proprietary ones above 130816 all are.
FAST = frozenset(
    {
        126208, 126464, 126720, 126983, 126984, 126985, 126986, 126987, 126988, 126996, 126998, 127233, 127237, 127489,
        127490, 127491, 127494, 127495, 127496, 127497, 127498, 127503, 127504, 127506, 127507, 127509, 127510, 127511,
        127512, 127513, 127514, 128275, 128520, 128538, 129029, 129038, 129039, 129040, 129041, 129044, 129045, 129284,
        129285, 129301, 129302, 129538, 129540, 129541, 129542, 129545, 129547, 129549, 129551, 129556, 129792, 129793,
        129794, 129795, 129796, 129797, 129798, 129799, 129800, 129801, 129802, 129803, 129804, 129805, 129806, 129807,
        129808, 129809, 129810, 130052, 130053, 130054, 130060, 130061, 130064, 130065, 130066, 130067, 130068, 130069,
        130070, 130071, 130072, 130073, 130074, 130320, 130321, 130322, 130323, 130324, 130330, 130567, 130569, 130570,
        130571, 130573, 130574, 130577, 130578, 130580, 130581, 130583, 130584, 130586,
    }
)  # fmt: skip
_OWN = range(130816, 131072)


def is_fast(pgn: int) -> bool:
    """Is this group sent as a fast packet?"""
    return pgn in FAST or pgn in _OWN


class _Open:
    __slots__ = ("at", "parts", "size")

    def __init__(self, at: float) -> None:
        self.at = at
        self.size = -1
        self.parts: dict[int, bytes] = {}


def _frames(size: int) -> int:
    return 1 if size <= 6 else 1 + -(-(size - 6) // 7)


class FastPackets:
    """Frames in, whole messages out, in whatever order the frames come, but for a first one that comes last.

    `lost` counts messages that never became whole.
    """

    def __init__(self) -> None:
        self._open: dict[tuple[int, int, int, int], _Open] = {}
        self.lost = 0

    def feed(self, part: Message, at: float) -> Message | None:
        """The message that this frame completes."""
        data = part.data
        if len(data) < 2:
            return None
        sequence, index = data[0] >> 5, data[0] & 0x1F
        key = (part.pgn, part.source, part.destination, sequence)
        packet = self._open.get(key)
        if packet is None or at - packet.at > LOST_S or index in packet.parts:
            self.lost += packet is not None
            packet = self._begin(key, at)
        if index == 0:
            packet.size = data[1]
            if packet.size > MAX_SIZE or len(data) < min(8, 2 + packet.size):
                del self._open[key]  # a first frame that is too short would put all that follows in the wrong place
                self.lost += 1
                return None
            if packet.parts and len(packet.parts) + 1 >= _frames(packet.size):
                self.lost += 1  # these were of an earlier message, whose first frame was lost
                packet.parts.clear()
        packet.at = at
        packet.parts[index] = data[2:] if index == 0 else data[1:]
        return self._whole(key, packet, part)

    def _begin(self, key: tuple[int, int, int, int], at: float) -> _Open:
        if len(self._open) >= MAX_OPEN:
            stale = [each for each, packet in self._open.items() if at - packet.at > LOST_S]
            for each in stale or [next(iter(self._open))]:
                del self._open[each]
                self.lost += 1
        packet = self._open[key] = _Open(at)
        return packet

    def _whole(self, key: tuple[int, int, int, int], packet: _Open, part: Message) -> Message | None:
        if packet.size < 0:
            return None
        count = _frames(packet.size)
        if any(index not in packet.parts for index in range(count)):
            return None
        del self._open[key]
        data = b"".join(packet.parts[index] for index in range(count))[: packet.size]
        return part._replace(data=data) if len(data) == packet.size else None
