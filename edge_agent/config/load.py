"""`load` reads a TOML file into a Config, or says everything that is wrong with it at once."""

import os
from collections.abc import Iterable, Iterator
from functools import partial
from typing import Any

import tomli
from msgspec import inspect

from edge_agent.config.convert import Converter, build, plain_type
from edge_agent.config.cross import check_all
from edge_agent.config.locate import Path, Places
from edge_agent.config.mistakes import ConfigProblems, Mistake, Report, dotted
from edge_agent.config.model import Config
from edge_agent.config.nearest import nearest
from edge_agent.config.options import Languages
from edge_agent.config.ways import check_ways
from edge_agent.core.errors import ConfigError

# A hundred devices are about 30 KiB.
MAX_BYTES = 1 << 20

# Keys that people look for and that are elsewhere on purpose.
_ADVICE: dict[Path, tuple[str, str]] = {
    ("broker", "password"): (
        "unknown key: a password stands in a file of its own, so that this one can be shown to others",
        "broker.password_file",
    ),
}

# What tomli says, in plain words: the start of its message, what is wrong, what was expected.
_SYNTAX = (
    ("Unterminated string", "a text is not closed", 'a quotation mark (") at its end'),
    ("Illegal character '\\n'", "a text is not closed on its line", 'a quotation mark (") at its end'),
    ("Found invalid character '\\n'", "a text is not closed on its line", "a quotation mark (') at its end"),
    ("Expected \"'", "a text is not closed", "a quotation mark (') at its end"),
    ("Invalid value", "this is no value", 'a number, true or false, a list in [ ], or text in "quotation marks"'),
    ("Expected '='", "a key without a value", "key = value"),
    ("Expected newline or end of document", "something stands behind the value", "one key = value on a line"),
    ("Invalid initial character for a key", "a key is missing or not closed", "letters, digits, _ or -"),
    ("Invalid statement", "neither a key nor a table begins here", "key = value or [table]"),
    ("Unclosed array", "a list is not closed", "a comma or ]"),
    ("Unclosed inline table", "a table is not closed", "a comma or }"),
    ("Expected ']", "the table's name is not closed", "[table] or [[table]] on a line of its own"),
    ("Unescaped '\\'", "a backslash that means nothing", "\\\\ for a backslash, or the text in 'single quotes'"),
    ("Invalid hex value", "a backslash that means nothing", "\\\\ for a backslash, or the text in 'single quotes'"),
    ("Invalid date or datetime", "there is no such date or time", "a date such as 2026-01-31"),
)
_UNCLOSED = ("Unterminated string", "Illegal character '\\n'", "Found invalid character '\\n'", "Expected \"'")
_REPEATED = ("Cannot overwrite", "Cannot declare", "Cannot mutate", "Cannot redefine", "Duplicate inline table key")


def load(path: str | os.PathLike[str], languages: Languages) -> Config:
    """The configuration in this file, checked against `languages` too. Raises ConfigProblems with every mistake."""
    file = os.fspath(path)
    return parse(read_source(file), file, languages)


def parse(source: str, file: str, languages: Languages) -> Config:
    """The configuration in TOML text; `file` is its name in messages. Raises ConfigProblems with every mistake."""
    table = parse_toml(source, file)
    report = Report(file, Places(source))
    info = inspect.type_info(Config)
    assert isinstance(info, inspect.StructType)
    good = Converter(report, partial(_unknown, report, languages)).struct(info, table, ())
    if not report.full:
        check_all(good, languages, report)
        check_ways(good, report)
    report.raise_if_any()
    config = build(info, good)
    assert isinstance(config, Config)
    return config


