"""How findings read: the list, one explained, and what was done about it. Every function gives lines."""

from collections.abc import Iterator

from edge_agent.console.text import clean, span, table
from edge_agent.control.types import Explained, Figure, Finding, Findings, Frozen, Hygiene, Readiness, Taught
from edge_agent.units import digits, spoken

FIGURES = {
    "findings": "findings",
    "a_day": "findings a day, on average",
    "busiest_day": "most within 24 hours",
    "busiest_10_min": "most within 10 minutes",
    "flooded_share": "share of 10-minute spans with more than 10",
    "chattering": "findings that came three times within a minute",
    "stale": "findings that have stood for more than a day",
    "alarm_share": "share of alarms",
    "warning_share": "share of warnings",
    "explained": "explained by another one, and not told",
    "shelved": "shelved, and not told",
    "notices": "notices to a person, but for safety and help",
    "notices_busiest_day": "most notices within 24 hours",
    "notices_busiest_week": "most notices within a week",
}
MAY = {
    "normal": "edge-agent findings normal {id}      if this is normal here",
    "clear": 'edge-agent findings clear {id} --why "..."',
    "shelve": 'edge-agent findings shelve {id} --reason "..." --owner NAME --for 3d',
    "unshelve": "edge-agent findings unshelve {id}",
}


def lines(reply: Findings, *, colour: bool) -> Iterator[str]:
    """One line a finding."""
    if not reply.findings:
        yield "No findings: the checks have nothing to say."
        return
    rows = [
        (f.severity, _state(f), f.id or f"{f.channel}:{f.kind}", span(f.since_s), str(f.count), _told(f))
        for f in reply.findings
    ]
    yield from table(("SEVERITY", "STATE", "ID", "SINCE", "COUNT", "WHAT"), rows, colour=colour)


def explained(reply: Explained) -> Iterator[str]:
    """All that is known of one."""
    found = reply.finding
    yield clean(found.sentence)
    yield ""
    rows = {
        "id": found.id,
        "state": f"{_state(found)} for {span(found.since_s)}, {found.severity}, {_times(found.count)}",
        "permanent": "only the check that found it can say that it is over" if found.permanent else "",
        "cause": f"{reply.cause.id}: {reply.cause.sentence}" if reply.cause else "",
        "shelved": _shelved(reply),
        "cleared": _cleared(reply),
    }
    for name, said in rows.items():
        if said:
            yield f"{name:<11}{clean(said)}"
    for number, behind in enumerate(reply.evidence):
        yield f"{'' if number else 'explains':<11}{clean(behind.id)}: {clean(behind.sentence)}"
    if reply.stored:
        said = ", ".join(f"{each.quantity} {_digits(each.value)} {spoken(each.unit)}".strip() for each in reply.stored)
        yield f"the device stored: {clean(said)}"
    yield from _frames(reply)
    may = [MAY[what].format(id=found.id) for what in reply.may if what in MAY]
    if may:
        yield ""
        yield from may


def cleared(reply: Findings) -> Iterator[str]:
    """What was cleared."""
    if not reply.findings:
        yield "Nothing was there that may be cleared by hand."
    for finding in reply.findings:
        yield f"Cleared: {clean(finding.id)}. If it is still so, it comes again."


def shelved(reply: Finding) -> Iterator[str]:
    """That nobody is told."""
    yield f"Shelved for {span(reply.shelved_s)}: {clean(reply.id)}. It is still watched; nobody is told of it."


def unshelved(reply: Finding) -> Iterator[str]:
    """That it counts again."""
    yield f"Counts again: {clean(reply.id)}."


def taught(reply: Taught) -> Iterator[str]:
    """What knows now that this is normal."""
    yield f"Learned: this is normal for {clean(', '.join(reply.channels))}."


def readiness(reply: Readiness, *, colour: bool) -> Iterator[str]:
    """One line a check."""
    if not reply.checks:
        yield "No checks: none is configured, or none of their channels was heard yet."
        return
    rows = [("ok" if check.ready else "not yet", check.channel, check.kind) for check in reply.checks]
    yield from table(("VERDICT", "CHANNEL", "CHECK"), rows, colour=colour)


def hygiene(reply: Hygiene, *, colour: bool) -> Iterator[str]:
    """A line a figure, then the names behind them."""
    yield f"The last {reply.days:g} days." if reply.days != 1.0 else "The last day."
    yield ""
    rows = [
        ("ok" if f.good else "bad", FIGURES.get(f.name, f.name), _figure(f, f.value), _limit(f)) for f in reply.figures
    ]
    yield from table(("", "WHAT", "HERE", "AT MOST"), rows, colour=colour)
    for head, names in (
        ("most frequent", [f"{each.id} ({_times(each.count)})" for each in reply.frequent]),
        ("chattering", reply.chattering),
        ("stale", reply.stale),
    ):
        if names:
            yield f"{head:<15}{clean(', '.join(names))}"


def _state(finding: Finding) -> str:
    if finding.shelved_s is not None:
        return "shelved"
    return "explained" if finding.state == "confirmed" and finding.cause else finding.state


def _told(finding: Finding) -> str:
    if finding.shelved_s is not None:
        return f"{finding.sentence} (shelved for {span(finding.shelved_s)} more)"
    return f"{finding.sentence} (because of {finding.cause})" if finding.cause else finding.sentence


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"


def _shelved(reply: Explained) -> str:
    shelved = reply.shelved
    if shelved is None:
        return ""
    left = "until a clock tells how long ago that was it counts" if shelved.left_s is None else span(shelved.left_s)
    return f"by {shelved.owner}, for {left} more: {shelved.reason}"


def _cleared(reply: Explained) -> str:
    stone = reply.cleared
    if stone is None:
        return ""
    return f"by {stone.by or 'somebody'} {span(stone.since_s)} ago: {stone.why or 'no reason given'} ({stone.sentence})"


def _frames(reply: Explained) -> Iterator[str]:
    for name, frame in (("latest", reply.latest), ("first", reply.first if reply.first != reply.latest else None)):
        if frame is not None and frame.readings:
            yield ""
            yield f"{name} freeze frame, {span(frame.since_s)} ago (seconds from then: value{_in(reply.unit)})"
            yield from _wrapped(frame)


def _in(unit: str) -> str:
    return f" in {clean(spoken(unit))}" if unit else ""


def _wrapped(frame: Frozen, per_line: int = 6) -> Iterator[str]:
    said = [f"{seconds:+.1f}: {_digits(value)}" for seconds, value in frame.readings]
    for start in range(0, len(said), per_line):
        yield "  " + "".join(f"{each:<13}" for each in said[start : start + per_line]).rstrip()


def _digits(value: float | bool | str | None) -> str:
    return "-" if value is None else digits(value) if isinstance(value, float) else str(value)


def _figure(figure: Figure, value: float) -> str:
    return f"{100 * value:.3g} %" if figure.name.endswith("share") else f"{value:g}"


def _limit(figure: Figure) -> str:
    return "" if figure.limit is None else f"{_figure(figure, figure.limit)} ({figure.source})"
