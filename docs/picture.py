"""Makes demo.svg beside this file: a real run of the demo, as its terminal showed it.

    .venv/bin/python docs/picture.py

A developer's tool; `make install` brings rich, which draws. Lines that say the same kind of thing again and again are
shown a few times only, and what is wider than the picture is cut.
"""  # noqa: INP001 - a script, in no package

import os
import pty
import re
import sys
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

COMMAND = ("edge-agent", "demo", "home", "--for", "60", "--seed", "11")
COLUMNS = 116
# What comes again and again, and how often it is shown.
OFTEN = (
    (re.compile(r"readings? in \d+ blocks? so far"), 2),
    (re.compile(r"channels, such as"), 1),
    (re.compile(r"case \w+ is [A-Z]"), 0),  # the lamp says the same
    (re.compile(r"state: "), 0),
    (re.compile(r"over: |: cleared "), 0),
    (re.compile(r"no connection to the broker: stopped"), 0),
)
# A viewer that shows a picture in a page fetches no fonts for it.
FONT_FACE = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


def story() -> list[str]:
    """The lines that the demo writes to a terminal, with their colours."""
    written = bytearray()
    os.environ.pop("TMPDIR", None)  # the demo names its folder

    def keep(terminal: int) -> bytes:
        read = os.read(terminal, 4096)
        written.extend(read)
        return read

    program = str(Path(sys.executable).with_name(COMMAND[0]))
    code = pty.spawn([program, *COMMAND[1:]], keep)
    if code:
        sys.exit(f"the demo ended with {os.waitstatus_to_exitcode(code)}: no picture was made")
    return written.decode().splitlines()


def chosen(lines: list[str]) -> list[str]:
    """The lines without those that say the same again."""
    shown: dict[str, int] = {}
    kept = []
    for line in lines:
        kind = next(((pattern.pattern, most) for pattern, most in OFTEN if pattern.search(line)), None)
        if kind:
            shown[kind[0]] = shown.get(kind[0], 0) + 1
            if shown[kind[0]] > kind[1]:
                continue
        kept.append(line)
    return kept


def picture(lines: list[str]) -> str:
    """The lines as SVG."""
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=COLUMNS, file=nowhere, force_terminal=True, color_system="truecolor")
        for line in lines:
            console.print(Text.from_ansi(line), overflow="ellipsis", no_wrap=True, crop=True)
        svg = console.export_svg(title=" ".join(COMMAND), theme=MONOKAI, unique_id="demo")
    return FONT_FACE.sub("", svg).replace("<svg ", '<svg xml:space="preserve" ', 1)


if __name__ == "__main__":
    Path(__file__).with_name("demo.svg").write_text(picture(chosen(story())), encoding="utf-8")
