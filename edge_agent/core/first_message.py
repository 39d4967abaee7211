"""Tier 0 of a help request within its bound: what gives way, and in which order, when there is too much to say."""

from collections.abc import Iterator
from typing import Any

from edge_agent.core.wire import pack

# Law of the first message (docs/help.md): it must be small enough for every link.
MAX_BYTES = 1024
MAX_FINDINGS = 5
MAX_TRIED = 3
MAX_POSITIONS = 3
# Characters of the first finding's sentence, and of the others'; and then of the household's own texts.
_SENTENCES = ((120, 120), (80, 80), (60, 60), (40, 40), (80, 0), (40, 0), (0, 0))
_TEXTS = ("text", "product", "site", "contact", "location")
_CUTS = (60, 40, 20)


def fitted(data: dict[str, Any], most_bytes: int = MAX_BYTES) -> dict[str, Any]:
    """The data of a first message, as little shorter as it takes to be packed in `most_bytes`.

    Sentences of findings are cut first, for the finding itself can be asked for by its id; then positions and what was
    tried go but for the newest, then findings from the last one on, then long texts are cut. Ids, codes and times stay.
    """
    fits = dict(data)
    for step in _steps(data):
        if len(pack(fits)) <= most_bytes:
            break
        fits |= step
    return fits


def _steps(data: dict[str, Any]) -> Iterator[dict[str, Any]]:
    findings = [dict(each) for each in data.get("findings", ())][:MAX_FINDINGS]
    for first, others in _SENTENCES:
        yield {"findings": [_shorter(each, others if place else first) for place, each in enumerate(findings)]}
    findings = [_shorter(each, 0) for each in findings]
    yield {name: list(data[name])[:1] for name in ("position", "tried") if name in data}
    for count in range(len(findings) - 1, -1, -1):
        yield {"findings": findings[:count]}
    for most in _CUTS:
        for name in _TEXTS:
            if name in data:
                yield {name: _cut(data[name], most)}


def _shorter(finding: dict[str, Any], most: int) -> dict[str, Any]:
    said = _cut(str(finding.get("sentence", "")), most) if most else ""
    rest = {name: value for name, value in finding.items() if name != "sentence"}
    return {**rest, "sentence": said} if said else rest


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
