"""A survey of the header in words and pictures. Every function gives lines; nothing here prints or asks."""

from collections.abc import Iterator
from itertools import pairwise
from textwrap import wrap

from edge_agent.console.text import clean, paint, table
from edge_agent.control.types import GpioBurst, GpioEdge, GpioLine, GpioSurvey
from edge_agent.survey.gpio_heard import Event
from edge_agent.survey.gpio_trace import Strokes, picture

KINDS = {"help_button": "help button", "contact": "contact", "pulses": "pulses"}
DOES = {
    "cancel": "A press of {name} takes back an open help request.",
    "page": "A press of {name} opens the page on site.",
    "rule": "A rule looks at {name} and may call for help by itself when it is set off.",
}
# Levels that are told one by one; a burst of more is told by its figures.
MOST_LEVELS = 12
WIDTH = 80
LEAST_ZOOM_MS = 1.0
LONGEST_ZOOM_MS = 100.0
WELL, CARE = "ok", "warning"


def begins(survey: GpioSurvey, *, colour: bool) -> Iterator[str]:
    """Which lines there are, and how each stands."""
    head = ("LINE", "NAME", "KIND", "PULL", "ACTIVE", "DEBOUNCE", "LEVEL")
    rows = [
        (
            f"GPIO{line.line}",
            line.name,
            KINDS[line.kind],
            line.pull,
            line.active,
            f"{line.debounce_ms:g} ms",
            level(line),
        )
        for line in survey.lines
    ]
    yield from table(head, rows, colour=colour)


def warnings(survey: GpioSurvey, *, of_agent: bool, is_open: bool) -> Iterator[str]:
    """What a press does besides being seen. `is_open`: there is a help request now."""
    calling = [f"{line.name} ({pin(line)})" for line in survey.lines if line.does == "help"]
    if calling and not of_agent:
        yield f"No agent holds {' and '.join(calling)}: a press calls nobody."
    if not of_agent:
        return
    if calling and is_open:
        yield (
            f"A help request is open: every press of {' and '.join(calling)} is told to the service desk or answers "
            "its question."
        )
    if calling:
        yield (
            f"{' and '.join(calling)} stays a help button. HELD FOR {survey.hold_s:g} s IT CALLS FOR HELP; a short "
            "press does not. To take a call back press twice at once, or later: edge-agent help cancel"
        )
    for line in survey.lines:
        if line.does in DOES:
            yield DOES[line.does].format(name=line.name)


def so_far(survey: GpioSurvey) -> str:
    """A few words for the line of progress."""
    for line in survey.lines:
        if line.does == "help" and is_active(line) and line.edges:
            down_s = (survey.since_ms - line.edges[-1].at_ms) / 1000
            return f"{line.name} is down for {down_s:.1f} s: at {survey.hold_s:g} s it calls for help"
    count = sum(len(line.edges) for line in survey.lines)
    return f"press it now ... {count} edge{'' if count == 1 else 's'}"


def event(what: Event, signs: Strokes | None) -> Iterator[str]:
    """What one line did, in words; with `signs` as a picture too, else with every level."""
    line = what.line
    yield clean(f"{line.name} ({pin(line)}): {_happened(what)}")
    for burst in what.bursts:
        yield f"  {burst.move}: {_figures(burst)}"
        if burst.edges > 1 and signs is not None:
            shown_ms = min(max(LEAST_ZOOM_MS, burst.long_ms), LONGEST_ZOOM_MS)
            yield from picture(line.edges, burst.at_ms - 0.1 * shown_ms, burst.at_ms + 1.2 * shown_ms, signs)
        elif 1 < burst.edges <= MOST_LEVELS:
            yield f"  {_levels(line, burst)}"
    if signs is not None and what.long_ms and all(burst.edges == 1 for burst in what.bursts):
        begin_ms = what.bursts[0].at_ms
        yield from picture(line.edges, begin_ms - 0.1 * what.long_ms, begin_ms + 1.2 * what.long_ms, signs)


def ends(survey: GpioSurvey, presses: dict[int, int], *, colour: bool) -> Iterator[str]:
    """The level of each line, what it did in figures, and what is to be done about it."""
    head = ("LINE", "NAME", "LEVEL", "EDGES", "PRESSES", "BOUNCED")
    rows = [
        (
            f"GPIO{line.line}",
            line.name,
            level(line),
            str(len(line.edges)),
            str(presses.get(line.line, 0)),
            _bounced(line),
        )
        for line in survey.lines
    ]
    yield from table(head, rows, colour=colour)
    yield ""
    for line in survey.lines:
        good, said = verdict(line)
        for part in wrap(clean(f"{pin(line)} {line.name}: {said}"), WIDTH, subsequent_indent="  "):
            yield paint(part, WELL if good else CARE, colour=colour)


