from hypothesis import given, settings
from hypothesis import strategies as st

from edge_agent.core.reading import Channel, Reading
from edge_agent.core.thinning import Thinning, ThinSetting
from simulators.ledger import Emission, Held, account

VALUES = st.sampled_from([1.0, 1, True, False, 0, "open", 21.37, -0.5])
CHANNELS = st.sampled_from(["boiler.pressure", "door.open"])


@st.composite
def sent(draw):
    """Emissions of at most two channels, at least 0.1 s apart, as the devices keep it."""
    steps = draw(st.lists(st.tuples(st.floats(0.1, 3.0), CHANNELS, VALUES), max_size=40))
    at, emissions = 100.0, []
    for step, channel, value in steps:
        at += step
        emissions.append(Emission(channel, value, at))
    return emissions


def arrived(emissions, delays=None, per_block=5):
    delays = delays or [0.003] * len(emissions)
    return [
        Held(e.channel, e.value, round(e.at_monotonic + delay, 3), f"block-{n // per_block}")
        for n, (e, delay) in enumerate(zip(emissions, delays, strict=True))
    ]


@settings(max_examples=40)
@given(sent(), st.randoms(use_true_random=False))
def test_what_arrived_whole_in_any_order_has_no_loss_and_no_duplicate(emissions, chance):
    held = arrived(emissions, [chance.uniform(0.0, 0.04) for _ in emissions])
    chance.shuffle(held)
    result = account(emissions, held)
    assert (result.emitted, result.held) == (len(emissions), len(emissions))
    assert (result.lost, result.duplicates, result.redelivered, result.unexpected) == (0, 0, 0, 0)
    assert result.losses() == []


@settings(max_examples=40)
@given(sent(), st.data())
def test_each_missing_reading_is_counted_once_and_named_under_its_channel(emissions, data):
    held = arrived(emissions)
    gone = data.draw(st.sets(st.integers(0, max(0, len(held) - 1)), max_size=len(held)))
    result = account(emissions, [row for n, row in enumerate(held) if n not in gone])
    expected = len([n for n in gone if n < len(held)])
    assert result.missing == result.lost == expected
    assert result.unexpected == 0
    assert sum(c.lost for c in result.channels.values()) == expected
    for name, counts in result.channels.items():
        assert len(counts.examples) == min(3, counts.lost)
        assert all(example.channel == name for example in counts.examples)


@settings(max_examples=40)
@given(sent(), st.data())
def test_a_reading_under_two_ids_is_a_duplicate_and_never_hides_a_loss(emissions, data):
    held = arrived(emissions)
    twice = data.draw(st.sets(st.sampled_from(held))) if held else set()
    lost = data.draw(st.sets(st.sampled_from([row for row in held if row not in twice] or [None]))) - {None}
    copies = [row._replace(block="another", at=row.at + 0.001) for row in twice]
    result = account(emissions, [row for row in held if row not in lost] + copies)
    assert result.duplicates == len(twice)
    assert result.lost == len(lost)
    assert result.unexpected == 0


@settings(max_examples=40)
@given(sent(), st.integers(1, 3))
def test_an_event_that_comes_again_under_its_id_is_redelivered_and_nothing_else(emissions, times):
    held = arrived(emissions)
    again = [row._replace(delivery=number) for number in range(1, times + 1) for row in held]
    result = account(emissions, held + again)
    assert result.redelivered == times * len({row.block for row in held})
    assert (result.lost, result.duplicates, result.held) == (0, 0, len(held))


@settings(max_examples=40)
@given(sent(), st.integers(0, 50))
def test_declared_drops_cover_losses_and_no_more(emissions, declared):
    result = account(emissions, [], declared_drops=declared)
    assert result.missing == len(emissions)
    assert result.lost == max(0, len(emissions) - declared)


@settings(max_examples=40)
@given(sent())
def test_readings_that_no_device_sent_are_unexpected(emissions):
    strangers = [Held("ghost.temperature", 20.0, 100.0, "b"), Held("boiler.pressure", 1.0, 9999.0, "b")]
    result = account(emissions, arrived(emissions) + strangers)
    assert result.unexpected == 2
    assert result.lost == 0


def test_wall_clock_times_are_brought_to_the_clock_of_the_emissions():
    emissions = [Emission("boiler.pressure", 1.5, 10.0)]
    held = [Held("boiler.pressure", 1.5, 1_800_000_010.2, "b")]
    assert account(emissions, held, offset_s=-1_800_000_000.0).lost == 0
    assert account(emissions, held).lost == 1


def test_a_value_that_came_too_late_is_another_one():
    emissions = [Emission("boiler.pressure", 1.5, 10.0)]
    assert account(emissions, [Held("boiler.pressure", 1.5, 13.0, "b")]).lost == 1
    assert account(emissions, [Held("boiler.pressure", 1.5, 13.0, "b")], tolerance_s=5).lost == 0


def test_truth_and_one_are_not_the_same_value():
    assert account([Emission("door.open", True, 1.0)], [Held("door.open", 1, 1.0, "b")]).lost == 1
    assert account([Emission("door.open", 1, 1.0)], [Held("door.open", 1.0, 1.0, "b")]).lost == 0


def test_a_loss_is_told_in_words():
    lines = account([Emission("boiler.pressure", 1.42, 12.5)], []).losses()
    assert lines == ["boiler.pressure: 1 of 1 missing, first 1.42 sent at 12.500 s"]


def thinned(emissions, setting):
    """What an agent with this setting sends of them."""
    thinning, found = Thinning([setting]), []
    for e in emissions:
        found += thinning.see(Reading(Channel(e.channel), e.value, e.at_monotonic + 0.01))
    return [Held(r.channel.name, r.value, round(r.at, 3), "b") for r in [*found, *thinning.finish()]]


THIN = [
    ThinSetting("*", deadband=0.3, at_least_every_s=20.0),
    ThinSetting("*", deadband=0.0, at_least_every_s=5.0),
    ThinSetting("*", summary_s=4.0),
]


@settings(max_examples=60)
@given(sent(), st.sampled_from(THIN))
def test_what_a_channel_setting_keeps_back_is_covered_and_not_lost(emissions, setting):
    result = account(emissions, thinned(emissions, setting), settings=[setting])
    assert (result.lost, result.unexpected, result.duplicates) == (0, 0, 0)
    assert result.missing == result.covered


def test_a_step_that_was_lost_is_not_covered_by_a_deadband():
    emissions = [Emission("boiler.pressure", 1.0 if n < 10 else 3.0, 100.0 + n) for n in range(20)]
    setting = ThinSetting("boiler.*", deadband=0.3)
    held = thinned(emissions, setting)
    assert account(emissions, held, settings=[setting]).covered == 16
    without = [row for row in held if row.value == 1.0]
    assert account(emissions, without, settings=[setting]).lost == 10
    assert account(emissions, held).lost == 16


def test_a_window_that_was_lost_is_missing_from_the_counts():
    emissions = [Emission("boiler.pressure", 1.0 + n / 10, 100.0 + n) for n in range(12)]
    setting = ThinSetting("boiler.pressure", summary_s=4.0)
    held = thinned(emissions, setting)
    assert account(emissions, held, settings=[setting]).lost == 0
    assert account(emissions, held[4:], settings=[setting]).lost == 4
