"""Playbooks' files: everything that is wrong at once, with its line; and those that are shipped."""

import json
from contextlib import suppress
from pathlib import Path

import jsonschema_rs
import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.config.load import load, parse
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.config.playbooks import load_folder, load_playbook, parse_playbook, schema
from edge_agent.core.finding import Severity
from edge_agent.core.playbook import Deed
from edge_agent.drivers.registry import LANGUAGES
from edge_agent.playbook import schema_text

SHIPPED = Path("config/playbooks")
GOOD = """name = "water"
kinds = ["boiler"]

[match]
all = [{ quantity = "pressure", check = "low" }]

[[check]]
name = "low"
quantity = "pressure"
kind = "range"
min = 0.8

[[remedy]]
does = "power_cycle"
only_if = { quantity = "pressure", below = 0.5 }
off_s = 5.0

[text.en]
title = "Water"
cause = "{device} loses water"
action = "Top it up."
"""


def mistakes(text: str) -> list[str]:
    with pytest.raises(ConfigProblems) as caught:
        parse_playbook(text, "water.toml")
    return [mistake.text for mistake in caught.value.mistakes]


def test_a_right_file_becomes_a_playbook():
    book = parse_playbook(GOOD, "water.toml")
    assert book.match.all[0].quantity == "pressure"
    assert book.checks[0].settings["min"] == 0.8
    assert book.remedies[0].deed is Deed.POWER_CYCLE
    assert book.remedies[0].only_if is not None
    assert book.remedies[0].only_if.holds(0.4)
    assert book.severity is Severity.WARNING


def test_all_mistakes_are_told_at_once_with_their_lines():
    wrong = (
        GOOD.replace('kinds = ["boiler"]', 'kinds = ["Boiler"]')
        .replace('check = "low"', 'chek = "low"')
        .replace("min = 0.8", 'min = "low"')
        .replace("power_cycle", "power_cicle")
        .replace('title = "Water"', 'titel = "Water"')
    )
    told = "\n".join(mistakes(wrong))
    assert 'water.toml:2: kinds[0] = "Boiler": expected a lower-case word, or * for any' in told
    assert "water.toml:5: match.all[0].chek" in told
    assert "did you mean match.all[0].check?" in told
    assert 'water.toml:11: check[0].min = "low": expected a number' in told
    assert "did you mean power_cycle?" in told
    assert "did you mean text.en.title?" in told


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('check = "low"', 'check = "lo"', 'match.all[0].check = "lo": no check has this name'),
        ("min = 0.8", "", "a range check without a limit"),
        ("below = 0.5", "", "it has no bound; expected above, below or equals"),
        ("power_cycle", "reopen_port", "only power_cycle has a use for it"),
        ("{device} loses", "{devise} loses", "nothing is put in {devise}"),
        ("{device} loses", "{device loses", "a brace that is not closed"),
        ('action = "Top it up."', "", "text.en.action: missing"),
        ('quantity = "pressure", check = "low"', 'check = "range"', "it names no quantity"),
        ('all = [{ quantity = "pressure", check = "low" }]', "", "it has no sign"),
        ('kinds = ["boiler"]', "kinds = []", "it is for no device"),
        ("[text.en]", "[text.english]", "no language; expected two letters"),
    ],
)
def test_what_could_never_work_is_a_mistake(old, new, told):
    assert told in "\n".join(mistakes(GOOD.replace(old, new, 1)))


def test_a_check_that_no_sign_looks_at_is_a_mistake():
    more = '\n[[check]]\nname = "high"\nquantity = "pressure"\nkind = "range"\nmax = 3.0\n'
    assert "check[1].name" in mistakes(GOOD + more)[0]


