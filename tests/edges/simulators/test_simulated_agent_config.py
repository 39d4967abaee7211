import tomli
from hypothesis import example, given
from hypothesis import strategies as st

from simulators.agent_config import table, toml

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
PLAIN = st.one_of(st.booleans(), st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9), TEXT)
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3))


@given(VALUES)
@example("\x7f\u2028")
def test_what_is_written_is_read_back(value):
    assert tomli.loads(f"value = {toml(value)}") == {"value": value}


def test_a_table_leaves_out_what_has_no_value():
    written = table("[[serial]]", {"name": "boiler", "options": {}, "max": None, "min": 0.0, "on": False})
    assert tomli.loads(written) == {"serial": [{"name": "boiler", "min": 0.0, "on": False}]}
