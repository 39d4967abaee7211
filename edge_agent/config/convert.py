"""Plain TOML data to checked values, field by field, so that mistakes add up; structs are built at the end.

`Converter.struct` gives a dict with every field: the value, the default, or nothing where the value is wrong. Cross
checks read that dict; `build` makes the structs of it when no mistake was found.
"""

import math
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from msgspec import NODEFAULT, inspect

from edge_agent.config.locate import Path
from edge_agent.config.mistakes import Report, number_text
from edge_agent.config.nearest import nearest

# What stands where a value could not be used; it never reaches a struct.
WRONG: Final = object()

Unknown = Callable[[Path, Any, dict[str, Any]], None]


class Converter:
    """`unknown(path, value, table)` reports a key that the model does not have."""

    def __init__(self, report: Report, unknown: Unknown) -> None:
        self._report = report
        self._unknown = unknown

    def struct(self, info: inspect.StructType, table: dict[str, Any], path: Path) -> dict[str, Any]:
        """The fields of a table; those that are wrong are left out and reported."""
        known = {field.name for field in info.fields}
        for key, value in table.items():
            if key not in known:
                self._unknown((*path, key), value, table)
        good: dict[str, Any] = {}
        for field in info.fields:
            kind = plain_type(field.type)
            value = table.get(field.name, WRONG)
            if value is not WRONG:
                value = self._value(field.type, value, (*path, field.name))
            elif field.required:
                self._report.add(
                    (*path, field.name), what="missing", expected=expectation(field.type, (*path, field.name))
                )
            elif isinstance(kind, inspect.StructType) and field.default is not None:
                value = self.struct(kind, {}, (*path, field.name))
            else:
                value = field.default if field.default is not NODEFAULT else field.default_factory()
            if value is not WRONG:
                good[field.name] = value
        return good

    def _value(self, info: inspect.Type, raw: Any, path: Path) -> Any:
        kind = plain_type(info)
        if isinstance(kind, inspect.StructType) and isinstance(raw, dict):
            return self.struct(kind, raw, path)
        if isinstance(kind, inspect.VarTupleType) and isinstance(raw, list):
            return self._rows(kind, raw, path)
        if isinstance(kind, inspect.DictType) and isinstance(raw, dict):
            values = {key: self._value(kind.value_type, value, (*path, key)) for key, value in raw.items()}
            return {key: value for key, value in values.items() if value is not WRONG}
        if fits(info, raw):
            return float(raw) if isinstance(kind, inspect.FloatType) else raw
        close = nearest(raw, kind.values) if isinstance(kind, inspect.LiteralType) else ""
        self._report.add(path, raw, expected=expectation(info, path), nearest=close)
        return WRONG

    def _rows(self, kind: inspect.VarTupleType, raw: list[Any], path: Path) -> tuple[Any, ...]:
        """Every row keeps its place, so that paths stay right: one that is no table is an empty one."""
        rows = (self._value(kind.item_type, row, (*path, number)) for number, row in enumerate(raw))
        return tuple({} if row is WRONG else row for row in rows)


def build(info: inspect.Type, good: Any) -> Any:
    """The structs of what `Converter.struct` gave, when nothing was reported."""
    kind = plain_type(info)
    if isinstance(kind, inspect.StructType) and isinstance(good, dict):
        return kind.cls(**{field.name: build(field.type, good[field.name]) for field in kind.fields})
    if isinstance(kind, inspect.VarTupleType):
        return tuple(build(kind.item_type, row) for row in good)
    if isinstance(kind, inspect.DictType):
        return {key: build(kind.value_type, value) for key, value in good.items()}
    return good


def plain_type(info: inspect.Type) -> inspect.Type:
    """The type without its description and without `| None`: TOML has no null, what is absent is None.

    msgspec puts None last in a union.
    """
    while True:
        if isinstance(info, inspect.Metadata):
            info = info.type
        elif isinstance(info, inspect.UnionType):
            info = info.types[0]
        else:
            return info