def test_a_folder_tells_the_mistakes_of_all_its_files(tmp_path):
    (tmp_path / "a.toml").write_text(GOOD)
    (tmp_path / "b.toml").write_text(GOOD)
    (tmp_path / "c.toml").write_text("name = 3")
    (tmp_path / "d.toml").write_text("name =")
    with pytest.raises(ConfigProblems) as caught:
        load_folder(str(tmp_path))
    files = {Path(mistake.file).name for mistake in caught.value.mistakes}
    assert files == {"b.toml", "c.toml", "d.toml"}
    with pytest.raises(ConfigProblems, match="there is no such folder"):
        load_folder(str(tmp_path / "none"))


def test_what_is_shipped_can_be_read_and_speaks_three_languages():
    books = load_folder(str(SHIPPED))
    assert len(books) >= 10
    for book in books:
        assert set(book.told) == {"en", "de", "es"}, book.name
        assert (SHIPPED / f"{book.name}.toml").exists()
        for told in book.told.values():
            for text in told:
                assert text.format(device="boiler")
        # gas and flood are not for experiments
        assert not (book.name in {"gas", "flood"} and book.remedies)


def test_the_schema_beside_the_playbooks_is_what_the_code_says():
    there = (SHIPPED / "playbook.schema.json").read_text(encoding="utf-8")
    assert there == schema_text(), "run .venv/bin/python -m docs.made"
    for file in SHIPPED.glob("*.toml"):
        assert file.read_text(encoding="utf-8").startswith("#:schema playbook.schema.json\n"), file


def test_the_schema_refuses_what_the_agent_refuses():
    known = jsonschema_rs.validator_for(json.loads(schema_text()))
    for file in SHIPPED.glob("*.toml"):
        assert not list(known.iter_errors(tomli.loads(file.read_text(encoding="utf-8")))), file
    wrong = tomli.loads(GOOD) | {"severity": "loud", "unknown": 1}
    assert len(list(known.iter_errors(wrong))) == 2


def test_the_schema_knows_every_table():
    made = schema()
    assert {"PlaybookFile", "MatchTable", "SignTable", "RemedyTable"} <= set(made["$defs"])


@settings(max_examples=200)
@given(st.data())
def test_no_edit_of_a_file_makes_anything_but_a_playbook_or_mistakes(data):
    text = (SHIPPED / "stuck_relay.toml").read_text()
    place = data.draw(st.integers(0, len(text)))
    cut = data.draw(st.integers(0, 40))
    put = data.draw(st.text(max_size=8))
    with suppress(ConfigProblems):
        parse_playbook(text[:place] + put + text[place + cut :], "edited.toml")


def test_one_file_is_read_by_its_path():
    assert load_playbook(str(SHIPPED / "gas.toml")).name == "gas"


def test_a_configuration_tells_the_mistakes_of_its_playbooks_with_its_own(tmp_path):
    (tmp_path / "plays").mkdir()
    (tmp_path / "plays" / "gas.toml").write_text(GOOD.replace("[text.en]", "[txt.en]"))
    file = tmp_path / "agent.toml"
    file.write_text('[playbooks]\nfolder = "plays"\nmay = ["reopen_prt"]\n')
    with pytest.raises(ConfigProblems) as caught:
        load(file, LANGUAGES)
    told = str(caught.value)
    assert "agent.toml:3: playbooks.may[0]" in told
    assert "did you mean reopen_port?" in told
    assert "gas.toml" in told
    assert "did you mean text?" in told


def test_a_folder_beside_the_configuration_is_found_from_anywhere(tmp_path):
    (tmp_path / "plays").mkdir()
    file = tmp_path / "agent.toml"
    file.write_text('[playbooks]\nfolder = "plays"\n')
    assert load(file, LANGUAGES).playbooks.folder == str(tmp_path / "plays")


def test_a_relay_feeds_a_device_that_there_is(tmp_path):
    with pytest.raises(ConfigProblems, match="there is no device pump"):
        parse('[[gpio.relay]]\nfeeds = "pump"\nline = 4\n', "agent.toml", LANGUAGES)
