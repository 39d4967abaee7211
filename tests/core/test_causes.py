"""Root causes: a bus or a device that dies is one finding."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from edge_agent.core.causes import AWAY_CONFIRM_S, GRACE_S, Causes
from edge_agent.core.finding import Finding, FindingState, Severity
from edge_agent.core.health import Health

GOOD, BAD = Health(True, "listening"), Health(False, "the adapter is gone", "Plug it in.")
CONFIRMED, CLEARED = FindingState.CONFIRMED, FindingState.CLEARED


class House:
    """Two devices on one radio, with two channels each."""

    def __init__(self) -> None:
        self.heard: dict[str, float] = {}
        self.causes = Causes({"one": "ble", "two": "ble"}, self.quiet_since, lambda _: 2)

    def quiet_since(self, subject: str) -> float | None:
        times = [at for channel, at in self.heard.items() if channel == subject or channel.startswith(f"{subject}.")]
        return max(times, default=None)


def silent(channel: str, state: FindingState = CONFIRMED, at: float = 0.0) -> Finding:
    return Finding(b"i" * 16, channel, "silent", state, Severity.WARNING, f"{channel} is silent.", at, "boot")


def test_a_device_that_is_silent_with_all_its_channels_is_told_once():
    house = House()
    house.heard = {"one.a": 100.0, "one.b": 101.0}
    first, root = house.causes.sort(silent("one.a"), 200.0)
    assert root is not None
    assert (root.key, root.change.state, first.cause) == ("one:silent", CONFIRMED, "one:silent")
    second, root = house.causes.sort(silent("one.b"), 201.0)
    assert (root, second.cause) == (None, "one:silent")
    assert house.causes.sort(silent("one.a", CLEARED), 300.0)[1] is None
    ended, root = house.causes.sort(silent("one.b", CLEARED), 300.0)
    assert ended.cause == "one:silent"
    assert root is not None
    assert root.change.state is CLEARED


def test_one_silent_channel_of_a_device_that_speaks_stands_for_itself():
    house = House()
    house.heard = {"one.a": 100.0, "one.b": 199.0}
    found, root = house.causes.sort(silent("one.a"), 200.0)
    assert (found.cause, root) == ("", None)


def test_a_radio_that_dies_explains_its_devices_and_all_their_channels():
    house, told = House(), []
    for t in range(0, 100, 5):
        for subject in ("ble", "one", "two"):
            root = house.causes.condition(subject, BAD, float(t))
            if root is not None:
                told.append((root.key, root.cause))
    assert told == [("ble:away", ""), ("one:away", "ble:away"), ("two:away", "ble:away")]
    for channel in ("one.a", "one.b", "two.a", "two.b"):
        found, root = house.causes.sort(silent(channel), 120.0)
        assert (found.cause, root) == ("ble:away", None)


def test_a_silence_waits_for_a_cause_that_is_about_to_be_told():
    house = House()
    assert house.causes.condition("one", BAD, 0.0) is None
    assert house.causes.sort(silent("one.a"), AWAY_CONFIRM_S / 2)[0].cause == "one:away"


def test_what_outlives_its_cause_is_told_after_a_while():
    house = House()
    house.causes.condition("one", BAD, 0.0)
    house.causes.condition("one", BAD, 40.0)
    house.causes.sort(silent("one.a"), 50.0)
    house.causes.condition("one", GOOD, 60.0)
    root = house.causes.condition("one", GOOD, 66.0)
    assert root is not None
    assert root.change.state is CLEARED
    assert house.causes.tick(70.0) == []
    assert [f.cause for f in house.causes.tick(71.0 + GRACE_S)] == [""]
    assert house.causes.tick(500.0) == []


def test_other_findings_are_never_explained_by_silence():
    house = House()
    house.causes.condition("ble", BAD, 0.0)
    other = replace(silent("one.a"), kind="range")
    assert house.causes.sort(other, 1.0) == (other, None)


CHANNELS = ("one.a", "one.b", "two.a", "two.b")
steps = st.lists(
    st.one_of(
        st.tuples(st.just("health"), st.sampled_from(("ble", "one", "two")), st.booleans()),
        st.tuples(st.just("silent"), st.sampled_from(CHANNELS), st.booleans()),
        st.tuples(st.just("tick"), st.just(""), st.booleans()),
    ),
    max_size=80,
)


@given(steps)
def test_whatever_dies_in_whatever_order_roots_begin_and_end_in_turn_and_no_silence_is_lost(history):
    house, standing, told, now = House(), set(), {}, 0.0
    for what, subject, bad in history:
        now += 20.0
        if what == "health":
            root = house.causes.condition(subject, BAD if bad else GOOD, now)
        elif what == "tick":
            root = None
            for finding in house.causes.tick(now):
                told[finding.key] = finding
        else:
            key = f"{subject}:silent"
            if bad is (key in told):
                continue
            found, root = house.causes.sort(silent(subject, CONFIRMED if bad else CLEARED), now)
            told.pop(key, None)
            if bad:
                told[key] = found
                house.heard.setdefault(subject, now)
            else:
                house.heard[subject] = now
        if root is not None:
            assert (root.key in standing) is (root.change.state is CLEARED)
            standing ^= {root.key}
    for _ in range(2):
        now += GRACE_S
        for finding in house.causes.tick(now):
            told[finding.key] = finding
    # every silence that stands is told for itself, or its cause stands or is about to
    for finding in told.values():
        assert finding.cause == "" or house.causes.cause_of(finding)
