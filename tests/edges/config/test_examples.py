"""The shipped configurations, against the model and the languages that are really there."""

import json
import re
from importlib.util import find_spec
from pathlib import Path

import pytest
import tomli
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import NODEFAULT, inspect

from edge_agent.check_config import summary
from edge_agent.config.convert import plain_type
from edge_agent.config.load import load, parse
from edge_agent.config.mistakes import ConfigProblems
from edge_agent.config.model import Config, ConsentTable
from edge_agent.config.options import Languages
from edge_agent.core.consent import PURPOSES
from firmware_bridges import registry

FOLDER = Path(__file__).parents[3] / "config"
EXAMPLE = (FOLDER / "agent.example.toml").read_text(encoding="utf-8")
# Every example taken into use: `#name = 1` and `#[table]`, but not `# prose`.
FULL = re.sub(r"^#(?=[a-z\[])", "", EXAMPLE, flags=re.MULTILINE)
if find_spec("cryptography") is None:  # the library that opens encrypted advertisements is an extra
    FULL = re.sub(r"^key = .*\n", "", FULL, flags=re.MULTILINE)
LANGUAGES = Languages(registry.language, registry.languages)


def fields(kind, table, above=()):
    """Each (struct, field, its path, value or NODEFAULT) of the model's structs that stand in a parsed file."""
    for field in kind.fields:
        inner = plain_type(field.type)
        value = table.get(field.name, NODEFAULT)
        yield kind.cls, field, (*above, field.name), value
        rows = value if isinstance(value, list) else [value]
        row_type = plain_type(inner.item_type) if isinstance(inner, inspect.VarTupleType) else inner
        if isinstance(row_type, inspect.StructType):
            for row in rows:
                yield from fields(row_type, row if isinstance(row, dict) else {}, (*above, field.name))


def test_the_example_loads_and_is_all_defaults():
    assert parse(EXAMPLE, "agent.example.toml", LANGUAGES) == Config()


def test_the_example_with_everything_in_use_loads():
    config = parse(FULL, "agent.example.toml", LANGUAGES)
    assert config.gpio.button
    assert list(summary(config)["devices"]) == ["hatch", "meter", "engine", "cellar", "bedroom"]


def test_every_key_of_the_model_is_in_the_example():
    rows = list(fields(inspect.type_info(Config), tomli.loads(FULL)))
    shown = {(struct, field.name) for struct, field, _, value in rows if value is not NODEFAULT}
    missing = {".".join(path) for struct, field, path, _ in rows if (struct, field.name) not in shown}
    assert not missing


def test_every_default_that_the_example_shows_is_the_models():
    wrong = [
        (path, value, field.default)
        for _, field, path, value in fields(inspect.type_info(Config), tomli.loads(FULL))
        if not isinstance(value, dict | list) and value is not NODEFAULT
        if field.default not in (NODEFAULT, None) and (value != field.default or type(value) is not type(field.default))
    ]
    assert not wrong


def test_every_setting_of_the_example_has_its_meaning_above_it():
    """A comment stands above, or above the neighbour of the same thing (`cert_file` and `key_file`)."""
    lines = EXAMPLE.split("\n")
    bare = [
        line
        for before, line in zip(["", *lines], lines, strict=False)
        if re.match(r"#?[a-z_]+ = ", line) and not before.startswith("# ") and not re.match(r"#?[a-z_\[]", before)
    ]
    assert not bare


def test_the_documentation_lists_every_option_of_every_language():
    text = (FOLDER.parent / "docs" / "languages.md").read_text(encoding="utf-8")
    for name in registry.LANGUAGES:
        spec = registry.language(name)
        rows = [f"| `{option}` | {json.dumps(made.default)} | {made.doc} |" for option, made in spec.options.items()]
        assert f"## {name}: over {' or '.join(sorted(spec.transports))}\n\n{spec.doc}." in text
        assert not [row for row in rows if row not in text]


def test_consent_has_exactly_the_purposes():
    assert set(ConsentTable.__struct_fields__) == set(PURPOSES)


@pytest.mark.parametrize("name", ["home.toml", "vehicle.toml"])
def test_a_shipped_configuration_loads_and_stays_local_until_it_is_changed(name):
    plan = summary(load(FOLDER / name, LANGUAGES))
    assert plan["broker"] is None
    assert plan["button"]
    assert "help_ready" in plan["consent"]
    assert len(plan["devices"]) >= 4
    assert plan["checks"] >= 4


@pytest.mark.parametrize("name", ["home.toml", "vehicle.toml"])
def test_a_shipped_configuration_with_its_examples_in_use_lacks_only_the_password_file(name):
    full = re.sub(r"^#(?=[a-z\[])", "", (FOLDER / name).read_text(encoding="utf-8"), flags=re.MULTILINE)
    with pytest.raises(ConfigProblems) as caught:
        parse(full, str(FOLDER / name), LANGUAGES)
    assert [mistake.key for mistake in caught.value.mistakes] == ["broker.password_file"]


