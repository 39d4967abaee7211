import subprocess
import sys
from importlib import metadata

import pytest

from edge_agent.core.errors import ConfigError
from firmware_bridges.registry import GROUP, LANGUAGES, language, languages


def outsider(monkeypatch, name: str, value: str) -> None:
    point = metadata.EntryPoint(name=name, value=value, group=GROUP)
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point] if group == GROUP else [])


@pytest.mark.parametrize("name", LANGUAGES)
def test_a_language_is_found_under_its_own_name(name: str) -> None:
    assert language(name).name == name


def test_an_unknown_name_is_answered_with_the_nearest_one() -> None:
    with pytest.raises(ConfigError, match="nearest known one is 'nmea0183'"):
        language("nmea-0183")


def test_a_language_from_outside_is_listed_and_loaded(monkeypatch) -> None:
    outsider(monkeypatch, "neighbour", "firmware_bridges.contact.bridge:SPEC")
    assert list(languages()) == sorted([*LANGUAGES, "neighbour"])
    assert language("neighbour").name == "contact"


def test_an_outsider_cannot_take_the_name_of_one_of_ours(monkeypatch) -> None:
    outsider(monkeypatch, "dsmr", "firmware_bridges.contact.bridge:SPEC")
    assert language("dsmr").name == "dsmr"
    assert list(languages()) == sorted(LANGUAGES)


@pytest.mark.parametrize(
    "target", ["nowhere.at.all:SPEC", "firmware_bridges.registry:SPEC", "firmware_bridges.registry:GROUP"]
)
def test_a_broken_language_from_outside_is_a_config_error(monkeypatch, target: str) -> None:
    outsider(monkeypatch, "broken", target)
    with pytest.raises(ConfigError, match=r"firmware|nowhere"):
        language("broken")


def test_a_language_that_is_not_used_costs_nothing() -> None:
    code = (
        "import sys; from firmware_bridges.registry import language; language('contact');"
        "print([m for m in ('importlib.metadata', 'difflib', 'cryptography', 'firmware_bridges.dsmr', 'asyncio',"
        " 'firmware_bridges.bthome', 'firmware_bridges.nmea0183') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
