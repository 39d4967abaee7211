"""What a householder reads and hears, one file a language. `texts("de")["lamp.ready"]` is a sentence.

A text may have fields in braces (str.format). Every language has every key, with the same fields.
"""

from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Self

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

    def own(self, said: str) -> str:
        """A sentence in this language, where it knows its text; what comes from elsewhere is left as it is."""
        if not isinstance(said, Said):
            return said
        fields = {name: self.own(each) if isinstance(each, str) else each for name, each in said.fields.items()}
        return self.say(said.key, **fields)


def languages() -> list[str]:
    """The languages that there are texts in, two letters each."""
    return sorted(file.stem for file in _FOLDER.glob("*.toml"))


@cache
def texts(language: str) -> Texts:
    """The texts in this language, or in English where there are none."""
    chosen = language if language in languages() else FALLBACK
    plain: dict[str, dict[str, Any]] = tomli.loads((_FOLDER / f"{chosen}.toml").read_text("utf-8"))
    return Texts(chosen, {f"{table}.{name}": said for table, rows in plain.items() for name, said in rows.items()})


class Said(str):
    """A text in English, as the log has it, that still knows its key: `Texts.own` gives it in a household's language.

    Fields may be such sentences themselves. Once it is cut or joined with others it is a string like any other.
    """

    __slots__ = ("fields", "key")
    key: str
    fields: Mapping[str, object]

    def __new__(cls, key: str, **fields: object) -> Self:
        """The text of this key, its fields filled in."""
        said = super().__new__(cls, texts(FALLBACK).say(key, **fields))
        said.key, said.fields = key, fields
        return said

    def __reduce__(self) -> tuple[type[str], tuple[str]]:
        """A copy (dataclasses.asdict makes some) is a string like any other: its words are no key."""
        return str, (str(self),)
