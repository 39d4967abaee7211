"""Who is heard by Bluetooth while somebody surveys: how strong, how often, and the newest advert of each address."""

from array import array
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bleak.backends.device import BLEDevice
from bleak.backends.scanner import AdvertisementData

from edge_agent.core.reading import Advert

# A street of flats has some dozens, a railway station more. 0.6 MB while somebody surveys, measured with 50 bytes each.
MAX_ADDRESSES = 500
MAX_SAMPLES = 64


def advert_of(found: BLEDevice, data: AdvertisementData) -> Advert:
    """What bleak heard, as bridges want it."""
    return Advert(
        found.address,
        data.local_name or "",
        data.rssi,
        data.service_data,
        data.manufacturer_data,
        tuple(data.service_uuids),
    )


class Voice:
    """One address: how often it was told of, the newest signal strengths, when first and last, what it said last.

    `kind` is that of the address as BlueZ says it: public or random.
    """

    __slots__ = ("_rssi_dbm", "advert", "count", "first_at", "kind", "last_at")

    def __init__(self, advert: Advert, kind: str, at: float) -> None:
        self.advert, self.kind = advert, kind
        self.first_at = self.last_at = at
        self.count = 0
        self._rssi_dbm = array("b")

    def hear(self, advert: Advert, at: float) -> None:
        """One advert more."""
        self.advert, self.last_at = advert, at
        rssi_dbm = min(max(advert.rssi_dbm, -127), 127)
        if self.count < MAX_SAMPLES:
            self._rssi_dbm.append(rssi_dbm)
        else:
            self._rssi_dbm[self.count % MAX_SAMPLES] = rssi_dbm
        self.count += 1

    def share_dbm(self, tenths: int) -> int:
        """The signal strength that so many tenths of the newest ones were at or below: 5 is the median."""
        return sorted(self._rssi_dbm)[(len(self._rssi_dbm) - 1) * tenths // 10]


class Table:
    """All since `since`, until `until` (monotonic seconds): the longest silent goes where there are too many."""

    def __init__(self, now: float) -> None:
        self.since = self.until = now
        self.left_out = 0
        self._voices: dict[str, Voice] = {}

    @property
    def voices(self) -> Sequence[Voice]:
        """Each address once, the last heard at the end."""
        return tuple(self._voices.values())

    def hear(self, advert: Advert, kind: str, at: float) -> None:
        """One advert."""
        voice = self._voices.pop(advert.address, None) or Voice(advert, kind, at)
        if len(self._voices) >= MAX_ADDRESSES:
            del self._voices[next(iter(self._voices))]
            self.left_out += 1
        self._voices[advert.address] = voice
        voice.hear(advert, at)


class Survey:
    """Nothing, until somebody asks; `afresh` then has the scanner tell of everybody again who is still there."""

    def __init__(self, afresh: Callable[[], None]) -> None:
        self.on = False
        self._afresh = afresh
        self._table: Table | None = None

    def prolong(self, seconds: float, now: float) -> None:
        """Begin one, or let the one that is on last so long from now, if that is longer."""
        if self.table(now) is None:
            self.on, self._table = True, Table(now)
            self._afresh()
        assert self._table is not None
        self._table.until = max(self._table.until, now + seconds)

    def table(self, now: float) -> Table | None:
        """What was heard; None when nobody surveys, and what was heard before is forgotten."""
        if self._table is not None and now > self._table.until:
            self.on, self._table = False, None
        return self._table

    def hear(self, found: BLEDevice, data: AdvertisementData, at: float) -> None:
        """One advert of anybody."""
        if (table := self.table(at)) is not None:
            table.hear(advert_of(found, data), _kind(data.platform_data), at)


def _kind(platform: tuple[Any, ...]) -> str:
    # BlueZ's own properties of the device are the second
    properties = platform[1] if len(platform) > 1 else None
    return str(properties.get("AddressType", "")) if isinstance(properties, Mapping) else ""