COMMENTED = re.compile(r"^#\[\[(?:serial|can|file|gpio\.input|ble\.device)\]\]\n(?:#.+\n)*", re.MULTILINE)


def one_by_one(name):
    """The file once for each commented device, with this one in use and the others still commented."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    for part in COMMENTED.finditer(text):
        used = re.sub("^#", "", part[0], flags=re.MULTILINE)
        device = re.search('name = "(.+)"', used)[1]
        yield pytest.param(device, text[: part.start()] + used + text[part.end() :], id=f"{name}: {device}")


@pytest.mark.parametrize(("device", "text"), [*one_by_one("home.toml"), *one_by_one("vehicle.toml")])
def test_a_commented_device_of_a_shipped_configuration_may_be_taken_into_use_alone(device, text):
    assert device in summary(parse(text, str(FOLDER / "home.toml"), LANGUAGES))["devices"]


@pytest.mark.parametrize("name", sorted(registry.LANGUAGES))
def test_the_examples_in_the_readme_of_a_language_load(name):
    readme = (FOLDER.parent / "firmware_bridges" / name / "README.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```toml\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    shown = [block for block in blocks if f'language = "{name}"' in block]  # modbus shows a device map as well
    assert shown
    for example in shown:
        assert summary(parse(example, "agent.toml", LANGUAGES))["devices"]


def test_every_language_of_serial_gpio_and_file_devices_has_an_example_in_a_shipped_configuration():
    shipped = "".join((FOLDER / name).read_text(encoding="utf-8") for name in ("home.toml", "vehicle.toml"))
    named = set(re.findall(r'^#?language = "(\w+)"', shipped, re.MULTILINE))
    wired = {name for name in registry.LANGUAGES if registry.language(name).transports - {"ble"}}
    assert wired - named == {"contact"}  # which is the language of a GPIO input that names none


HOME = (FOLDER / "home.toml").read_text(encoding="utf-8")


def problems_of(source):
    try:
        parse(source, "home.toml", LANGUAGES)
    except ConfigProblems as problems:
        return problems.mistakes
    return ()


def check_that_only_problems_come(source):
    found = problems_of(source)
    lines = [mistake.line for mistake in found]
    assert all("\n" not in mistake.text for mistake in found)
    assert lines == sorted(lines)
    assert all(0 <= line <= source.count("\n") + 1 for line in lines)


PIECES = ["", "\n", "[", "]", "[[", "]]", "{", "}", '"', '"""', "'", "=", ".", ",", "#", "\\", "-1", "1e400", "nan",
          "true", "[serial]\n", "[[serial]]\n", "[[check]]\n", "[ble]\n", "name = 1\n", "options = 1\n",
          "0x" + "f" * 400, "1979-05-27", "\x00", "\r", "ü", "port", "language = 'x'\n", " = {}\n", "[]"]  # fmt: skip


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_any_mutation_of_a_configuration_gives_nothing_but_problems(data):
    source = data.draw(st.sampled_from([HOME, FULL]))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(source)))
        cut = data.draw(st.sampled_from([0, 1, 2, 5, 20, 200]))
        source = source[:start] + data.draw(st.sampled_from(PIECES)) + source[start + cut :]
    check_that_only_problems_come(source)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_any_swap_of_values_and_lines_gives_nothing_but_problems(data):
    lines = data.draw(st.sampled_from([HOME, FULL])).split("\n")
    settings_at = [number for number, line in enumerate(lines) if re.match(r"[a-z_]+ = ", line)]
    for _ in range(data.draw(st.integers(1, 6))):
        at, other = (data.draw(st.sampled_from(settings_at)) for _ in "ab")
        if data.draw(st.booleans()):
            lines[at] = f"{lines[at].partition(' = ')[0]} = {lines[other].partition(' = ')[2]}"
        else:
            lines[at] = lines[other]
    check_that_only_problems_come("\n".join(lines))


WORDS = st.sampled_from([*re.findall(r"[a-z_]+(?= = )|\[+[a-z.]+\]+", FULL), "a", '"q.r"'])
VALUES = st.sampled_from([*re.findall(r"(?<= = ).+", FULL), "{ a = 1 }", "[{}]", "[1, [2]]", "nan", "9e999", "''"])


@settings(max_examples=120, deadline=None)
@given(st.lists(st.tuples(WORDS, VALUES), max_size=12), st.text(alphabet="ab.=[]{}\",'#\n 1", max_size=20))
def test_any_text_like_toml_gives_nothing_but_problems(rows, tail):
    lines = [word if word.startswith("[") else f"{word} = {value}" for word, value in rows]
    check_that_only_problems_come("\n".join(lines) + "\n" + tail)
