"""What the household says in a case: by the API and by the command line; and how a case is told in words."""

import time

import pytest
from msgspec import structs

from edge_agent.console import cli, story
from edge_agent.control.client import Client, ControlRefusedError
from edge_agent.control.types import LONGEST_TEXT, Help, Next, Note, Question
from edge_agent.texts import languages, texts
from edge_agent.texts.times import when
from tests.edges.control.conftest import AMBER, CASE

NOON = 1_700_000_000.0
ASKED = Question("q1", "Is everybody well?", ["yes", "no"], button=True, purpose="", expires_wall=NOON)
OPTIONS = Question("q2", "What is it?", ["fire", "water"], button=False, purpose="", expires_wall=NOON)


def with_question(question: Question) -> Help:
    return Help(state="RECEIVED", case=structs.replace(CASE, question=question), lamp=AMBER)


@pytest.fixture
def edge_agent(house, capsys):
    def run(*words: str) -> tuple[int, str, str]:
        code = cli.main([*words, "--socket", str(house.path)])
        return code, *capsys.readouterr()

    return run


def test_an_answer_reaches_the_agent_and_the_reply_is_the_case_without_the_question(house):
    house.agent.now = with_question(ASKED)
    client = Client(house.path)
    assert client.help().case.question == ASKED
    assert client.answer("yes").case.question is None
    assert house.agent.said == [("", "yes", "command")]
    with pytest.raises(ControlRefusedError, match="asks nothing now"):
        client.answer("no", "q1", "page")
    assert house.agent.said[-1] == ("q1", "no", "page")


def test_a_text_reaches_the_agent_and_one_that_is_too_long_does_not(house):
    house.agent.now = with_question(ASKED)
    client = Client(house.path)
    assert client.say("The key is under the mat.").case.notes[-1].text == "The key is under the mat."
    for text in ("", "x" * (LONGEST_TEXT + 1)):
        with pytest.raises(ControlRefusedError, match="not what was expected"):
            client.say(text)


def test_by_command_the_household_answers_writes_and_cancels(house, edge_agent):
    house.agent.now = with_question(ASKED)
    assert edge_agent("help", "answer", "yes")[0] == 0
    assert edge_agent("help", "answer", "yes") == (1, "", "edge-agent: the desk asks nothing now\n")
    code, out, _ = edge_agent("help", "say", "The key is under the mat.")
    assert code == 0
    assert "household: The key is under the mat." in out
    assert edge_agent("help", "cancel")[0] == 0
    assert edge_agent("help", "say", "Hello?")[0] == 1
    with pytest.raises(SystemExit) as wrong:
        edge_agent("help", "say", " ")
    assert wrong.value.code == 2


def test_json_is_the_whole_case_for_programs(house, edge_agent):
    house.agent.now = with_question(OPTIONS)
    code, out, _ = edge_agent("help", "--json")
    assert code == 1
    assert '"answers": [\n        "fire",\n        "water"\n      ]' in out


def test_a_yes_is_told_in_the_households_language_and_what_somebody_wrote_as_it_was_written():
    notes = [Note("desk", "yes", NOON), Note("household", "yes", NOON), Note("household", "Ja, wir sind oben.", NOON)]
    now = Help(state="ENGAGED", case=structs.replace(CASE, notes=notes), lamp=AMBER, language="de")
    told = [line.rpartition("  ")[2] for line in story.help_(now, colour=False)]
    assert {"Zentrale: yes", "Haushalt: ja", "Haushalt: Ja, wir sind oben."} < set(told)


@pytest.mark.parametrize("state", ["IDLE", "RESOLVED", "CANCELLED"])
def test_a_case_that_is_over_promises_no_next_word(state):
    case = structs.replace(CASE, next_word_wall=NOON)
    told = list(story.help_(Help(state=state, case=case, lamp=AMBER), colour=False))
    assert not any(line.startswith("next word") for line in told)


def test_a_waiting_question_is_told_with_how_to_answer_it():
    lines = list(story.help_(with_question(ASKED), colour=False))
    until = when(texts("en"), NOON, time.time())
    assert "asked     Is everybody well?" in lines
    by_hand = f"answer    one press for yes, two for no, or: edge-agent help answer yes | no; {until} at the latest"
    assert by_hand in lines
    assert any("help answer fire | water" in line for line in story.help_(with_question(OPTIONS), colour=False))


@pytest.mark.parametrize("language", languages())
@pytest.mark.parametrize("what", ["window_over", "unanswered", "other_ways", "silence", "reopen_over"])
def test_what_comes_next_is_told_in_every_language_as_a_local_time_in_words(language, what):
    coming = time.time() + 600.0
    case = structs.replace(CASE, next=[Next(what, coming)], reason="Water.", trigger="automatic")
    lines = list(story.help_(Help("SENDING", case, AMBER, language), colour=False))
    here = texts(language)
    (said,) = [line for line in lines if line.startswith(here["case.next"].ljust(10))]
    assert when(here, coming, time.time()) in said
    assert any("Water." in line for line in lines)


def test_what_a_newer_agent_says_comes_next_is_left_out():
    case = structs.replace(CASE, next=[Next("unheard_of", NOON)])
    assert list(story.help_(Help("SENDING", case, AMBER), colour=False))


def test_times_are_told_by_the_gateways_own_clock_whatever_the_machine_says():
    # the machine has no right time of its own, and the gateway has it from the desk
    case = structs.replace(CASE, next_word_wall=NOON + 600.0, next=[Next("silence", NOON + 600.0)])
    lines = list(story.help_(Help("RECEIVED", case, AMBER, now_wall=NOON), colour=False))
    assert sum("in 10 minutes" in line for line in lines) == 2
