"""The visible list of checks."""

from collections.abc import Callable, Mapping
from typing import Any

from edge_agent.core.checks.around import Around
from edge_agent.core.checks.base import Check
from edge_agent.core.checks.range import Range
from edge_agent.core.checks.rate import Rate
from edge_agent.core.checks.silent import Silent
from edge_agent.core.checks.stuck import Stuck

LEARNED = "learned"
Settings = Mapping[str, Any]

CHECKS: dict[str, Callable[[str, Settings, float, Around], Check]] = {
    "range": lambda _channel, s, _now, around: Range(s["min"], s["max"], s["hysteresis"], around.words),
    "rate": lambda _channel, s, _now, around: Rate(s["per_s"], s["window_s"] or 60.0, s["hysteresis"], around.words),
    "stuck": lambda _channel, s, _now, around: Stuck(s["window_s"], s["hysteresis"], around.words),
    "silent": lambda channel, s, now, around: Silent(channel, s["window_s"], now, around.words),
    LEARNED: lambda channel, s, _now, around: _learned(channel, s, around),
}
ALONE = Around()


def _learned(channel: str, settings: Settings, around: Around) -> Check:
    from edge_agent.core.checks.learned import Learned  # noqa: PLC0415 - 0.9 MB, only where something learns

    return Learned(channel, around, bool(settings.get("level")))


def make(kind: str, channel: str, settings: Settings, now: float, around: Around = ALONE) -> Check:
    """The check of this kind for one channel; `settings` are the keys of a `[[check]]` table, all present."""
    return CHECKS[kind](channel, settings, now, around)