def verdict(line: GpioLine) -> tuple[bool, str]:
    """Whether all is well with it, and the sentence that says why, or what to do."""
    if line.high is None:
        return False, f"it cannot be read. {line.sentence}".rstrip()
    found, debounce = line.verdict, f"debounce_ms = {line.debounce_ms:g}"
    assert found is not None
    ms, high = f"{found.bounced_ms:.3g} ms", "high" if line.high else "low"
    longer = f"raise it to {found.advised_ms:g}"
    told = {
        "never": (
            f"it never changed, and is {high}. If it was pressed: is it wired to another line, or broken? Is pull = "
            f'"{line.pull}" right?'
        ),
        "stuck": (
            f"it never changed, and is {high}, which means active. A contact that is stuck, a short circuit, or active "
            f'= "{line.active}" is the wrong way round'
        ),
        "chatters": (
            "it does not come to rest: a loose contact, or a line that nothing pulls to a level "
            f'(pull = "{line.pull}"){_hum(line)}'
        ),
        "spikes": f"only spikes of up to {ms}, and no press: disturbances on the cable, or it barely makes contact",
        "enough": f"bounces for {ms}; {debounce} is enough",
        "tight": f"bounces for {ms}; {debounce} is just enough, with no room for wear: {longer}",
        "short": f"bounces for {ms}; {debounce} is too short, so that one press is taken for several: {longer}",
        "too_long": f"a press was shorter than {debounce}, and is not seen: lower it to {found.advised_ms:g}",
        "worn": f"bounces for {ms}, nearly as long as it is pressed: no debounce_ms helps; replace the contact",
    }
    if found.opinion == "enough" and not found.bounced_ms:
        return True, f"does not bounce; {debounce} is enough"
    good = found.opinion == "enough" or (found.opinion == "never" and line.kind != "help_button")
    return good, told.get(found.opinion, found.opinion) + ("" if found.opinion == "never" else ".")


def pin(line: GpioLine) -> str:
    """The line as people name it."""
    return f"GPIO{line.line}"


def level(line: GpioLine) -> str:
    """The electric level and what it means."""
    if line.high is None:
        return "not held"
    return f"{'high' if line.high else 'low'}, {'active' if is_active(line) else 'at rest'}"


def is_active(line: GpioLine) -> bool:
    """Whether the level is the one that means yes."""
    return line.high == (line.active == "high")


def _happened(what: Event) -> str:
    move = what.bursts[0].move
    if move == "make":
        return f"press {what.number}, " + ("not let go" if what.long_ms is None else f"{what.long_ms / 1000:.3f} s")
    return {"break": "let go", "spike": "back where it was"}.get(move, "no rest")


def _figures(burst: GpioBurst) -> str:
    lost = f", {burst.lost} changes too quick to be seen" if burst.lost else ""
    if burst.edges == 1:
        return "1 edge, clean"
    return f"{burst.edges} edges in {burst.long_ms:.3g} ms, shortest level {burst.glitch_ms:.2g} ms{lost}"


def _levels(line: GpioLine, burst: GpioBurst) -> str:
    edges = [edge for edge in line.edges if burst.first <= edge.number <= burst.last]
    lasted = [f"{_word(edge)} {later.at_ms - edge.at_ms:.2g} ms" for edge, later in pairwise(edges)]
    return f"{burst.move}: {', '.join(lasted)}, then {_word(edges[-1])}"


def _word(edge: GpioEdge) -> str:
    return "high" if edge.high else "low"


def _bounced(line: GpioLine) -> str:
    if line.verdict is None or not line.edges:
        return "-"
    return f"{line.verdict.bounced_ms:.3g} ms"


def _hum(line: GpioLine) -> str:
    """Two edges a period: what changes with the mains comes by the air into a line that nothing holds."""
    bursts = [burst for burst in line.bursts if burst.move == "chatter"]
    if not bursts:
        return ""
    a_second = bursts[0].edges / bursts[0].long_ms * 500.0
    near = next((hertz for hertz in (50, 60) if abs(a_second - hertz) < 0.1 * hertz), None)
    return f", for it goes to and fro {near} times a second, as the mains do" if near else ""
