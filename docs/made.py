"""Writes the parts of the documentation that the code itself makes: the lamp table and the examples of the wire.

    .venv/bin/python -m docs.made

A part stands between `<!-- made: NAME -->` and `<!-- end -->`; a test holds every part to the code. What is shown was
said by the agent's own services, with a clock that stands still.
"""  # noqa: INP001 - a script, in no package

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path

from structlog.testing import capture_logs

from docs.card import card, table
from docs.compact import call, word
from docs.manual import manual
from docs.messages import ASKED, GATEWAY, LATE, NOW, PROGRESS, help_events, presence, sampled_events
from docs.shown import CASE, KEY, REQUEST, answer, deflated, down, fenced, said, shown, signed
from docs.states import picture
from docs.states import table as states_table
from docs.states import timers as state_timers
from docs.tables import lamp_table, languages_list, models_table, purposes_table, timers_table
from edge_agent.control.openapi import description
from edge_agent.core.event import EventKind
from edge_agent.core.wire import unpack
from edge_agent.playbook import schema_text
from edge_agent.texts import languages

FOLDER = Path(__file__).parent
FINDING = "01a0c4506c0072718c83869ecb793fa1"
SCHEMA = FOLDER.parent / "config" / "playbooks" / "playbook.schema.json"
PART = re.compile(r"(<!-- made: ([\w -]+) -->\n).*?(<!-- end -->)", re.DOTALL)


async def _all() -> dict[str, str]:
    with capture_logs():
        raised, nudged, *talk = await help_events()
        sampled = await sampled_events()
        present = await presence()
    finding, notice = (each for each in sampled if each.kind is EventKind.FINDING)
    block = next(each for each in sampled if each.kind is EventKind.TELEMETRY)
    made = {
        "lamp": lamp_table(),
        **{f"card {language}": table(language) for language in languages()},
        "consent": purposes_table(),
        "timers": timers_table(),
        "models": models_table(),
        "raised": said(raised, full=True),
        "nudged": said(nudged),
        **{each.type.split(".")[2]: said(each) for each in talk},
        "question": down("question", ASKED),
        "options": down("question", LATE),
        "progress": down("progress", PROGRESS),
        "states": fenced("mermaid", picture()),
        "languages": languages_list(),
        "law": states_table(),
        "waits": state_timers(),
        "finding": said(finding),
        "notice": said(notice),
        "block": said(block),
        "deflated": deflated(block),
        "presence": shown(*present[0]),
        "birth": shown(*present[1]),
        "heartbeat": shown(*present[2]),
        "answer": answer(),
        "compact call": call(GATEWAY, REQUEST, CASE, NOW.wall),
        "compact word": word(KEY, signed(REQUEST, CASE)),
    }
    by_chance = {
        raised.id_text: REQUEST,
        raised.subject: CASE,
        unpack(finding.payload)["id"].hex(): FINDING,
    }
    return {name: _replaced(text, by_chance) for name, text in made.items()}


def _replaced(text: str, instead: Mapping[str, str]) -> str:
    """Ids and codes are random; in the examples they are always the same."""
    for found, fixed in instead.items():
        text = text.replace(found, fixed)
    return text


def parts() -> dict[str, str]:
    """Every part by its name."""
    return asyncio.run(_all())


def written(text: str, made: Mapping[str, str]) -> str:
    """A page with its parts as they should be. Raises KeyError for a part that is not known."""
    return PART.sub(lambda found: f"{found[1]}{made[found[2]]}{found[3]}", text)


if __name__ == "__main__":
    (FOLDER / "openapi.json").write_bytes(description())
    SCHEMA.write_text(schema_text(), encoding="utf-8")
    (FOLDER / "edge-agent.1").write_text(manual(), encoding="utf-8")
    known = parts()
    for each in languages():
        (FOLDER / f"lamp.{each}.svg").write_text(card(each), encoding="utf-8")
    for page in sorted(FOLDER.glob("*.md")):
        before = page.read_text(encoding="utf-8")
        after = written(before, known)
        if after != before:
            page.write_text(after, encoding="utf-8")
