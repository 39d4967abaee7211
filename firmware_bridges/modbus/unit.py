"""One unit on the bus: what is to be read of it in which requests, and what its answers mean."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from edge_agent.core.reading import Channel, Codes, Item
from firmware_bridges.base import ListeningBridge
from firmware_bridges.modbus.codec import Request
from firmware_bridges.modbus.registers import DeviceMap, Register, Trouble

Row = Register | Trouble


@dataclass(slots=True, eq=False)
class Block:
    """Rows that one request reads. `due_at` is when it is asked next."""

    request: Request
    rows: tuple[Row, ...]
    every_s: float
    due_at: float = 0.0


class Unit:
    """Reads one map's rows from unit `number`; its channels begin with `prefix`."""

    def __init__(self, bridge: ListeningBridge, number: int, prefix: str, device_map: DeviceMap) -> None:
        self._bridge = bridge
        self.number = number
        self._prefix = prefix
        self._map = device_map
        self._alone = len(device_map.troubles) == 1
        self.silent = 0  # questions in a row that it has not answered
        self.blocks = list(_blocks(number, device_map))

    def channel(self, row: Register) -> Channel:
        """The channel of a row."""
        return self._bridge.channel(self._prefix + row.name, row.unit, row.kind)

    def split(self, block: Block) -> None:
        """Ask for each row of a block alone: one of them is not there, and the others shall not go with it."""
        self.blocks.remove(block)
        for row in block.rows:
            alone = Request(self.number, row.place.table, row.place.address, row.place.length)
            self.blocks.append(Block(alone, (row,), block.every_s, block.due_at))

    def decode(self, request: Request, rows: Sequence[Row], data: bytes, at: float) -> Iterator[Item]:
        """What the data of a reply says of the rows that are in it."""
        for row in rows:
            raw = row.place.raw(data, request.address)
            if isinstance(row, Trouble):
                yield Codes(self._bridge.device, row.codes(int(raw)), at, self._memory(row))
                continue
            channel, value = self.channel(row), row.value(raw)
            if value is None:
                yield from self._bridge.absent(channel, f"unit {self.number} says that it has no value", at)
            else:
                yield self._bridge.present(channel, value, at)

    def rows_in(self, request: Request) -> Sequence[Row]:
        """The rows that a request of somebody else reads as a whole."""
        end = request.address + request.length
        rows: list[Row] = [*self._map.registers, *self._map.troubles]
        return [
            row
            for row in rows
            if row.place.table == request.table
            and request.address <= row.place.address
            and row.place.address + row.place.length <= end
        ]

    def absent(self, block: Block, reason: str, at: float) -> Iterator[Item]:
        """Its rows have no value now."""
        for row in block.rows:
            if isinstance(row, Register):
                yield from self._bridge.absent(self.channel(row), reason, at)

    def _memory(self, row: Trouble) -> str:
        return self._prefix.rstrip("_") if self._alone else self._prefix + row.name


def _blocks(number: int, device_map: DeviceMap) -> Iterator[Block]:
    """Rows that are read as often, next to one another, in as few requests as the map lets."""
    rows: list[Row] = [*device_map.registers, *device_map.troubles]
    rows.sort(key=lambda row: (row.place.table, row.every_s, row.place.address))
    together: list[Row] = []
    for row in rows:
        if together and not _fits(together, row, device_map):
            yield _block(number, together)
            together = []
        together.append(row)
    if together:
        yield _block(number, together)


def _fits(together: list[Row], row: Row, device_map: DeviceMap) -> bool:
    first, place = together[0].place, row.place
    end = max(each.place.address + each.place.length for each in together)
    return (
        first.table == place.table
        and together[0].every_s == row.every_s
        and place.address - end <= device_map.gap
        and place.address + place.length - first.address <= device_map.most
    )


def _block(number: int, rows: list[Row]) -> Block:
    first = rows[0].place
    end = max(row.place.address + row.place.length for row in rows)
    return Block(Request(number, first.table, first.address, end - first.address), tuple(rows), rows[0].every_s)
