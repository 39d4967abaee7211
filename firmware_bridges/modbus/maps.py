"""Device maps from their TOML files: `load_map` gives one, or says everything that is wrong with it, line by line."""

from pathlib import Path as FilePath
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, inspect

from edge_agent.config.convert import Converter, build, choice, known_keys
from edge_agent.config.locate import Path, Places
from edge_agent.config.mistakes import ConfigProblems, Mistake, Report
from edge_agent.config.nearest import nearest
from edge_agent.config.source import parse_toml, read_source
from edge_agent.core.finding import Severity
from edge_agent.core.reading import ChannelKind
from firmware_bridges.modbus.codec import MOST
from firmware_bridges.modbus.registers import BITS, TYPES, DeviceMap, Place, Register, Trouble

FOLDER = FilePath(__file__).parent / "maps"
LAST_ADDRESS = 0xFFFF
MAX_ROWS = 500

Name = Annotated[
    str,
    Meta(pattern=r"^[a-z][a-z0-9_]{0,31}$", description="a lower-case letter, then letters, digits or _, at most 32"),
]
Address = Annotated[int, Meta(ge=0, le=LAST_ADDRESS)]
TableName = Literal["input", "holding", "discrete", "coil"]
TypeName = Literal["u16", "s16", "u32", "s32", "u64", "s64", "f32", "f64", "bit"]
Seconds = Annotated[float, Meta(ge=0.1, le=86400.0)]


