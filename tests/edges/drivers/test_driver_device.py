import pytest
from driver_helpers import LineBridge

from edge_agent.core.block import pack, unpack
from edge_agent.core.reading import Channel, Fault, Handover, Reading, Send
from edge_agent.drivers.device import LOG_EVERY_S, MAX_CODES, MAX_SAID, REST_S, Device


def test_readings_and_faults_are_delivered_and_counted_and_sends_come_back(device_of, got):
    device = device_of(LineBridge())
    assert device.feed(b"1\nx\n?\n2\n", 5.0) == (Send(b"here\n"),)
    assert [type(item) for item in got] == [Reading, Fault, Reading]
    assert device.counts()[:4] == ("probe", 2, 1, 5.0)


def test_a_device_that_was_never_fed_was_never_heard(device_of):
    assert device_of(LineBridge()).counts().last_at is None


def test_a_bridge_that_raises_rests_and_is_then_fed_again(device_of, got):
    device = device_of(LineBridge())
    device.up("listening")
    with pytest.raises(RuntimeError):
        device.feed(b"break\n", 1.0)
    assert not device.health.ready
    assert device.feed(b"1\n", 1.0 + REST_S / 2) == ()
    assert device.due(2.0) == (1.0 + REST_S, None)
    assert got == []
    device.feed(b"1\n", 1.0 + REST_S)
    assert len(got) == 1
    assert device.health.ready


def test_a_loss_is_logged_counted_and_delivered_once_for_each_reason(device_of, got, said):
    device = device_of(LineBridge())
    for _ in range(3):
        device.down("missing", "It is gone", "Plug it in", 1.0)
    device.down("denied", "It is locked", "Unlock it", 2.0)
    device.down("missing", "It is gone", "Plug it in", 3.0)
    assert [fault.code for fault in got] == ["missing", "denied"]
    assert device.counts().faults == 2
    device.up("listening")
    device.up("listening")
    assert [line["event"] for line in said] == ["lost", "lost", "back"]


def test_every_fault_is_counted_and_its_kind_is_logged_once_in_a_while(device_of, got, said):
    device = device_of(LineBridge())
    for at in (1.0, 2.0, 1.0 + LOG_EVERY_S):
        device.feed(b"x\n", at)
    assert device.counts().faults == len(got) == 3
    assert [(line["event"], line["what"]) for line in said] == [("fault", "probe")] * 2


def test_a_bridge_that_makes_up_kinds_of_faults_cannot_fill_the_log(device_of, got, said):
    device = device_of(LineBridge())
    for number in range(2 * MAX_CODES):
        device.fault(f"code{number}", "Something", 1.0)
    assert len(got) == 2 * MAX_CODES
    assert len(said) == MAX_CODES


class SayingBridge:
    """Says these values of one channel, with a chunk or by time alone."""

    def __init__(self, *values):
        self.readings = [Reading(Channel("probe.count"), value, 1.0) for value in values]

    def feed(self, chunk, at):  # noqa: ARG002
        yield from self.readings

    def next(self, now):
        return now + 10.0, self.readings.pop(0) if self.readings else None


@pytest.mark.parametrize("by_time", [False, True])
def test_a_value_that_no_block_can_hold_is_a_gap_with_a_reason_and_a_fault(device_of, got, by_time):
    device = device_of(SayingBridge(2**64, -(2**63) - 1, 10**400, "\ud800", 2**64 - 1, -(2**63), "\U0001f600", True))
    device.due(1.0) if by_time else device.feed(b"x", 1.0)
    readings = [item for item in got if type(item) is Reading]
    assert [reading.value for reading in readings] == [None] * 4 + [2**64 - 1, -(2**63), "\U0001f600", True]
    assert [reading.reason for reading in readings[2:5]] == [
        "the number is beyond 64 bits",
        "the text has a character that does not exist",
        "",
    ]
    assert [item.code for item in got if type(item) is Fault] == ["value"] * 4
    assert [reading.value for reading in unpack(pack(readings, 0.0), 0.0)] == [reading.value for reading in readings]
    assert device.counts()[1:3] == (8, 4)


class HoldingBridge:
    """Hands the same thing over with every chunk, and by time alone says what it was given."""

    def __init__(self, *by_time):
        self.by_time = list(by_time)

    def feed(self, chunk, at):  # noqa: ARG002
        yield Handover("probe.help", "probe:1", at, Send(b"receipt"))

    def next(self, now):
        return now + 1.0, self.by_time.pop(0) if self.by_time else None


def test_what_a_device_hands_over_is_receipted_only_when_it_is_kept():
    kept, asked = [], []
    device = Device("probe", HoldingBridge(), asked.append, lambda each: each.key in kept)
    assert device.feed(b"x", 1.0) == ()
    kept.append("probe:1")
    assert device.feed(b"x", 2.0) == (Send(b"receipt"),)
    assert asked == []
    assert Device("probe", HoldingBridge(), asked.append).feed(b"x", 1.0) == (), "nobody keeps anything"


def test_what_follows_from_the_time_alone_is_delivered_and_the_bridge_asked_once_more(device_of, got):
    silent, alive = Fault("probe", "silent", "nothing", 3.0), Reading(Channel("probe.alive"), False, 3.0)
    device = device_of(HoldingBridge(silent, alive, Send(b"?")))
    assert device.due(3.0) == (4.0, Send(b"?"))
    assert got == [silent, alive]
    assert device.counts()[1:3] == (1, 1)


def test_a_bridge_that_says_things_by_time_for_ever_does_not_stop_the_others(device_of, got):
    device = device_of(HoldingBridge(*[Fault("probe", "silent", "nothing", 3.0)] * 1000))
    assert device.due(3.0) == (4.0, None)
    assert len(got) == MAX_SAID
