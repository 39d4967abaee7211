"""The report of this gateway: what an engineer elsewhere needs, redacted, as one signed text.

The text is JSON without any character that a web page could misread, so that it can be embedded as it was signed.
"""

import json
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from edge_agent.config.model import Config
from edge_agent.control import types
from edge_agent.core.reading import Reading
from edge_agent.core.redact import Kind, Known, Redactor
from edge_agent.settings import secrets

if TYPE_CHECKING:
    from edge_agent.view import View

FORMAT = "edge-agent report 1"
# A page of so many plots is still read, and half a megabyte.
MAX_PLOTS, MAX_POINTS = 40, 240
MAX_FINDINGS = 40
NETWORKS = Path("/sys/class/net")
MACHINE_ID = Path("/etc/machine-id")


async def document(view: "View") -> dict[str, Any]:
    """All that is told, not yet redacted: plain data by part."""
    now, help_, plain = view.clock.now(), view.help(), types.plain
    case = help_.case
    return {
        "format": FORMAT,
        "made_wall": round(now.wall, 1),
        "made": time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now.wall)),
        "language": view.texts.language,
        "help": {
            "state": help_.state,
            "code": case.code if case else "",
            "trigger": case.trigger if case else "",
            "since_s": case.since_s if case else None,
            "steps": [plain(step) for step in case.steps] if case else [],
            "ways": [plain(way) for way in help_.ways],
        },
        "status": plain(view.status()),
        "selftest": plain(view.selftest()),
        "findings": [await _finding(view, each) for each in view.findings().findings[:MAX_FINDINGS]],
        "channels": [plain(channel) for channel in view.channels().channels],
        "plots": _plots(view.sampling.recorder.since(0.0), now.monotonic),
        "queue": plain(view.queue()),
        "config": view.config_in_force().settings,
        "log": view.log(types.Tail()).lines,
        "metrics": view.metrics().splitlines(),
    }


async def _finding(view: "View", finding: types.Finding) -> dict[str, Any]:
    """A finding with its freeze frames: rows of seconds and value."""
    told = await view.explain(finding.id)
    frames = {"latest": told.latest, "first": told.first}
    return {
        **types.plain(finding),
        "unit": told.unit,
        **{name: [list(row) for row in frame.readings] if frame else [] for name, frame in frames.items()},
        "stored": [types.plain(row) for row in told.stored],
    }


def _plots(readings: Iterable[Reading], now: float) -> list[dict[str, Any]]:
    """The last minutes of each channel that has numbers: rows of seconds (below 0) and value."""
    rows: defaultdict[str, list[Reading]] = defaultdict(list)
    for reading in readings:
        if isinstance(reading.value, bool | int | float):
            rows[reading.channel.name].append(reading)
    chosen = sorted(rows.items())[:MAX_PLOTS]
    return [
        {
            "channel": name,
            "unit": found[0].channel.unit,
            "points": [[round(r.at - now, 2), r.value] for r in _thinned(found)],
        }
        for name, found in chosen
    ]


def _thinned(rows: Sequence[Reading]) -> Sequence[Reading]:
    """At most MAX_POINTS: of each span of time its lowest and its highest, so that no peak is lost."""
    if len(rows) <= MAX_POINTS:
        return rows
    size = -(-len(rows) // (MAX_POINTS // 2))
    spans = [rows[start : start + size] for start in range(0, len(rows), size)]
    ends = ((min(span, key=_value), max(span, key=_value)) for span in spans)
    return sorted(chain.from_iterable(ends), key=lambda reading: reading.at)


def _value(reading: Reading) -> float:
    return float(reading.value or 0)


def known_of(config: Config, gateway: str, networks: Path = NETWORKS) -> list[Known]:
    """What is private though it stands at no place of the document: keys, this computer's addresses, its id."""
    found = [Known(Kind.IDENTITY, gateway)]
    found += [Known(Kind.SECRET, secret) for secret in secrets(config)]
    found += [Known(Kind.ADDRESS, row.address) for row in config.ble.device]
    for url in (channel.url or "" for channel in config.help.channels):
        path, _, query = url.partition("//")[2].partition("/")[2].partition("?")
        found += [Known(Kind.SECRET, each) for each in (f"/{path}", query)]
    places = [config.broker.password_file, *(row.password_file for row in config.help.channels)]
    places += [place for row in config.help.channels for place in (row.token_file, row.pin_file)]
    found += [Known(Kind.SECRET, _read(Path(place)).partition("\n")[0]) for place in places if place]
    found += [Known(Kind.ADDRESS, _read(each / "address")) for each in sorted(networks.glob("*"))]
    found.append(Known(Kind.IDENTITY, _read(MACHINE_ID)))
    return [known for known in found if known.value and known.value != "00:00:00:00:00:00"]


def sealed(plain: dict[str, Any], known: Sequence[Known]) -> str:
    """The document redacted, as the text that is signed. A part that would still tell something private is left out."""
    redactor = Redactor(known)
    parts = redactor.document(plain)
    for name, part in parts.items():
        if redactor.leaks(_text(part)):
            parts[name] = []
    return _text(parts)


def _text(plain: Any) -> str:
    text = json.dumps(plain, separators=(",", ":"), ensure_ascii=True)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace").strip()
    except OSError:
        return ""
