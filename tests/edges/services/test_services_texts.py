"""What a householder reads: complete in every language, and times in words."""

import re
import string
import time
from pathlib import Path

import pytest

from edge_agent.core.lamp import Shown
from edge_agent.core.request import State, Trigger
from edge_agent.texts import languages, texts
from edge_agent.texts.times import distance, when

ROOT = Path(__file__).parents[3]
NOW = 1_800_018_600.0  # Friday 2027-01-15 14:10 in Berlin


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


@pytest.fixture
def berlin(monkeypatch):
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_there_are_english_german_and_spanish() -> None:
    assert languages() == ["de", "en", "es"]


@pytest.mark.parametrize("language", languages())
def test_every_language_says_everything_with_the_same_fields(language) -> None:
    english, here = texts("en"), texts(language)
    assert list(here) == list(english)
    for key, said in here.items():
        assert isinstance(said, str), key
        assert said.strip() == said != "", key
        assert fields(said) == fields(english[key]), key
        assert len(said) <= 140, f"{key}: too long to be read in a hurry"
    assert len(here["time.weekdays"].split()) == 7
    assert len(here["time.months"].split()) == 12


@pytest.mark.parametrize("language", languages())
def test_every_pattern_state_and_trigger_has_words_and_no_two_patterns_have_the_same(language) -> None:
    here = texts(language)
    for table in ("lamp", "name", "rhythm", "tone"):
        assert {key.partition(".")[2] for key in here if key.startswith(f"{table}.")} == {*Shown, "assist"}
    for table in ("lamp", "name", "rhythm"):
        assert len({here[f"{table}.{shown}"] for shown in Shown}) == len(Shown)
    assert all(here[f"state.{state.lower()}"] for state in State)
    assert all(here[f"trigger.{trigger}"] for trigger in Trigger)


# words that were there beside the one that is used: Servicezentrale, Taste, centro de atención, llamada de ayuda
OTHER_WORDS = {"de": r"(?i)leitstelle|knopf", "es": r"(?i)\bcentral\b|centro de ayuda|\bpetici"}


@pytest.mark.parametrize("language", OTHER_WORDS)
def test_one_thing_has_one_word(language) -> None:
    said = texts(language)
    assert not [key for key, text in said.items() if re.search(OTHER_WORDS[language], text)]


def test_nothing_is_written_that_nobody_says() -> None:
    rooms = ("edge_agent", "docs", "simulators")
    files = [file for room in rooms for kind in ("*.py", "*.js", "*.html") for file in (ROOT / room).rglob(kind)]
    source = "\n".join(file.read_text("utf-8") for file in files if "vendor" not in file.parts)
    said = set(re.findall(r"""["']([a-z]+\.[a-z_]+)["']""", source))
    tables = set(re.findall(r"""(?:f["']|`)([a-z]+)\.\$?\{""", source))
    unsaid = [key for key in texts("en") if key not in said and key.partition(".")[0] not in tables]
    assert unsaid == []


def test_a_language_that_there_is_not_is_english() -> None:
    assert texts("fr").language == "en"
    assert texts("../de").language == "en"


@pytest.mark.parametrize(
    ("language", "hours", "said"),
    [
        ("en", 1 / 6, "at 14:20, in 10 minutes"),
        ("de", 1 / 6, "um 14:20 Uhr, in 10 Minuten"),
        ("es", 1 / 6, "a las 14:20, dentro de 10 minutos"),
        ("en", -1 / 60, "at 14:09, 1 minute ago"),
        ("de", -1 / 60, "um 14:09 Uhr, vor 1 Minute"),
        ("es", -2, "a las 12:10, hace 2 horas"),
        ("en", 0, "at 14:10, any moment now"),
        ("en", 24, "tomorrow at 14:10"),
        ("de", 19, "morgen um 9:10 Uhr"),
        ("es", 11, "mañana a la 1:10, dentro de 11 horas"),
        ("en", -24, "yesterday at 14:10"),
        ("en", 72, "on Monday at 14:10"),
        ("de", 72, "am Montag um 14:10 Uhr"),
        ("es", 72, "el lunes a las 14:10"),
        ("en", -72, "on 12 January at 14:10"),
        ("de", 24 * 60, "am 16. März um 14:10 Uhr"),
        ("es", 24 * 60, "el 16 de marzo a las 14:10"),
    ],
)
def test_times_are_local_and_in_words(berlin, language, hours, said) -> None:
    assert when(texts(language), NOW + hours * 3600, NOW) == said


def test_half_a_minute_is_now() -> None:
    assert [distance(texts("en"), s) for s in (29, -29, 31, 89 * 60, 91 * 60)] == [
        "any moment now",
        "just now",
        "in 1 minute",
        "in 89 minutes",
        "in 2 hours",
    ]


@pytest.mark.parametrize("language", languages())
def test_what_stands_before_a_line_leaves_a_space_behind_it(language) -> None:
    names = ("raised", "reference", "receiver", "helper", "next_word", "lamp", "asked", "answer", "next")
    assert [name for name in names if len(texts(language)[f"case.{name}"]) > 9] == []
