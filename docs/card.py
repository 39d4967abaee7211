"""Draws the card for beside the button, `lamp.LANGUAGE.svg`, from the rows of core/lamp.py and the texts.

    .venv/bin/python -m docs.made

makes the cards with everything else that the code says. A card is one sheet of A4; units are millimetres. Strips are
dark where the lamp is, so that they are read without colour too.
"""  # noqa: INP001 - a script, in no package

from itertools import pairwise
from textwrap import wrap
from typing import NamedTuple
from xml.sax.saxutils import escape

from edge_agent.config.model import Help
from edge_agent.core.lamp import PATTERNS, RESOLVED_S, Shown
from edge_agent.texts import Texts, texts
from simulators.rhythms import played

WIDTH, HEIGHT, MARGIN = 210.0, 297.0, 13.0
STRIP_X, STRIP_WIDTH, STRIP_HEIGHT, STRIP_S = 76.0, 121.0, 5.2, 10.0
STRIP_INSET = 1.2
TEXT_X, HOW_X = 25.0, 68.0
COLOURS = {"green": "#35c46a", "amber": "#ffb020", "red": "#ff5c4d", "blue": "#4f9dff"}
INK, SOFT, RULE, TICK, NIGHT = "#1d232b", "#5c6673", "#dfe3e8", "#aab2bd", "#20262e"
PAPER, CALM, WARM = "#ffffff", "#e4f6ea", "#fff1d6"
FONT = "'Liberation Sans', Arial, Helvetica, 'DejaVu Sans', sans-serif"
# Characters that fit into one line at the size it is written in.
SENTENCE_CHARS, HOW_CHARS = 96, 72
HOWS = ("call", "cancel", "ask", "answer", "again")


class Row(NamedTuple):
    """One line of the card: the key of its texts, its colour, and what its strip shows: (at, on) of each change."""

    key: str
    colour: str
    changes: list[tuple[float, bool]]


def rows() -> list[Row]:
    """The rows of core/lamp.py, and an assist session, over a lamp that is on all the time."""
    # RESOLVED is shown once round
    after = (RESOLVED_S, Shown.READY)
    scripts = {shown: [(0.0, shown), after] if shown is Shown.RESOLVED else [(0.0, shown)] for shown in Shown}
    found = [Row(p.shown, p.colour, played(scripts[p.shown], STRIP_S)) for p in PATTERNS.values()]
    over = played([(0.0, Shown.ENGAGED), (0.8, True)], STRIP_S)
    return [*found, Row("assist", PATTERNS[Shown.ENGAGED].colour, over)]


def _text(x: float, y: float, size: float, said: str, *, ink: str = INK, bold: bool = False, end: bool = False) -> str:
    weight = ' font-weight="700"' if bold else ""
    anchor = ' text-anchor="end"' if end else ""
    return f'<text x="{x:g}" y="{y:.2f}" font-size="{size:g}" fill="{ink}"{weight}{anchor}>{escape(said)}</text>'


def _box(x: float, y: float, width: float, height: float, fill: str, radius: float) -> str:
    return f'<rect x="{x:.2f}" y="{y:.2f}" width="{width:.2f}" height="{height:.2f}" rx="{radius:.2f}" fill="{fill}"/>'


def _strip(y: float, row: Row) -> list[str]:
    """Ten seconds of the lamp, with a tick a second."""
    drawn = [_box(STRIP_X, y, STRIP_WIDTH, STRIP_HEIGHT, NIGHT, 1.2)]
    left, scale = STRIP_X + STRIP_INSET, (STRIP_WIDTH - 2 * STRIP_INSET) / STRIP_S
    for (at, on), (until, _) in pairwise([*row.changes, (STRIP_S, False)]):
        if on:
            drawn.append(
                _box(left + at * scale, y + 0.8, (until - at) * scale, STRIP_HEIGHT - 1.6, COLOURS[row.colour], 0.4)
            )
    ticks = "".join(f"M{left + n * scale:.2f} {y + STRIP_HEIGHT + 0.3:.2f}v0.9" for n in range(int(STRIP_S) + 1))
    return [*drawn, f'<path d="{ticks}" stroke="{TICK}" stroke-width="0.2"/>']


def _lamp(y: float, row: Row) -> list[str]:
    """A round lamp in its colour, with its light around it."""
    x, colour = MARGIN + 4.0, COLOURS[row.colour]
    glow = f'<circle cx="{x}" cy="{y:.2f}" r="4.6" fill="{colour}" opacity="0.22"/>'
    body = f'<circle cx="{x}" cy="{y:.2f}" r="3" fill="{colour}"/>'
    shine = f'<circle cx="{x - 0.9}" cy="{y - 0.9:.2f}" r="0.9" fill="#fff" opacity="0.75"/>'
    return [glow, body, shine]


