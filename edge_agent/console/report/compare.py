"""Two reports of one gateway, before and after: what is better, what is worse, and what else has changed."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from edge_agent.console.report.seal import well_shaped
from edge_agent.units import digits, spoken

# The lights from well to wrong; what was not looked at is neither.
_RANK = {"ok": 0, "warn": 1, "fail": 2}


class Difference(NamedTuple):
    """Of `what`, how it was and how it is. `trend` is better, worse or changed."""

    trend: str
    what: str
    before: str
    after: str


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> list[Difference]:
    """All of them: what is worse first. Raises BadReportError."""
    with well_shaped():
        found = [*_parts(before, after), *_selftest(before, after), *_findings(before, after), *_values(before, after)]
    order = ["worse", "better", "changed"]
    return sorted(found, key=lambda difference: order.index(difference.trend))


def _parts(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    for kind in ("parts", "devices"):
        old, new = (_named((told["status"] or {}).get(kind)) for told in (before, after))
        for name in old | new:
            was, now = old.get(name), new.get(name)
            if was is None or now is None:
                yield Difference("changed", name, _there(was), _there(now))
            elif was["ready"] != now["ready"]:
                yield Difference("better" if now["ready"] else "worse", name, was["sentence"], now["sentence"])


def _selftest(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    old, new = (_named((told["selftest"] or {}).get("results")) for told in (before, after))
    for name in old.keys() & new.keys():
        was, now = old[name], new[name]
        ranks = _RANK.get(was["verdict"]), _RANK.get(now["verdict"])
        if None in ranks or ranks[0] == ranks[1]:
            continue
        trend = "better" if (ranks[1] or 0) < (ranks[0] or 0) else "worse"
        yield Difference(trend, f"self-test: {now['title']}", was["evidence"], now["evidence"])


def _findings(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    old, new = (
        {row["id"]: row for row in told["findings"] or [] if row["state"] == "confirmed"} for told in (before, after)
    )
    for name in old.keys() - new.keys():
        yield Difference("better", f"finding {name}", old[name]["sentence"], "it does not stand any more")
    for name in new.keys() - old.keys():
        yield Difference("worse", f"finding {name}", "it did not stand", new[name]["sentence"])


def _values(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Difference]:
    old, new = (_named(told["channels"]) for told in (before, after))
    for name in sorted(old.keys() & new.keys()):
        was, now = _value(old[name]), _value(new[name])
        if was != now:
            yield Difference("changed", name, was, now)
    queues = [sum(lane["events"] for lane in (told["queue"] or {}).get("lanes", [])) for told in (before, after)]
    if queues[0] != queues[1]:
        yield Difference("changed", "messages that wait", str(queues[0]), str(queues[1]))
    versions = [str((told["status"] or {}).get("version", "")) for told in (before, after)]
    if versions[0] != versions[1]:
        yield Difference("changed", "version", *versions)


def _named(rows: Any) -> dict[str, Mapping[str, Any]]:
    """Rows by name; of several with one name the one that is not well."""
    found: dict[str, Mapping[str, Any]] = {}
    for row in rows or []:
        if row["name"] not in found or not row.get("ready", True):
            found[row["name"]] = row
    return found


def _value(channel: Mapping[str, Any]) -> str:
    value = channel.get("value")
    if value is None:
        return f"no value: {channel.get('reason', '')}"
    if isinstance(value, bool):
        return "on" if value else "off"
    shown = digits(value) if isinstance(value, float) else str(value)
    return f"{shown} {spoken(str(channel.get('unit', '')))}".strip()


def _there(row: object) -> str:
    return "it was not there" if row is None else "it is there"
