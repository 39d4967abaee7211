"""How a survey of Bluetooth reads."""

from collections.abc import Iterator

from edge_agent.console.text import clean, span, table, with_fix
from edge_agent.control.types import BleSurvey, HeardBle
from edge_agent.survey.knowing import Known, lasting, strength, useful

MOST_UNKNOWN = 15
_HEAD = ("ADDRESS", "IS", "NAME", "KNOWN AS", "MEDIAN", "P10", "NEWS/MIN", "SEEN", "CONFIGURED")
_WIDEST = 20
_NOTES = (
    "Signal in dBm (P10: the weakest tenth is at or below it): -60 is good, -70 fine, -85 the limit, less is lost.",
    "NEWS/MIN counts what Bluetooth told as new: it leaves repetitions out, so that more packets are sent than that.",
)


def so_far(survey: BleSurvey) -> str:
    """A few words while it listens."""
    if not survey.ready and not survey.heard:
        return f"Bluetooth is not ready: {survey.sentence}"
    return f"{len(survey.heard)} heard"


def lines(survey: BleSurvey, *, everybody: bool, colour: bool) -> Iterator[str]:
    """The table and what there is to say of it; of those whom nobody knows a few, or `everybody`."""
    rows = useful(survey)
    told = [each for each in rows if each[0].device or each[1]]
    others = rows[len(told) :]
    shown = told + (others if everybody else others[:MOST_UNKNOWN])
    if not shown:
        yield f"Nobody was heard in {span(survey.listened_s)}."
    else:
        yield from table(_HEAD, [_row(*each) for each in shown], colour=colour)
        yield ""
        yield from _NOTES
    if len(rows) > len(shown):
        yield f"{len(rows) - len(shown)} more that no language here knows are weaker; --all shows them."
    if any(lasting(row) == "changes" for row, _ in shown):
        yield "An address that changes every few minutes (phones, watches) is of no use in a configuration."
    if survey.left_out:
        yield f"There were too many: {survey.left_out} addresses were forgotten, the longest silent first."
    if survey.unheard:
        names = ", ".join(f"{clean(name)} ({address})" for address, name in survey.unheard.items())
        yield f"Configured and not heard: {names}. One that is connected does not advertise."
    if any(found and not row.device for row, found in told):
        yield "To add one: edge-agent survey ble --add ADDRESS --name NAME"
    if not survey.ready:
        yield clean(f"Bluetooth is not ready now: {with_fix(survey.sentence, survey.fix)}")


def _row(row: HeardBle, found: list[Known]) -> tuple[str, ...]:
    return (
        row.address,
        lasting(row) or "-",
        _cut(row.name) or "-",
        " or ".join(_known(each) for each in found) or "-",
        f"{row.rssi_median_dbm} {strength(row.rssi_median_dbm)}",
        f"{row.rssi_p10_dbm} {strength(row.rssi_p10_dbm)}",
        f"{row.news_per_min:.{0 if row.news_per_min >= 10.0 else 1}f}",
        f"{span(row.last_ago_s)} ago",
        row.device or "-",
    )


def _known(found: Known) -> str:
    return f"{found.language} {_cut(found.model)}{' (needs key)' if found.needs_key else ''}"


def _cut(text: str) -> str:
    return text if len(text) <= _WIDEST else f"{text[: _WIDEST - 1]}…"
