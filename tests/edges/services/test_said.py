"""What the gateway says of itself knows its text, so that every household reads it in its own language."""

import ast
import copy
import pickle
import string

import pytest

from edge_agent.control.types import Failure, Part
from edge_agent.control.types.base import encode, plain
from edge_agent.core.health import CONDITIONS, Health
from edge_agent.core.selftest import Verdict, fail
from edge_agent.services.selftest import computer, disk
from edge_agent.services.selftest.runner import Probe, examine, titled
from edge_agent.texts import Said, languages, texts
from edge_agent.uplink import reasons
from edge_agent.uplink.probe import Way
from tests.sources import AGENT, sources

PROBES = ("examine.py", "probes.py", "check.py", "plugins.py", "uplink/probe.py", "services/selftest/*.py")
# Whoever makes a verdict or a health, makes it of texts.
MAKERS = {"ok", "warn", "fail", "unknown", "not_run", "Found", "Health"}


def calls(*names):
    """Every call of a function of one of these names in the agent: its file and line, and the call."""
    for file, source in sources():
        for node in ast.walk(source):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in names:
                yield f"{file}:{node.lineno}", node


def keys(argument):
    """The keys that an argument can be; none for one that is put together."""
    if isinstance(argument, ast.IfExp):
        return keys(argument.body) + keys(argument.orelse)
    return [argument.value] if isinstance(argument, ast.Constant) else []


def fields(text):
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def test_every_sentence_that_is_said_stands_in_the_texts_with_the_fields_that_it_is_given():
    seen = 0
    for where, call in calls("Said"):
        given = {keyword.arg for keyword in call.keywords}
        for key in keys(call.args[0]):
            assert key in texts("en"), where
            assert fields(texts("en")[key]) <= given, where
            seen += 1
    assert seen > 100


def test_no_probe_says_a_sentence_of_its_own():
    probes = {str(file.relative_to(AGENT)) for pattern in PROBES for file in AGENT.glob(pattern)}
    seen = 0
    for where, call in calls(*MAKERS):
        if where.partition(":")[0] in probes:
            said = [*call.args, *(keyword.value for keyword in call.keywords)]
            assert not [each for each in said if isinstance(each, ast.JoinedStr | ast.Constant)], where
            seen += 1
    assert seen > 30


def test_no_part_tells_how_it_is_in_a_sentence_of_its_own():
    found = [
        where
        for where, call in calls("Health", "Why")
        if any(isinstance(each, ast.JoinedStr | ast.Constant) for each in call.args[1:])
    ]
    assert found == []


def test_every_reason_for_having_no_connection_is_a_text_and_says_what_to_do():
    words = [*reasons._OF_CODE.values(), *reasons._OF_CERTIFICATE.values(), "refused", "tls_untrusted"]
    made = [reasons._error(word, "detail", table="[broker]") for word in words]
    made += [reasons.ended(), reasons.silent(), reasons.hole(), reasons.no_word(9.0), reasons.no_answer()]
    made += [reasons.unacknowledged(9.0), reasons.garbled(ValueError("x")), reasons.unreadable_file("/x", OSError())]
    for error in made:
        assert isinstance(error.args[0], Said), error
        assert isinstance(error.fix, Said), error
        for language in languages():
            assert "{" not in texts(language).own(error.args[0]) + texts(language).own(error.fix)


@pytest.mark.parametrize("language", languages())
def test_a_sentence_inside_a_sentence_is_told_in_the_same_language(language):
    here = texts(language)
    said = Said("probe.device", said=Said("part.off"), heard=Said("probe.never_heard"), readings=1, faults=2)
    told = here.own(said)
    assert here["part.off"] in told
    assert here["probe.never_heard"] in told
    assert type(told) is str


def test_a_sentence_is_english_for_the_log_and_what_comes_from_elsewhere_is_left_as_it_is():
    assert Said("part.help") == "a press is recorded at once, and sent as soon as there is a way"
    assert texts("de").own("says the plug-in") == "says the plug-in"


def test_a_copy_of_a_sentence_is_a_string_like_any_other():
    health = Health(True, Said("part.help"))
    for copied in (copy.copy(health.sentence), copy.deepcopy(health).sentence, pickle.loads(pickle.dumps(health))[1]):
        assert copied == health.sentence
        assert type(copied) is str


@pytest.mark.parametrize("name", [*CONDITIONS, "device boiler", "serial:boiler"])
def test_the_title_of_a_probe_says_what_it_is_of(name):
    for language in languages():
        title = texts(language).own(titled(name))
        code = name.partition(" ")[0].partition(":")[0]
        assert title.startswith(texts(language)[f"health.{code}"])
        assert title.endswith(name[len(code) + 1 :])


def test_json_takes_a_sentence_that_nobody_put_into_a_language():
    said = Said("part.help")
    assert b"a press is recorded" in encode(Failure(said))
    assert plain(Part("help", True, said))["sentence"] == said


async def test_the_computers_probes_and_those_of_the_way_say_nothing_that_has_no_text(tmp_path):
    way = Way("127.0.0.1", 1, None)
    probes = [
        Probe("power", lambda: computer.power({"power": "battery", "battery_pct": 5})),
        Probe("memory", computer.memory),
        Probe("temperature", computer.temperature),
        Probe("space", lambda: disk.space(tmp_path, 1e12, 0)),
        Probe("wear", lambda: disk.wear(tmp_path)),
        Probe("disk", lambda: disk.latency(tmp_path)),
        Probe("link", way.link),
        Probe("address", way.address),
        Probe("dns", way.dns),
        Probe("tcp", way.tcp),
        Probe("portal", way.portal, needs=()),
        Probe("service", lambda: fail(Said("part.off"), Said("probe.unasked_fix"))),
        Probe("queue", lambda: 1 / 0),
    ]
    for result in await examine(probes):
        assert isinstance(result.found.evidence, Said), result.name
        nothing_to_do = result.found.verdict in (Verdict.OK, Verdict.UNKNOWN, Verdict.NOT_RUN)
        assert nothing_to_do or isinstance(result.found.fix, Said), result.name
