import tomli
from hypothesis import example, given
from hypothesis import strategies as st

from edge_agent.config.locate import Places, Position

SOURCE = '''\
top = 1
"quoted.key" = 2
a.b . "c" = 3

[broker]
host = "x" # a comment with [brackets] = "and quotes
port = 1883
[broker.tls]
enabled = false

[[serial]]
name = "one"
[[serial]]
  name = "two"
options = { units = { p = "bar", q = ["x",
  "y"] }, last = 1 }
[serial.options2]
deep = 1
[[serial.part]]
id = 1
[[serial.part]]
id = 2

[text]
long = """
[not.a.table]
key = 1 \\"""
"""
raw = \'\'\'
[nor.this]
\'\'\'
list = [
  1, # one ]
  { k = 1.5, "l" = 1979-05-27 07:32:00 },
  [ [ 2 ], "]" ],
]
after = true
"\\u0061b" = 1
'''


def line(*path: str | int) -> int:
    return Places(SOURCE).of(path).line


def test_every_kind_of_key_is_found_in_its_line():
    assert [line("top"), line("quoted.key"), line("a", "b", "c"), line("a")] == [1, 2, 3, 3]
    assert [line("broker"), line("broker", "host"), line("broker", "port")] == [5, 6, 7]
    assert [line("broker", "tls"), line("broker", "tls", "enabled")] == [8, 9]


def test_arrays_of_tables_count_from_zero_and_their_sub_tables_belong_to_the_last():
    assert [line("serial", 0), line("serial", 0, "name"), line("serial", 1), line("serial", 1, "name")] == [
        11,
        12,
        13,
        14,
    ]
    assert [line("serial", 1, "options2", "deep"), line("serial", 1, "part", 1, "id")] == [18, 22]


def test_inline_tables_and_lists_over_lines_are_followed():
    assert line("serial", 1, "options", "units", "p") == 15
    assert line("serial", 1, "options", "units", "q", 1) == 16
    assert line("serial", 1, "options", "last") == 16
    assert [line("text", "list", 0), line("text", "list", 1, "l"), line("text", "list", 2, 0, 0)] == [33, 34, 35]


def test_what_looks_like_toml_within_a_text_is_not_followed():
    assert [line("text", "long"), line("text", "raw"), line("text", "after"), line("text", "ab")] == [25, 29, 37, 38]
    assert line("not") == 1


def test_columns_count_from_one():
    places = Places(SOURCE)
    assert places.of(("serial", 1, "name")) == Position(14, 3)
    assert places.of(("broker", "port")) == Position(7, 1)


def test_an_unknown_key_has_the_line_of_the_nearest_table_above():
    assert line("serial", 1, "nothing", "at", "all") == 13
    assert line("serial", 7, "port") == 11
    assert line() == line("nowhere") == 1


def test_a_key_that_stands_twice_is_told_with_both_lines():
    repeats = list(Places("[a]\nb = 1\nc = [1,\n2]\nb = 2\n[a]\n").repeats())
    assert [(r.path, r.position.line, r.first.line) for r in repeats] == [(("a", "b"), 5, 2), (("a",), 6, 1)]


def test_a_table_after_its_sub_table_is_no_repeat():
    assert list(Places("[a.b]\nx = 1\n[a]\ny = 1\n[[c]]\n[[c]]\n").repeats()) == []


def test_very_deep_and_very_broken_text_is_survived():
    for source in ("[" * 20_000, "a = " + "[" * 20_000, "a = " + "{a=" * 20_000, "a." * 20_000, '"' * 20_001):
        assert Places(source).of(("a", 0, 0)).line == 1


@example("[\n[")
@given(st.text(alphabet="ab.=[]{}\",'#\n\\ 1", max_size=200))
def test_any_text_has_positions_within_itself(source):
    places = Places(source)
    lines = source.count("\n") + 1
    for path in (("a",), ("a", 0), ("a", "b"), ("b", 0, "a"), ()):
        assert 1 <= places.of(path).line <= lines
    assert all(repeat.first.line <= repeat.position.line <= lines for repeat in places.repeats())


def _paths(value, above=()):
    if isinstance(value, dict):
        for key, inner in value.items():
            yield (*above, key)
            yield from _paths(inner, (*above, key))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield (*above, number)
            yield from _paths(inner, (*above, number))


def test_every_path_that_tomli_sees_is_found_where_it_stands():
    source_lines = SOURCE.split("\n")
    places = Places(SOURCE)
    for path in _paths(tomli.loads(SOURCE)):
        key = path[-1]
        if isinstance(key, str) and key != "ab":
            assert key in source_lines[places.of(path).line - 1], path


@given(st.text(alphabet="ab.=[]{}\",'#\n 1", max_size=60))
def test_keys_of_any_valid_text_stand_in_the_line_that_is_told(source):
    try:
        tree = tomli.loads(source)
    except tomli.TOMLDecodeError:
        return
    lines = source.split("\n")
    for path in _paths(tree):
        if isinstance(path[-1], str):
            assert path[-1] in lines[Places(source).of(path).line - 1]
