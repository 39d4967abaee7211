"""What the console knows of the agent, kept from its replies and events. No screen, no clock: time is an argument."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from edge_agent.console.text import clean, span, state_words
from edge_agent.console.text import value as value_words
from edge_agent.control.types import Channel, Channels, Finding, Findings, Help, Lamp, Queue, Status
from edge_agent.texts import texts

# As many as a sparkline has cells.
POINTS = 20
BARS = "▁▂▃▄▅▆▇█"
# The same in ASCII, for a terminal that has no more.
RAMP = "_.-~=+*#"
LEVELS = len(BARS)
# Older than this, a value is told as old.
OLD_S = 300.0


class Lost(NamedTuple):
    """The agent does not answer: what is wrong and what to do."""

    why: str


class Row:
    """A channel with its last values. `heard_at` is when its newest reading was made, None where it has none."""

    __slots__ = ("channel", "heard_at", "points")

    def __init__(self, channel: Channel) -> None:
        self.channel = channel
        self.heard_at: float | None = None
        self.points: deque[float] = deque(maxlen=POINTS)

    def take(self, channel: Channel, now: float) -> None:
        """A reply or event; the same reading told twice is one point."""
        self.channel = channel
        if channel.at_age_s is None:
            return
        heard_at = now - channel.at_age_s
        if self.heard_at is not None and heard_at - self.heard_at < 0.5 * _SAME_S:
            return
        self.heard_at = heard_at
        if isinstance(channel.value, int | float):
            self.points.append(float(channel.value))


# Ages are rounded and travel: two that are closer than this are of one reading.
_SAME_S = 0.2


class Picture:
    """`take` each reply, event or Lost; the rest tells what is known."""

    def __init__(self) -> None:
        self.status: Status | None = None
        self.queue: Queue | None = None
        self.help: Help | None = None
        self.lamp: Lamp | None = None
        self.findings: list[Finding] = []
        self.rows: dict[str, Row] = {}
        self.lost = ""

    def take(self, told: object, now: float) -> None:
        """Anything of the agent at monotonic second `now`; kinds that are not known here are passed over."""
        self.lost = told.why if isinstance(told, Lost) else ""
        match told:
            case Status():
                self.status = told
            case Queue():
                self.queue = told
            case Help():
                self.help, self.lamp = told, told.lamp
            case Lamp():
                self.lamp = told
            case Findings():
                self.findings = list(told.findings)
            case Channels():
                for channel in told.channels:
                    self._row(channel, now)
            case Channel():
                self._row(told, now)
            case _:
                pass

    def standing(self) -> list[Finding]:
        """The findings that stand now and have no cause among them, the most severe first."""
        return [f for f in self.findings if f.state == "confirmed" and not f.cause]

    def sentence(self) -> str:
        """All in one sentence."""
        if self.lost:
            return clean(self.lost)
        return clean(self.status.sentence) if self.status else "Asking the agent ..."

    def lamp_words(self) -> str:
        """What the lamp shows and means, in the household's language."""
        if self.lamp is None:
            return ""
        here = texts(self.lamp.language)
        hue = here.get(f"colour.{self.lamp.colour}", clean(self.lamp.colour))
        rhythm = here.get(f"rhythm.{self.lamp.pattern}", "")
        return clean(f"{self.lamp.sentence} ({f'{hue}: {rhythm}' if rhythm else hue})")

    def help_words(self) -> str:
        """Where help stands, and the last thing that was said."""
        if self.help is None:
            return ""
        here = texts(self.help.language)
        said = state_words(here, self.help.state)
        case = self.help.case
        if case is None or self.help.state == "IDLE":
            return f"{said[:1].upper()}{said[1:]}."
        name = f"{clean(case.code[:4])} {clean(case.code[4:])}"
        line = here.say("case.open", code=name, state=said)
        if case.question is not None:
            return f"{line} {here['case.asked']}: {clean(case.question.text)}"
        if case.notes:
            note = case.notes[-1]
            return f"{line} {here.get(f'case.{note.by}', clean(note.by))}: {clean(note.text)}"
        return line

    def queue_words(self) -> str:
        """What waits, and whether something is wrong with it."""
        if self.queue is None:
            return ""
        waiting = sum(lane.events for lane in self.queue.lanes)
        told = [f"{waiting} waiting", f"{self.queue.sent_events} sent"]
        for name in ("withheld", "dropped", "quarantined"):
            count = sum(getattr(lane, name) for lane in self.queue.lanes)
            if count:
                told.append(f"{count} {name}")
        return ", ".join(told)

    def _row(self, channel: Channel, now: float) -> None:
        row = self.rows.get(channel.name)
        if row is None:
            row = self.rows[channel.name] = Row(channel)
        row.take(channel, now)


def state_of(row: Row, findings: Sequence[Finding], now: float) -> str:
    """One word for a channel: the severity of its worst finding, `no value`, `old` or `ok`."""
    severities = {f.severity for f in findings if f.channel == row.channel.name}
    for severity in ("alarm", "warning", "notice"):
        if severity in severities:
            return severity
    if row.channel.value is None:
        return "no value"
    return "old" if row.heard_at is not None and now - row.heard_at > OLD_S else "ok"


def sparkline(points: Sequence[float], *, ascii_only: bool = False) -> str:
    """The points as bars, scaled between their own least and greatest; a steady channel is a low line."""
    bars = RAMP if ascii_only else BARS
    finite = [point for point in points if abs(point) < float("inf")]
    if not finite:
        return ""
    low, high = min(finite), max(finite)
    scale = (LEVELS - 1) / (high - low) if high > low else 0.0
    return "".join(bars[round((point - low) * scale)] for point in finite)


def age(row: Row, now: float) -> str:
    """How old the newest reading is."""
    return "never" if row.heard_at is None else span(max(0.0, now - row.heard_at))


def cells(picture: Picture, now: float, *, ascii_only: bool = False) -> Iterator[tuple[str, str, str, str, str]]:
    """State, name, value, age and sparkline of each channel, by name."""
    standing = picture.standing()
    for name, row in sorted(picture.rows.items()):
        line = sparkline(row.points, ascii_only=ascii_only)
        yield state_of(row, standing, now), clean(name), value_words(row.channel), age(row, now), line
