"""What is wrong in a configuration, said so that its author finds the line and knows what to write instead."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from edge_agent.config.locate import Path, Places
from edge_agent.core.errors import ConfigError

# More are counted only: whoever sees a hundred starts at the top.
MAX_MISTAKES = 100
MAX_SHOWN = 60

_BARE = re.compile(r"[A-Za-z0-9_-]+")
# `keys` are the desk's: public, but somebody may paste the wrong half of the pair.
_SECRET = re.compile(r"pas+(w|phrase|$)|passwd|pwd|secret|keys?($|_)|key$|token|cred|psk|(^|_)pin($|_)", re.IGNORECASE)


class _Absent:
    """Stands for no value at all; `None` cannot, for a bridge may have it as a default."""


ABSENT: Final = _Absent()


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing to change. `line` and `column` count from 1; 0 where the file as a whole is meant.

    `what` is what is wrong where the value alone does not say it, `nearest` a key or value that may have been meant.
    `value` is as a person may see it: a secret is hidden, a table is not spelled out.
    """

    file: str
    line: int
    key: str = ""
    value: str = ""
    expected: str = ""
    nearest: str = ""
    what: str = ""
    column: int = 0

    @property
    def text(self) -> str:
        """One line: where, what stands there, what is wrong, what to write."""
        place = self.file
        if self.line:
            place += f":{self.line}" if self.key or not self.column else f":{self.line}:{self.column}"
        subject = f"{self.key} = {self.value}" if self.value else self.key
        advice = [self.what] if self.what else []
        if self.expected:
            advice.append(f"expected {self.expected}")
        if self.nearest:
            advice.append(f"did you mean {self.nearest}?")
        return ": ".join(part for part in (place, subject, "; ".join(advice)) if part)


class ConfigProblems(ConfigError):  # noqa: N818 (it is a list of them)
    """Everything that is wrong, by file and in the order of its lines; `more` were found and are not listed."""

    def __init__(self, mistakes: Sequence[Mistake], more: int = 0) -> None:
        self.mistakes = tuple(sorted(mistakes, key=lambda m: (m.file, m.line, m.column)))
        self.more = more
        lines = [mistake.text for mistake in self.mistakes]
        if more:
            lines.append(f"and {more} more")
        super().__init__("\n".join(lines))


class Report:
    """Collects mistakes by path; `places` knows their lines."""

    def __init__(self, file: str, places: Places) -> None:
        self._file = file
        self._places = places
        self._paths: list[Path] = []
        self._mistakes: list[Mistake] = []

    @property
    def full(self) -> bool:
        """Whether further mistakes are only counted: nobody needs to look for what was meant."""
        return len(self._mistakes) >= MAX_MISTAKES

    def add(self, path: Path, value: Any = ABSENT, *, what: str = "", expected: str = "", nearest: str = "") -> None:
        """One mistake at this key. Leave `value` out where none stands there."""
        self._paths.append(path)
        if not self.full:
            place = self._places.of(path)
            text = "" if value is ABSENT else shown(path, value)
            self._mistakes.append(
                Mistake(self._file, place.line, dotted(path), text, expected, nearest, what, place.column)
            )

    def clean(self, *paths: Path) -> bool:
        """Whether no mistake was found at or below any of these: only then does a cross check make sense."""
        return not any(found[: len(path)] == path for found in self._paths for path in paths)

    def line(self, path: Path) -> int:
        """The line of a key, to point at it from another."""
        return self._places.of(path).line

    def raise_if_any(self, others: ConfigProblems | None = None) -> None:
        """Raise ConfigProblems when there is a mistake, here or among `others` (of files that belong to this one)."""
        found = [*self._mistakes, *(others.mistakes if others else ())]
        if found:
            raise ConfigProblems(found, len(self._paths) - len(self._mistakes) + (others.more if others else 0))


def dotted(path: Path) -> str:
    """A path as people write it: `serial[1].port`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            plain = part if _BARE.fullmatch(part) else shortened(repr(part))
            text += f".{plain}" if text else plain
    return text


def shortened(text: str) -> str:
    """At most MAX_SHOWN characters."""
    return text if len(text) <= MAX_SHOWN else text[: MAX_SHOWN - 3] + "..."


def shown(path: Path, value: Any) -> str:
    """A value as a message may show it: short, on one line, and never a secret."""
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else f"a list of {len(value)}"
    if _is_secret(path, value):
        return f"(hidden, {len(str(value))} characters)"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return shortened(f'"{"".join(map(_visible, value[:MAX_SHOWN]))}"')
    if isinstance(value, int) and value.bit_length() > 64:
        return "a very large number"
    return shortened(str(value))


def _is_secret(path: Path, value: Any) -> bool:
    if isinstance(value, bool):
        return False
    names = [part for part in path if isinstance(part, str)]
    if names and names[-1].endswith("_file"):
        # A path may be shown; what looks like none may be the secret itself.
        return isinstance(value, str) and bool(value) and not value.startswith(("/", "./", "~"))
    return any(_SECRET.search(name) for name in names) or (isinstance(value, str) and "@" in value)


def _visible(character: str) -> str:
    return character if character.isprintable() else character.encode("unicode_escape").decode()


def number_text(number: float) -> str:
    """A bound as people write it: without an exponent, without a needless fraction."""
    return str(int(number)) if math.isfinite(number) and number == int(number) else str(number)
