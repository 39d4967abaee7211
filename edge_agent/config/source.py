"""TOML files as text and as plain data; what cannot be read is said in plain words, with its line."""

from typing import Any

import tomli

from edge_agent.config.locate import Places
from edge_agent.config.mistakes import ConfigProblems, Mistake, dotted

# A hundred devices are about 30 KiB.
MAX_BYTES = 1 << 20

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
