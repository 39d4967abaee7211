"""What the pages say is true: links lead somewhere, configurations load, tables and examples are the code's."""

import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from xml.sax.saxutils import escape

import pytest
from msgspec.structs import fields

from docs import made, messages, shown, tables
from docs.card import card
from edge_agent.config.load import load, parse
from edge_agent.config.model import Help
from edge_agent.config.playbooks import parse_playbook
from edge_agent.console.cli import COMMANDS
from edge_agent.core.command import believe
from edge_agent.core.consent import PURPOSES
from edge_agent.core.lamp import Shown
from edge_agent.core.mayday_finger import COUNTED
from edge_agent.core.mayday_table import TABLE, Signal
from edge_agent.core.request import State, is_case_code
from edge_agent.drivers.registry import LANGUAGES
from edge_agent.texts import languages, texts
from edge_agent.uplink.signature import load_keys
from simulators.scenario import load_scenario

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```", re.MULTILINE | re.DOTALL)
MESSAGE_ROW = re.compile(r"^\| `(.+?)` \|", re.MULTILINE)


@pytest.fixture(scope="module")
def parts() -> dict[str, str]:
    return made.parts()


def blocks(page: Path, language: str) -> Iterator[str]:
    for found, text in FENCE.findall(page.read_text("utf-8")):
        if found == language:
            yield text


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    for target in LINK.findall(page.read_text("utf-8").replace("\n", " ")):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target.partition("#")[0]).exists(), f"{name_of(page)} links to {target}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_toml_block_is_a_configuration_a_scenario_or_a_playbook_that_loads(page: Path, tmp_path: Path) -> None:
    for text in blocks(page, "toml"):
        if "match" in tomllib.loads(text):
            assert parse_playbook(text, name_of(page)).told
        elif "model" in tomllib.loads(text):
            file = tmp_path / "scenario.toml"
            file.write_text(text, "utf-8")
            assert load_scenario(str(file)).devices
        else:
            parse(text, name_of(page), LANGUAGES)


@pytest.mark.parametrize("file", sorted((ROOT / "config").glob("*.toml")), ids=lambda path: path.name)
def test_the_set_ups_that_the_pages_name_load(file: Path) -> None:
    load(file, LANGUAGES)


def test_tables_and_examples_are_what_the_code_makes(parts: dict[str, str]) -> None:
    shown: set[str] = set()
    for page in (ROOT / "docs").glob("*.md"):
        text = page.read_text("utf-8")
        shown.update(found[2] for found in made.PART.finditer(text))
        assert made.written(text, parts) == text, f"{page.name} is not what the code says: python -m docs.made"
    assert shown == set(parts)


@pytest.mark.parametrize("language", languages())
def test_the_card_of_the_lamp_is_drawn_from_the_table_of_the_code(language: str) -> None:
    drawn = (ROOT / f"docs/lamp.{language}.svg").read_text("utf-8")
    assert drawn == card(language), "python -m docs.made"
    assert all(escape(texts(language)[f"lamp.{shown}"].split()[0]) in drawn for shown in Shown)


def test_the_example_of_a_signed_answer_is_believed() -> None:
    payload = shown.signed(shown.REQUEST, shown.CASE)
    verify = load_keys({shown.KEY.kid: shown.KEY.public})
    message = believe(payload, messages.GATEWAY, messages.NOW, verify=verify, open_requests=(), seen=lambda _: False)
    assert message.type == "edge.help.received.v1"
    assert is_case_code(shown.CASE)


def test_the_page_on_help_names_every_state_timer_and_purpose() -> None:
    text = (ROOT / "docs/help.md").read_text("utf-8")
    rows = re.findall(r"^\| (\w+) \|", text, re.MULTILINE)
    assert {state.value for state in State} <= set(rows)
    numbers = {field.name for field in fields(Help) if type(field.default) in (int, float)}
    assert set(tables.TIMERS) == numbers
    assert all(f"`{purpose}`" in text for purpose in PURPOSES)


GESTURES = {
    Signal.ONE_PRESS: "1 press",
    Signal.TWO_PRESSES: "2 presses",
    Signal.MORE_PRESSES: "3 or more",
    Signal.HELD: "hold",
}
QUESTION_ROW = "a question waits"
ROWS = {
    "IDLE": (State.IDLE,),
    "CANCEL_WINDOW": (State.CANCEL_WINDOW,),
    "RAISED to ENGAGED": (
        State.RAISED,
        State.SENDING,
        State.QUEUED,
        State.FALLBACK,
        State.DELIVERED,
        State.RECEIVED,
        State.ENGAGED,
    ),
    "RESOLVED": (State.RESOLVED,),
    "CANCELLED, not yet acknowledged": (State.CANCELLED,),
}
MEANS = {
    "-": set(),
    "cancel": {"cancelled"},
    "nudge": {"send a nudge"},
    "urgent nudge": {"send an urgent nudge"},
    "raise it now": {"send the request"},
    "the same case again": {"send that it is open again"},
    "**help**": {"open a case"},
    "**help**, a new case": {"open a case"},
}


def meaning(state: State, signal: Signal) -> set[str]:
    row = TABLE.get((state, signal))
    if row is None:
        return set()
    told = {effect.value for effect in row.effects} - {"show whether help can be reached"}
    return told | ({"cancelled"} if row.to is State.CANCELLED and state is not State.CANCELLED else set())


def test_the_table_of_gestures_is_the_table_of_the_code() -> None:
    text = (ROOT / "docs/help.md").read_text("utf-8").replace("\N{EN DASH}", "-")
    found = re.search(r"^\| state \| 1 press.*?\n\n", text, re.MULTILINE | re.DOTALL)
    assert found
    head, _, *rows = ([cell.strip() for cell in line.strip("|").split("|")] for line in found[0].strip().splitlines())
    assert head[1:] == list(GESTURES.values())
    assert [row[0] for row in rows if row[0] != QUESTION_ROW] == list(ROWS)
    for row in rows:
        if row[0] == QUESTION_ROW:
            # which presses answer is core.mayday's; the rest is as in any open case
            assert row[1:3] == [COUNTED[Signal.ONE_PRESS], COUNTED[Signal.TWO_PRESSES]] == ["yes", "no"]
            assert row[3:] == next(other for other in rows if other[0] == "RAISED to ENGAGED")[3:]
            continue
        for signal, cell in zip(GESTURES, row[1:], strict=True):
            for state in ROWS[row[0]]:
                assert meaning(state, signal) == MEANS[cell], f"{state}, {signal}"


def test_every_type_of_event_in_the_code_is_on_the_page_of_the_wire_and_no_other() -> None:
    text = (ROOT / "docs/wire.md").read_text("utf-8")
    told = set(re.findall(r"edge\.[a-z]+\.[a-z_]+\.v1", text))
    source = "\n".join(path.read_text("utf-8") for path in (ROOT / "edge_agent").rglob("*.py"))
    source += (ROOT / "simulators/desk/answers.py").read_text("utf-8")
    assert set(re.findall(r"edge\.[a-z]+\.[a-z_]+\.v1", source)) <= told
    for kind in told:
        # made from its parts by EventMaker and Presence, or written out
        _, _, what, _ = kind.split(".")
        assert kind in source or f'"{what}"' in source, f"{kind} is told and never sent"


def test_messages_of_the_page_on_trouble_are_messages_of_the_program() -> None:
    text = (ROOT / "docs/troubleshooting.md").read_text("utf-8")
    rooms = ("edge_agent", "firmware_bridges", "simulators")
    sources = [path.read_text("utf-8") for room in rooms for path in (ROOT / room).rglob("*.py")]
    sources += [(ROOT / name).read_text("utf-8") for name in ("edge_agent/texts/en.toml", "Makefile", "tests/tools.sh")]
    # a message may be written in two pieces, one below the other
    source = re.sub(r'"\s*\n\s*f?"', "", "\n".join(sources))
    messages = MESSAGE_ROW.findall(text)
    assert len(messages) > 20
    for message in messages:
        for piece in filter(None, message.split("…")):
            assert piece in source, f"nothing says {piece!r} any more"


def test_the_readme_names_every_command_that_asks() -> None:
    text = (ROOT / "README.md").read_text("utf-8")
    assert all(f"edge-agent {name}" in text for name in COMMANDS)


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_make_targets_that_a_page_names_exist(page: str) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    named = set(re.findall(r"(?:^    |`|`sudo )make ([a-z]+)", (ROOT / page).read_text("utf-8"), re.MULTILINE))
    assert named
    assert named <= targets


def test_the_picture_is_a_run_in_which_nothing_was_lost() -> None:
    text = (ROOT / "docs/demo.svg").read_text("utf-8").replace("&#160;", " ")
    assert "lost: 0, doubled: 0" in text
    assert "somebody holds the help button" in text
    assert "http" not in text.replace("http://www.w3.org/2000/svg", "").replace("https://www.textualize.io", "")