def _row(y: float, row: Row, here: Texts) -> tuple[float, list[str]]:
    """One row from `y` on; gives where the next begins."""
    middle = y + STRIP_HEIGHT / 2
    drawn = [*_lamp(middle + 1.6, row), _text(TEXT_X, middle + 1.5, 4.5, here[f"name.{row.key}"], bold=True)]
    drawn += _strip(y, row)
    at = y + STRIP_HEIGHT + 4.3
    for line in wrap(here[f"lamp.{row.key}"], SENTENCE_CHARS):
        drawn.append(_text(TEXT_X, at, 3.3, line))
        at += 3.9
    looks = f"{here[f'rhythm.{row.key}']}  ·  {here[f'tone.{row.key}']}"
    drawn.append(_text(TEXT_X, at - 0.1, 2.8, looks, ink=SOFT))
    at += 1.4
    drawn.append(f'<path d="M{MARGIN} {at:.2f}H{WIDTH - MARGIN}" stroke="{RULE}" stroke-width="0.25"/>')
    return at + 1.8, drawn


def _hows(y: float, here: Texts) -> tuple[float, list[str]]:
    """What to do with the button; calling for help is the one that must be found at once."""
    drawn: list[str] = []
    for how in HOWS:
        said = wrap(here.say(f"card.{how}_how", hold=f"{Help().hold_s:g}"), HOW_CHARS)
        height = 2.3 + 3.9 * len(said)
        if how == "call":
            drawn.append(_box(MARGIN, y - 1.5, WIDTH - 2 * MARGIN, height + 2.2, CALM, 2.0))
        drawn.append(_text(MARGIN + 3, y + 3.3, 3.6, here[f"card.{how}"], bold=True))
        drawn += [_text(HOW_X, y + 3.3 + 3.9 * n, 3.3, line) for n, line in enumerate(said)]
        y += height + (2.0 if how == "call" else 0.0)
    return y, drawn


def card(language: str) -> str:
    """The card in this language, as SVG."""
    here = texts(language)
    drawn = [_box(0, 0, WIDTH, HEIGHT, PAPER, 0), _text(MARGIN, 19.5, 8.5, here["card.title"], bold=True)]
    y, more = _hows(26.0, here)
    drawn += more
    drawn.append(_text(MARGIN, y + 6.6, 5.4, here["card.lamp"], bold=True))
    drawn.append(_text(MARGIN, y + 11.0, 3.0, here["card.rhythm"], ink=SOFT))
    y += 13.6
    for row in rows():
        y, more = _row(y, row, here)
        drawn += more
    dark = wrap(here["card.dark"], 84)
    drawn.append(_box(MARGIN, y, WIDTH - 2 * MARGIN, 4.6 + 4.2 * len(dark), WARM, 2.0))
    lamp = f'<circle cx="{MARGIN + 4}" cy="{y + 2.3 + 2.1 * len(dark):.2f}" r="2.8" fill="{NIGHT}"/>'
    drawn += [lamp, *(_text(TEXT_X, y + 5.7 + 4.2 * n, 3.45, line, bold=True) for n, line in enumerate(dark))]
    assert y + 4.6 + 4.2 * len(dark) < HEIGHT - 6.0, f"the card in {language} is longer than its sheet"
    head = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH:g}mm" height="{HEIGHT:g}mm" '
        f'viewBox="0 0 {WIDTH:g} {HEIGHT:g}" font-family="{FONT}" xml:lang="{language}">'
    )
    return "\n".join([head, f"<title>{escape(here['card.title'])}</title>", *drawn, "</svg>", ""])


def table(language: str) -> str:
    """The same as a table for who cannot see the picture."""
    here = texts(language)
    lines = []
    for row in rows():
        looks = here[f"rhythm.{row.key}"]
        if row.key != "assist":
            looks = f"{here[f'colour.{row.colour}']}: {looks}"
        cells = (here[f"name.{row.key}"], looks, here[f"tone.{row.key}"], here[f"lamp.{row.key}"])
        lines.append("| **{}** | {} | {} | {} |".format(*cells))
    head = " | ".join(here[f"card.{column}"] for column in ("the_lamp", "looks", "sounds", "means"))
    return "\n".join((f"| {head} |", "|---|---|---|---|", *lines)) + "\n"
