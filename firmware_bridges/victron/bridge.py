"""Victron Instant Readout: the encrypted adverts of chargers, monitors, inverters and batteries."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from edge_agent.core.ports import LanguageSpec, Option
from edge_agent.core.reading import Advert, Codes, Item
from firmware_bridges.adverts import AdvertBridge, Found
from firmware_bridges.cipher import Blocks, exclusive_or, key_bytes
from firmware_bridges.vedirect.fields import PRODUCTS
from firmware_bridges.victron.records import RECORDS, Record

COMPANY = 0x02E1
_PRODUCT_ADVERTISEMENT = 0x10
_HEAD_BYTES = 8
_BLOCK_BYTES = 16
_BATTERY_SENSE = frozenset({0xA3A4, 0xA3A5})  # says that it is something else
_MONITOR = 0x02
_WHERE = "VictronConnect: the device, Settings, Product info, Instant readout via Bluetooth, Show: Encryption key"


class _Sealed(NamedTuple):
    """An advert of a record: its product, its record, the counter, the first byte of the key, the ciphertext."""

    product: int
    record: Record
    counter: int
    key_byte: int
    body: bytes

    @property
    def model(self) -> str:
        return PRODUCTS.get(self.product, f"{self.record.name} {self.product:04X}")


def _sealed(advert: Advert) -> _Sealed | str | None:
    data = advert.manufacturer_data.get(COMPANY)
    if data is None:
        return None
    if len(data) <= _HEAD_BYTES or data[0] != _PRODUCT_ADVERTISEMENT:
        return "readout"
    product = int.from_bytes(data[2:4], "little")
    record = RECORDS.get(_MONITOR if product in _BATTERY_SENSE else data[4])
    if record is None:
        return "unsupported"
    return _Sealed(product, record, int.from_bytes(data[5:7], "little"), data[7], data[_HEAD_BYTES:])


class Victron(AdvertBridge):
    """Adverts in, readings and trouble codes out.

    The adverts carry no tag: a key whose first byte fits is believed, and a recording cannot be told from the device.
    """

    def __init__(self, device: str, options: Mapping[str, Any]) -> None:
        key = key_bytes(device, options["key"], (16,), _WHERE)
        self._key_byte = key[0]
        self._blocks = Blocks(device, key)
        self._record: Record | None = None
        super().__init__(device, self._found)

    def _found(self, advert: Advert) -> Found | str | None:
        sealed = _sealed(advert)
        if not isinstance(sealed, _Sealed):
            return sealed
        if sealed.key_byte != self._key_byte:
            return "key"
        count = -(-len(sealed.body) // _BLOCK_BYTES)
        blocks = b"".join((sealed.counter + block).to_bytes(_BLOCK_BYTES, "little") for block in range(count))
        self._record = sealed.record
        return Found(sealed.model, exclusive_or(sealed.body, self._blocks.encrypt(blocks)), sealed.record.decode)

    def _tell(self, found: Found, rssi_dbm: int, at: float) -> Iterator[Item]:
        """Readings, and behind them the trouble codes that the device has now."""
        told = False
        for item in super()._tell(found, rssi_dbm, at):
            told = True
            yield item
        codes = self._record.codes(found.data) if told and self._record is not None else None
        if codes is not None:
            yield Codes(self.device, codes, at)


def _recognise(advert: Advert) -> str | None:
    sealed = _sealed(advert)
    return sealed.model if isinstance(sealed, _Sealed) else None


SPEC = LanguageSpec(
    name="victron",
    transports=frozenset({"ble"}),
    make=Victron,
    options={"key": Option(str, None, "the encryption key of the device, 32 hexadecimal digits, from VictronConnect")},
    doc="Victron Instant Readout: solar and other chargers, battery monitors, inverters, DC-DC converters, batteries",
    recognise=_recognise,
)