class _Section(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    pass


class RegisterTable(_Section, frozen=True):
    """One value; see registers.Register."""

    name: Name
    address: Address
    table: TableName | None = None
    type: TypeName | None = None
    unit: Annotated[str, Meta(max_length=16)] = ""
    kind: Literal["gauge", "counter", "state", "angle"] | None = None
    scale: Annotated[float, Meta(ge=-1e12, le=1e12)] = 1.0
    offset: float = 0.0
    bit: Annotated[int, Meta(ge=0, le=15)] | None = None
    words: dict[str, Annotated[str, Meta(min_length=1, max_length=60)]] = {}
    none: tuple[int, ...] = ()
    every_s: Seconds | None = None


class FaultTable(_Section, frozen=True):
    """A word of trouble codes; see registers.Trouble. Of `values` and `bits` it has one."""

    name: Name
    address: Address
    table: TableName | None = None
    type: TypeName | None = None
    values: dict[str, Annotated[str, Meta(max_length=200)]] = {}
    bits: dict[str, Annotated[str, Meta(max_length=200)]] = {}
    code: Annotated[str, Meta(min_length=1, max_length=40)] = "{}"
    severity: Literal["notice", "warning", "alarm"] = "warning"
    every_s: Seconds | None = None


class MapFile(_Section, frozen=True):
    """The whole file."""

    title: Annotated[str, Meta(min_length=1, max_length=80)]
    source: Annotated[str, Meta(min_length=1, max_length=300)]
    table: TableName = "input"
    word_order: Literal["high_first", "low_first"] = "high_first"
    every_s: Seconds = 10.0
    largest_gap: Annotated[int, Meta(ge=0, le=100)] = 0
    most_at_once: Annotated[int, Meta(ge=1, le=125)] = 60
    register: tuple[RegisterTable, ...] = ()
    fault: tuple[FaultTable, ...] = ()


def shipped() -> list[str]:
    """The names of the maps that come with the package."""
    return sorted(path.stem for path in FOLDER.glob("*.toml"))


def load_map(name: str) -> DeviceMap:
    """A shipped map by its name, or one's own by the absolute path of its file. Raises ConfigProblems."""
    if name in shipped():
        return parse_map(read_source(str(FOLDER / f"{name}.toml")), f"{name}.toml")
    if not name.startswith("/"):
        near = nearest(name, shipped())
        expected = f"{choice(shipped())}, or the absolute path of a map of your own"
        raise ConfigProblems([Mistake(name, 0, what="there is no such device map", expected=expected, nearest=near)])
    return parse_map(read_source(name), name)


def parse_map(source: str, file: str) -> DeviceMap:
    """The map in TOML text; `file` is its name in messages. Raises ConfigProblems with every mistake."""
    table = parse_toml(source, file)
    report = Report(file, Places(source))
    info = inspect.type_info(MapFile)
    assert isinstance(info, inspect.StructType)
    good = Converter(report, lambda path, value, _: _unknown(path, value, report)).struct(info, table, ())
    if not report.full:
        _check(good, report)
    report.raise_if_any()
    return _made(build(info, good))


def _unknown(path: Path, value: Any, report: Report) -> None:
    above = tuple(part for part in path[:-1] if isinstance(part, str))
    known = [key[-1] for key in known_keys(inspect.type_info(MapFile)) if key[:-1] == above]
    report.add(path, value, what="unknown key", nearest=nearest(path[-1], known))


def _check(good: dict[str, Any], report: Report) -> None:
    """What single keys cannot show."""
    rows = [("register", i, row) for i, row in enumerate(good.get("register", ()))]
    rows += [("fault", i, row) for i, row in enumerate(good.get("fault", ()))]
    if not rows and report.clean(("register",), ("fault",)):
        report.add(("register",), what="the map reads nothing", expected="tables that begin with [[register]]")
    if len(rows) > MAX_ROWS:
        report.add(("register",), what=f"{len(rows)} rows", expected=f"at most {MAX_ROWS}")
    first: dict[str, Path] = {}
    for kind, number, row in rows:
        path: Path = (kind, number)
        if "name" in row:
            if row["name"] in first:
                what = f"the same as in line {report.line(first[row['name']])}"
                report.add((*path, "name"), row["name"], what=what, expected="another name")
            first.setdefault(row["name"], (*path, "name"))
        if report.clean(path):
            _check_place(row, row["table"] or good.get("table", "input"), path, report)
            (_check_register if kind == "register" else _check_fault)(row, path, report)


def _check_place(row: dict[str, Any], table: str, path: Path, report: Report) -> None:
    kind = row["type"]
    if table in BITS and kind not in (None, "bit"):
        report.add((*path, "type"), kind, what=f"a {table} is one bit", expected="bit, or leave it out")
    elif table not in BITS and kind == "bit":
        report.add((*path, "type"), kind, what="a register has 16 bits", expected="u16, and bit = 0 to 15")
    elif kind in TYPES and row["address"] + TYPES[kind][0] - 1 > LAST_ADDRESS:
        report.add((*path, "address"), row["address"], what="it ends beyond 65535", expected="a smaller address")


def _check_register(row: dict[str, Any], path: Path, report: Report) -> None:
    if row["scale"] == 0.0:
        report.add((*path, "scale"), 0.0, what="every value would be the same", expected="any other number")
    if row["bit"] is not None and row["type"] not in (None, "u16"):
        report.add((*path, "bit"), row["bit"], what="only a u16 has bits here", expected="type u16, or leave it out")
    if row["words"] and (row["bit"] is not None or row["unit"] or row["scale"] != 1.0 or row["offset"]):
        report.add((*path, "words"), what="words are for a plain number", expected="no bit, unit, scale or offset")
    _check_numbers(row["words"], (*path, "words"), report, 0xFFFFFFFF)


def _check_fault(row: dict[str, Any], path: Path, report: Report) -> None:
    if bool(row["values"]) == bool(row["bits"]):
        what = "it has both values and bits" if row["values"] else "it has no words for its codes"
        report.add(path, what=what, expected='values or bits, { 1 = "what is wrong" }')
    if row["type"] not in (None, "u16", "u32", "bit"):
        report.add((*path, "type"), row["type"], expected="u16 or u32")
    most = 31 if row["type"] == "u32" else 15
    _check_numbers(row["bits"], (*path, "bits"), report, most)
    _check_numbers(row["values"], (*path, "values"), report, 0xFFFFFFFF)
    try:
        same = row["code"].format(1) == row["code"].format(2)
    except (ValueError, IndexError, KeyError, AttributeError):
        same = True
    if same and len(row["bits"]) + len(row["values"]) > 1:
        report.add((*path, "code"), row["code"], expected='the form of a code, with one number in it: "E{}", "CH{:02}"')


def _check_numbers(table: dict[str, str], path: Path, report: Report, most: int) -> None:
    for key in table:
        if not key.isdecimal() or not key.isascii() or int(key) > most:
            report.add((*path, key), what="no number of the register", expected=f"a whole number from 0 to {most}")


def _made(file: MapFile) -> DeviceMap:
    def place(row: RegisterTable | FaultTable) -> Place:
        table = row.table or file.table
        return Place(
            table, row.address, row.type or ("bit" if table in BITS else "u16"), file.word_order == "low_first"
        )

    return DeviceMap(
        title=file.title,
        registers=tuple(_register(row, place(row), file.every_s) for row in file.register),
        troubles=tuple(_trouble(row, place(row), file.every_s) for row in file.fault),
        gap=file.largest_gap,
        most=min(file.most_at_once, *MOST.values()),
    )


def _register(row: RegisterTable, place: Place, every_s: float) -> Register:
    state = row.bit is not None or bool(row.words) or place.type == "bit"
    return Register(
        name=row.name,
        place=place,
        unit=row.unit,
        kind=ChannelKind(row.kind or ("state" if state else "gauge")),
        scale=row.scale,
        offset=row.offset,
        bit=row.bit,
        words={int(key): word for key, word in row.words.items()},
        none=frozenset(row.none),
        every_s=row.every_s or every_s,
    )


def _trouble(row: FaultTable, place: Place, every_s: float) -> Trouble:
    meanings = {int(key): meaning for key, meaning in (row.bits or row.values).items()}
    return Trouble(row.name, place, bool(row.bits), meanings, row.code, Severity(row.severity), row.every_s or every_s)