def fits(info: inspect.Type, raw: Any) -> bool:
    """Whether a plain value may stand here. A whole number is a number too; true is neither."""
    match plain_type(info):
        case inspect.AnyType():
            return True
        case inspect.BoolType():
            return isinstance(raw, bool)
        case inspect.IntType() | inspect.FloatType() as kind:
            types = (int,) if isinstance(kind, inspect.IntType) else (int, float)
            return type(raw) in types and _finite(raw) and _within(kind, raw)
        case inspect.StrType() as kind:
            return isinstance(raw, str) and _is_text(kind, raw)
        case inspect.LiteralType(values):
            return any(type(raw) is type(value) and raw == value for value in values)
    return False


def _finite(raw: float) -> bool:
    try:
        return math.isfinite(raw)
    except OverflowError:
        return False


def _within(kind: inspect.IntType | inspect.FloatType, raw: float) -> bool:
    return (
        (kind.ge is None or raw >= kind.ge)
        and (kind.gt is None or raw > kind.gt)
        and (kind.le is None or raw <= kind.le)
        and (kind.lt is None or raw < kind.lt)
    )


def _is_text(kind: inspect.StrType, raw: str) -> bool:
    return (
        _on_one_line(raw)
        and (kind.min_length or 0) <= len(raw) <= (kind.max_length or 4096)
        and (kind.pattern is None or re.fullmatch(kind.pattern, raw) is not None)
    )


def _on_one_line(raw: str) -> bool:
    return all(character >= " " and character != "\x7f" for character in raw)


def expectation(info: inspect.Type, path: Path) -> str:
    """What may stand at this path, in plain words."""
    return _description(info) or _kind_text(plain_type(info), path)


def _kind_text(info: inspect.Type, path: Path) -> str:
    match info:
        case inspect.BoolType():
            return "true or false"
        case inspect.IntType() | inspect.FloatType() as kind:
            return ("a whole number" if isinstance(kind, inspect.IntType) else "a number") + _bounds(kind)
        case inspect.LiteralType(values):
            return choice(values)
        case inspect.VarTupleType(item_type):
            rows = isinstance(plain_type(item_type), inspect.StructType)
            name = ".".join(str(part) for part in path)
            return (
                f"tables that begin with [[{name}]]" if rows else f"a list in [ ], each {expectation(item_type, path)}"
            )
        case inspect.StructType() | inspect.DictType():
            return "a table"
    most = info.max_length if isinstance(info, inspect.StrType) else None
    return "text on one line" + (f", at most {most} characters" if most else "")


def _description(info: inspect.Type) -> str:
    while isinstance(info, inspect.Metadata | inspect.UnionType):
        if isinstance(info, inspect.UnionType):
            info = info.types[0]
            continue
        if info.extra_json_schema and "description" in info.extra_json_schema:
            return str(info.extra_json_schema["description"])
        info = info.type
    return ""


def _bounds(kind: inspect.IntType | inspect.FloatType) -> str:
    if kind.ge is not None and kind.le is not None:
        return f" from {number_text(kind.ge)} to {number_text(kind.le)}"
    low = "" if kind.ge is None else f" of at least {number_text(kind.ge)}"
    low = low if kind.gt is None else f" above {number_text(kind.gt)}"
    return low if kind.le is None else f"{low} and at most {number_text(kind.le)}"


def choice(values: Iterable[Any]) -> str:
    """`a, b or c`."""
    *most, last = (str(value) for value in values)
    return f"{', '.join(most)} or {last}" if most else last


def known_keys(info: inspect.Type, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of a model, as the parts of its dotted name, in its order, without the numbers of rows."""
    kind = plain_type(info)
    if isinstance(kind, inspect.VarTupleType):
        kind = plain_type(kind.item_type)
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield (*above, field.name)
            yield from known_keys(field.type, (*above, field.name))
