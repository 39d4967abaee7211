"""Plain, aligned text from the API's replies. Every function gives lines; nothing here prints or asks."""

import time
from collections.abc import Iterator, Sequence

from edge_agent.control.types import Channel, Channels, Help, Lamp, Live, Queue, Reply, Status
from edge_agent.texts import Texts, texts
from edge_agent.units import digits, spoken

# SGR colours that show on light and dark ground alike; the word carries the meaning, colour only helps.
GREEN, AMBER, RED, BLUE = "32", "33", "31", "34"
COLOURS = {"ok": GREEN, "notice": GREEN, "warning": AMBER, "alarm": RED, "NOT READY": RED, "bad": RED}
COLOURS |= {"green": GREEN, "amber": AMBER, "red": RED, "blue": BLUE}  # those of the lamp


def paint(text: str, word: str, *, colour: bool) -> str:
    """The text in the colour of this word, where there is colour."""
    code = COLOURS.get(word)
    return f"\x1b[{code}m{text}\x1b[0m" if colour and code else text


def clean(text: str) -> str:
    """Text from a device or desk without control characters: none can steer the terminal."""
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def span(seconds: float | None) -> str:
    """A length of time in its two largest units; a hyphen for none."""
    if seconds is None:
        return "-"
    whole = max(0, round(seconds))
    units = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
    parts: list[str] = []
    for size, unit in units:
        count, whole = divmod(whole, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part) or "0 s"


def size(count: int) -> str:
    """Bytes with the unit that suits."""
    if count < 1000:
        return f"{count} B"
    return f"{count / 1000:.1f} kB" if count < 1_000_000 else f"{count / 1_000_000:.1f} MB"


def clock(wall: float) -> str:
    """Time of day here, with the date when it is not today's."""
    then = time.localtime(wall)
    today = time.localtime()[:3] == then[:3]
    return time.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M:%S", then)


def value(channel: Channel) -> str:
    """What a person reads of a channel: the value with its unit, or why there is none."""
    if channel.value is None:
        return clean(f"no value: {channel.reason}")
    if isinstance(channel.value, bool):
        return "on" if channel.value else "off"
    shown = digits(channel.value) if isinstance(channel.value, float) else str(channel.value)
    return clean(f"{shown} {spoken(channel.unit)}".rstrip())


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, colour: bool) -> Iterator[str]:
    """Rows in columns as wide as their widest cell; the first column is painted by its word."""
    rows = [[clean(cell) for cell in row] for row in rows]
    widths = [max(len(cell) for cell in column) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
        cells[0] = paint(cells[0], row[0], colour=colour)
        yield "  ".join(cells).rstrip()


def status(reply: Status, *, colour: bool) -> Iterator[str]:
    """All at a glance: the sentence first."""
    yield paint(clean(reply.sentence), "ok" if reply.ready else "NOT READY", colour=colour)
    yield ""
    yield clean(f"gateway   {reply.gateway}" + (f" ({reply.site})" if reply.site else ""))
    yield clean(
        f"agent     {reply.version}, up {span(reply.uptime_s)}, {reply.rss_mb:.1f} MB, {reply.cpu_s:.1f} s of CPU"
    )
    yield f"clock     {'known to be right' if reply.clock_trusted else 'not known to be right'}"
    yield clean(f"consent   {', '.join(reply.consent) or 'nothing but a help request leaves this house'}")
    yield f"unsaved   {_count(reply.open_block_readings, 'reading')}"
    if reply.parts:
        yield ""
        parts = [(_mark(part.ready), part.name, with_fix(part.sentence, part.fix)) for part in reply.parts]
        yield from table(("STATE", "PART", "WHAT"), parts, colour=colour)
    if reply.devices:
        yield ""
        devices = [
            (_mark(d.ready), d.name, _ago(d.last_heard_s), str(d.readings), str(d.faults), with_fix(d.sentence, d.fix))
            for d in reply.devices
        ]
        yield from table(("STATE", "DEVICE", "HEARD", "READINGS", "FAULTS", "WHAT"), devices, colour=colour)


def queue(reply: Queue, *, colour: bool) -> Iterator[str]:
    """The outbox by lane."""
    waiting = sum(lane.events for lane in reply.lanes)
    yield f"{_waiting(waiting)}; {reply.sent_events} sent since start ({size(reply.sent_bytes)})."
    yield ""
    head = ("LANE", "WAIT", "SIZE", "OLDEST", "IN FLIGHT", "WITHHELD", "DROPPED", "QUARANTINED")
    rows = [
        [lane.name, str(lane.events), size(lane.bytes), span(lane.oldest_s)]
        + [str(count) for count in (lane.in_flight, lane.withheld, lane.dropped, lane.quarantined)]
        for lane in reply.lanes
    ]
    yield from table(head, rows, colour=colour)


def lamp(reply: Lamp, *, colour: bool) -> Iterator[str]:
    """What the lamp shows, and what that means."""
    yield from lamp_lines(texts(reply.language), reply, colour=colour)


def channels(reply: Channels, *, colour: bool) -> Iterator[str]:
    """The newest value of each channel."""
    if not reply.channels:
        yield "No channels: no device has been heard, or none is configured."
        return
    rows = [("bad" if c.value is None else "ok", c.name, value(c), _ago(c.at_age_s)) for c in reply.channels]
    yield from table(("STATE", "CHANNEL", "VALUE", "AGE"), rows, colour=colour)


def event(live: Live) -> str:
    """One line for one event of the stream."""
    now = time.strftime("%H:%M:%S")
    return f"{now}  {clean(live.kind):<8}  {clean(_gist(live.data))}"


def _gist(data: Reply | object) -> str:
    match data:
        case Channel():
            return f"{data.name}  {value(data)}"
        case Help():
            return f"{state_words(texts(data.language), data.state)}; {data.lamp.sentence}"
        case Queue():
            return f"{_waiting(sum(lane.events for lane in data.lanes))}, {data.sent_events} sent"
        case _:
            return str(getattr(data, "sentence", data))


def state_words(here: Texts, state: str) -> str:
    """A state in words; one that this console does not know as it is called."""
    return here.get(f"state.{state.lower()}", clean(state))


def lamp_lines(here: Texts, reply: Lamp, *, colour: bool) -> Iterator[str]:
    """What the lamp shows, and what that means, in this language."""
    hue = here.get(f"colour.{reply.colour}", clean(reply.colour))
    rhythm = here.get(f"rhythm.{reply.pattern}", "")
    shows = here.say("case.shows", colour=hue, rhythm=rhythm) if rhythm else hue
    yield f"{here['case.lamp']:<10}{paint(clean(reply.sentence), reply.colour, colour=colour)} ({shows})"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _waiting(events: int) -> str:
    return f"{_count(events, 'event')} wait{'s' if events == 1 else ''}"


def pairs(told: dict[str, str]) -> Iterator[str]:
    """A name and what there is to say of it, a line each; what is empty is left out."""
    for name, said in told.items():
        if said:
            yield f"{name:<10}{clean(said)}"


def _mark(ready: bool) -> str:
    return "ok" if ready else "NOT READY"


def _ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{span(seconds)} ago"


def with_fix(sentence: str, fix: str) -> str:
    """What is wrong, and what can be done."""
    if not fix:
        return sentence
    return f"{sentence} {fix}" if sentence.endswith((".", "?", "!")) else f"{sentence}. {fix}"
