"""What a householder reads and hears, one file a language. `texts("de")["lamp.ready"]` is a sentence.

A text may have fields in braces (str.format). Every language has every key, with the same fields.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import tomli

FALLBACK = "en"
_FOLDER = Path(__file__).parent


class Texts(Mapping[str, str]):
    """The texts of one language by key, `table.name`."""

    def __init__(self, language: str, said: Mapping[str, str]) -> None:
        self.language = language
        self._said = said

    def __getitem__(self, key: str) -> str:
        return self._said[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._said)

    def __len__(self) -> int:
        return len(self._said)

    def say(self, key: str, **fields: object) -> str:
        """The text with its fields filled in."""
        return self._said[key].format(**fields)


def languages() -> list[str]:
    """The languages that there are texts in, two letters each."""
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))


@cache
def texts(language: str) -> Texts:
    """The texts in this language, or in English where there are none."""
    chosen = language if language in languages() else FALLBACK
    plain: dict[str, dict[str, Any]] = tomli.loads((_FOLDER / f"{chosen}.toml").read_text("utf-8"))
    return Texts(chosen, {f"{table}.{name}": said for table, rows in plain.items() for name, said in rows.items()})