def read_source(file: str) -> str:
    """The text of a TOML file. Raises ConfigProblems where it cannot be read."""
    try:
        with open(file, "rb") as stream:  # noqa: PTH123 (a name such as /dev/stdin is fine too)
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        hint = "a configuration file; config/home.toml is one to begin with"
        absent = isinstance(error, FileNotFoundError)
        mistake = Mistake(file, 0, what=f"cannot be read: {reason.lower()}", expected=hint if absent else "")
        raise ConfigProblems([mistake]) from error
    if len(raw) > MAX_BYTES:
        raise ConfigProblems([Mistake(file, 0, what="too large", expected="a TOML file of at most 1 MiB")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start]
        line, column = before.count(b"\n") + 1, error.start - before.rfind(b"\n")
        what = f"the byte 0x{raw[error.start]:02x} is not UTF-8"
        mistake = Mistake(file, line, column=column, what=what, expected="a text file saved as UTF-8")
        raise ConfigProblems([mistake]) from error


def parse_toml(source: str, file: str) -> dict[str, Any]:
    """Plain data of TOML text; `file` is its name in messages. Raises ConfigProblems where it is none."""
    try:
        return tomli.loads(source)
    except tomli.TOMLDecodeError as error:
        raise ConfigProblems([_syntax(error, source, file)]) from error
    except RecursionError as error:
        what = "lists or tables are nested too deep to be read"
        raise ConfigProblems([Mistake(file, 0, what=what, expected="the tables of agent.example.toml")]) from error
    except ValueError as error:  # Python refuses whole numbers of more than 4,300 digits
        raise ConfigProblems([Mistake(file, 0, what="a number has too many digits to be read")]) from error


def _syntax(error: tomli.TOMLDecodeError, source: str, file: str) -> Mistake:
    message, line, column = error.msg, error.lineno, error.colno
    if message.startswith(_REPEATED):
        for repeat in Places(source).repeats():
            what = f"set before, in line {repeat.first.line}"
            return Mistake(file, repeat.position.line, dotted(repeat.path), what=what, expected="each key once")
        return Mistake(file, line, column=column, what="this key or table was set before", expected="each key once")
    if message.startswith(_UNCLOSED):
        line, column = Places(source).unclosed() or (line, column)
        what = "the text that begins here has no end"
        return Mistake(file, line, column=column, what=what, expected="the same quotation mark behind it")
    for start, what, expected in _SYNTAX:
        if message.startswith(start):
            return Mistake(file, line, column=column, what=what, expected=expected)
    return Mistake(file, line, column=column, what=f"not TOML: {message[0].lower()}{message[1:]}")


def _unknown(report: Report, languages: Languages, path: Path, value: Any, table: dict[str, Any]) -> None:
    what, close = _ADVICE.get(path, ("unknown key", ""))
    if not close and not report.full:
        close = _nearest_key(languages, path, table)
    report.add(path, value, what=what, nearest=close)


def _nearest_key(languages: Languages, path: Path, table: dict[str, Any]) -> str:
    """An option of the device's language, the same key in another table, a like one in this table, or in any."""
    *above, key = path
    keys = list(known_keys(inspect.type_info(Config)))
    here = tuple(part for part in above if isinstance(part, str))
    siblings = [known[-1] for known in keys if known[:-1] == here]
    if "options" in siblings and (close := nearest(key, _options(languages, table))):
        return dotted((*above, "options", close))
    for known in keys:
        if known[-1] == key:
            return dotted(known)
    if close := nearest(key, siblings):
        return dotted((*above, close))
    close = nearest(key, [known[-1] for known in keys])
    return next((dotted(known) for known in keys if known[-1] == close), "")


def _options(languages: Languages, table: dict[str, Any]) -> Iterable[str]:
    try:
        return languages.spec(str(table.get("language", ""))).options
    except ConfigError:
        return ()


def known_keys(info: inspect.Type, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every key of a model, as the parts of its dotted name, in its order, without the numbers of rows."""
    kind = plain_type(info)
    if isinstance(kind, inspect.VarTupleType):
        kind = plain_type(kind.item_type)
    if isinstance(kind, inspect.StructType):
        for field in kind.fields:
            yield (*above, field.name)
            yield from known_keys(field.type, (*above, field.name))
