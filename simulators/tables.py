"""Reading a TOML file so that every mistake in it is told at once, with where it is and what was expected."""

import difflib
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import tomli

from edge_agent.core.errors import ConfigError

MAX_SHOWN = 40
REQUIRED: Any = object()


def nearest(word: str, known: Collection[str]) -> str:
    """A hint at the known word that this one may be meant to be, or which there are."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(sorted(known)) or 'none'}"


class Mistakes:
    """All that is wrong with one file."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.found: list[str] = []

    def add(self, where: str, what: str) -> None:
        """One more; `where` is a dotted key such as `device[2].language`."""
        self.found.append(f"{where}: {what}")

    def raise_if_any(self) -> None:
        """Raise ConfigError with all of them."""
        if self.found:
            shown = self.found[:MAX_SHOWN]
            if len(self.found) > MAX_SHOWN:
                shown.append(f"and {len(self.found) - MAX_SHOWN} more")
            raise ConfigError("\n  ".join([f"{self.path} is not a scenario:", *shown]))


class Table:
    """One table of the file. Readers give the value, or its default, or note a mistake and give something harmless."""

    def __init__(self, data: Mapping[str, Any], where: str, mistakes: Mistakes) -> None:
        self.where = where
        self.mistakes = mistakes
        self._data = data
        self._asked: set[str] = set()

    def at(self, key: str) -> str:
        """The dotted key."""
        return f"{self.where}.{key}" if self.where else key

    def wrong(self, key: str, what: str) -> None:
        """Note a mistake at this key."""
        self.mistakes.add(self.at(key), what)

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._data

    def text(self, key: str, default: str = REQUIRED, *, among: Collection[str] = ()) -> str:
        """A text, one of `among` where those are given."""
        value = self._get(key, default, "a text", "")
        if not isinstance(value, str):
            self.wrong(key, f"must be a text, not {value!r}")
            return ""
        if among and value not in among and (value or key in self._data):
            self.wrong(key, f"{value!r} is not known; {nearest(value, among)}")
        return value

    def number(self, key: str, default: float | None = REQUIRED, *, low: float = 0.0, high: float = 1e6) -> Any:
        """A number from `low` to `high`, as a float; None where that is the default."""
        value = self._get(key, default, f"a number from {low:g} to {high:g}", low)
        if value is None and key not in self._data:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
            self.wrong(key, f"must be a number from {low:g} to {high:g}, not {value!r}")
            return low
        return float(value)

    def line(self, key: str, default: int = REQUIRED) -> int:
        """A GPIO line of the header, 0 to 27."""
        value = self._get(key, default, "a GPIO line from 0 to 27", 0)
        if type(value) is not int or not (0 <= value <= 27 or value == default):
            self.wrong(key, f"must be a GPIO line from 0 to 27, not {value!r}")
            return 0
        return value

    def mapping(self, key: str) -> dict[str, Any]:
        """A table taken as it is; empty where it is not there."""
        value = self._get(key, {}, "a table", {})
        if not isinstance(value, dict):
            self.wrong(key, f"must be a table, not {value!r}")
            return {}
        return value

    def table(self, key: str) -> "Table":
        """A table to be read on."""
        return Table(self.mapping(key), self.at(key), self.mistakes)

    def tables(self, key: str) -> Sequence["Table"]:
        """An array of tables; empty where it is not there."""
        value = self._get(key, [], "tables", [])
        if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
            self.wrong(key, f"must be tables, each headed [[{key}]]")
            return ()
        return [Table(each, f"{self.at(key)}[{number}]", self.mistakes) for number, each in enumerate(value, 1)]

    def rest(self) -> dict[str, Any]:
        """What nobody has asked for."""
        return {key: value for key, value in self._data.items() if key not in self._asked}

    def done(self) -> None:
        """Note every key that nobody has asked for."""
        for key in self.rest():
            self.wrong(key, f"is not known; {nearest(key, self._asked)}")

    def _get(self, key: str, default: Any, expected: str, harmless: Any) -> Any:
        self._asked.add(key)
        if key in self._data:
            return self._data[key]
        if default is REQUIRED:
            self.wrong(key, f"is missing; expected {expected}")
            return harmless
        return default


def load(path: Path, name: str, known: Collection[str]) -> Table:
    """The root table of a file, asked for by `name`. Raises ConfigError when there is none or it is no TOML."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise ConfigError(
            f"there is no scenario {name!r}", fix=f"Name a .toml file, or one of {', '.join(known)}"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    try:
        return Table(tomli.loads(text), "", Mistakes(path))
    except tomli.TOMLDecodeError as error:
        raise ConfigError(f"{path} is not TOML: {error}") from error
