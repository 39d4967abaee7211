import asyncio
import shutil

import pytest
from driver_helpers import until

from edge_agent.core.backoff import Backoff
from edge_agent.core.ports import Gatt
from edge_agent.core.reading import Advert, Channel, Notify, Reading, Send, uuid
from edge_agent.drivers import link as links
from edge_agent.drivers.ble import BleDriver, Nearby
from edge_agent.drivers.link import Link

pytestmark = [
    pytest.mark.skipif(shutil.which("dbus-daemon") is None, reason="needs Debian's package dbus-daemon"),
    pytest.mark.usefixtures("quick_ble"),
]

ADDRESS, OTHER = "C0:11:22:33:44:01", "C0:11:22:33:44:02"
SERVICE, LEVEL, NAME, TX, RX, SETUP = (uuid(0x1800 + number) for number in range(6))
GATT = Gatt(subscribe=(TX, LEVEL), read={NAME: 0.0, LEVEL: 0.1}, write=RX)
MTU = 185  # of the simulated devices


class GattBridge:
    """Keeps what it was fed, answers `?`, and sends what it was given when its time has come."""

    def __init__(self, device):
        self.channel = Channel(f"{device}.value")
        self.fed = []
        self.wants = []

    def feed(self, chunk, at):
        self.fed.append(chunk)
        if isinstance(chunk, Advert):
            return
        if chunk.payload == b"break":
            raise RuntimeError
        if chunk.payload == b"?":
            yield Send(b"here")
        yield Reading(self.channel, len(chunk.payload), at)

    def next(self, now):
        return now + 0.02, self.wants.pop() if self.wants else None

    def values(self, characteristic):
        return [
            chunk.payload for chunk in self.fed if isinstance(chunk, Notify) and chunk.characteristic == characteristic
        ]


class Box:
    """One device that is connected to, on both sides: what is simulated, and what the agent has of it."""

    def __init__(self, bluez, device_of, name, address, gatt):
        self.outside = bluez.peripheral(address, name)
        self.name = self.outside.characteristic(SERVICE, NAME, b"box", ("read",))
        self.level = self.outside.characteristic(SERVICE, LEVEL, b"\x63", ("read", "notify"))
        self.tx = self.outside.characteristic(SERVICE, TX, b"", ("notify",))
        self.rx = self.outside.characteristic(SERVICE, RX, b"", ("write",))
        self.bridge = GattBridge(name)
        self.device = device_of(self.bridge, name)
        self.link = Link(self.device, gatt, Backoff(base_s=0.02, cap_s=0.1, stable_s=1.0))

    @property
    def ready(self):
        return self.device.health.ready

    def call(self):
        self.outside.advertise(manufacturer_data={1: b"x"})

    async def connected(self):
        await until(lambda: self.call() or self.ready)


@pytest.fixture
def boxes_of(bluez, device_of, running):
    def make(*addresses, gatt=GATT, listens=False, **more):
        boxes = [Box(bluez, device_of, f"box{n}", address, gatt) for n, address in enumerate(addresses)]
        devices = {box.outside.address: Nearby(box.device, listens, box.link) for box in boxes}
        driver = BleDriver(devices, silence_s=60.0, backoff=Backoff(base_s=0.02, cap_s=0.05), **more)
        running(driver)
        return boxes

    return make


@pytest.fixture
async def box(boxes_of):
    return boxes_of(ADDRESS)[0]


def reasons(said, what="box0"):
    return [line.get("reason", line["event"]) for line in said if line["what"] == what]


async def test_a_device_that_is_heard_is_connected_to_subscribed_to_and_read(box, got):
    await until(lambda: box.device.health.sentence == "not heard yet")
    await box.connected()
    assert box.tx.notifying
    await until(lambda: box.bridge.values(NAME) == [b"box"])
    box.tx.notify(b"hello")
    await until(lambda: box.bridge.values(TX) == [b"hello"])
    assert [item.value for item in got if item.channel.name == "box0.value"]
    assert box.name.reads == 1


async def test_what_is_read_again_and_again_comes_once_each_time(box):
    await box.connected()
    await until(lambda: box.level.reads >= 3)
    await asyncio.sleep(0.05)
    # bluetoothd tells a subscriber what was read as well: that must not count twice
    assert len(box.bridge.values(LEVEL)) == box.level.reads
    box.level.notify(b"\x62")
    await until(lambda: box.bridge.values(LEVEL)[-1] == b"\x62")


async def test_the_bridge_answers_and_asks_and_may_say_where(box):
    setup = box.outside.characteristic(SERVICE, SETUP, b"", ("write-without-response",))
    await box.connected()
    box.tx.notify(b"?")
    await until(lambda: list(box.rx.written) == [b"here"])
    box.bridge.wants.append(Send(b"fast", SETUP))
    await until(lambda: list(setup.written) == [b"fast"])


async def test_what_is_long_is_cut_to_what_the_link_takes_in_one_piece(box):
    await box.connected()
    payload = bytes(range(256)) * 4
    box.bridge.wants.append(Send(payload))
    await until(lambda: b"".join(box.rx.written) == payload)
    assert {len(piece) for piece in list(box.rx.written)[:-1]} == {MTU - 3}


async def test_what_cannot_be_written_is_a_fault_and_nothing_stops(box, got):
    await box.connected()
    box.bridge.wants += [Send(b"x", SETUP), Send(b"x" * (links.OUT_BYTES + 1))]
    await until(lambda: {item.code for item in got if hasattr(item, "code")} == {"write", "overflow"})
    box.tx.notify(b"?")
    await until(lambda: list(box.rx.written) == [b"here"])


async def test_a_link_that_drops_is_lost_once_and_back_once_and_begins_anew(box, said):
    await box.connected()
    box.outside.disconnect()
    await until(lambda: not box.ready)
    assert "battery" in box.device.health.fix
    await box.connected()
    await until(lambda: box.tx.notifying and box.name.reads == 2)
    assert reasons(said) == ["ready", "gone", "back"]


async def test_a_device_that_refuses_is_tried_again_ever_more_rarely(box, said, monkeypatch):
    box.link._backoff.cap_s = 60.0
    box.outside.refuse = "org.bluez.Error.Failed"
    for _ in range(40):
        box.call()
        await asyncio.sleep(0.02)
    assert 2 <= box.outside.asked <= 8
    assert reasons(said) == ["refuses"]
    assert "only one" in box.device.health.fix
    box.outside.refuse = None
    box.link._backoff.attempts = 0
    await box.connected()


async def test_a_device_that_is_not_heard_any_more_is_not_tried(box):
    box.outside.refuse = "org.bluez.Error.Failed"
    await until(lambda: box.call() or box.outside.asked)
    await asyncio.sleep(0.05)
    asked = box.outside.asked
    await asyncio.sleep(0.3)
    assert box.outside.asked == asked


async def test_connections_are_made_one_at_a_time_and_everybody_has_a_turn(bluez, boxes_of):
    boxes = boxes_of(*(f"C0:11:22:33:44:{number:02X}" for number in range(5)))
    for box in boxes:
        box.outside.connect_s = 0.05
    boxes[0].outside.refuse = "org.bluez.Error.Failed"
    await until(lambda: [box.call() for box in boxes] and all(box.ready for box in boxes[1:]))
    assert bluez.at_once == 1


async def test_a_radio_that_cannot_connect_while_it_scans_is_given_the_time_to(bluez, boxes_of, said):
    bluez.fussy = True
    (box,) = boxes_of(ADDRESS)
    await box.connected()
    await until(lambda: bluez.scanning[0])
    assert reasons(said) == ["refuses", "back"]


async def test_a_connect_that_never_ends_is_given_up_and_the_others_have_their_turn(bluez, boxes_of, monkeypatch):
    monkeypatch.setattr(links, "CONNECT_S", 0.2)
    stuck, fine = boxes_of(ADDRESS, OTHER)
    stuck.outside.connect_s = 60.0
    await until(lambda: stuck.call() or stuck.outside.asked)
    await fine.connected()
    await until(lambda: "cannot be connected" in stuck.device.health.sentence)


async def test_other_devices_are_heard_while_one_is_connected(bluez, boxes_of, got):
    box, other = boxes_of(ADDRESS, OTHER, listens=True)
    other.outside.refuse = "org.bluez.Error.Failed"
    await box.connected()
    before = len(other.bridge.fed)
    other.outside.advertise(manufacturer_data={1: b"new"})
    await until(lambda: len(other.bridge.fed) > before)
    assert isinstance(other.bridge.fed[-1], Advert)


async def test_a_device_that_wants_to_be_paired_says_how(box, said):
    box.name.paired = True
    await until(lambda: box.call() or "paired" in box.device.health.sentence)
    assert f"pair {ADDRESS}" in box.device.health.fix
    await asyncio.sleep(0.2)
    assert reasons(said) == ["pairing"]
    box.name.paired = False
    await box.connected()


async def test_a_device_without_anything_that_its_language_reads_is_no_such_device(boxes_of, said):
    (box,) = boxes_of(ADDRESS, gatt=Gatt(subscribe=(uuid(0x2A37),)))
    await until(lambda: box.call() or "language" in box.device.health.sentence)
    await until(lambda: not box.outside.connected)
    assert reasons(said) == ["foreign"]


async def test_what_a_device_lacks_of_its_language_is_left_out(boxes_of):
    gatt = Gatt(subscribe=(TX, uuid(0x2A37)), read={NAME: 0.0, uuid(0x2A29): 0.0}, write=RX)
    (box,) = boxes_of(ADDRESS, gatt=gatt)
    await box.connected()
    await until(lambda: box.bridge.values(NAME) == [b"box"])


async def test_a_device_that_does_not_answer_any_more_is_let_go(box, monkeypatch):
    monkeypatch.setattr(links, "ANSWER_S", 0.05)
    await box.connected()
    box.level.dead = True
    await until(lambda: "does not answer" in box.device.health.sentence)
    box.level.dead = False
    await box.connected()


async def test_a_bridge_that_raises_ends_neither_its_link_nor_the_driver(bluez, boxes_of, caplog):
    box, other = boxes_of(ADDRESS, OTHER)
    await box.connected()
    await other.connected()
    box.tx.notify(b"break")
    await until(lambda: "decoder failed" in box.device.health.sentence)
    other.tx.notify(b"fine")
    await until(lambda: other.bridge.values(TX) == [b"fine"])
    assert box.outside.connected
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [RuntimeError]


async def test_when_the_adapter_goes_the_device_goes_with_it_and_comes_back_with_it(bluez, box, said):
    await box.connected()
    bluez.remove_adapter()
    await until(lambda: not box.ready)
    bluez.add_adapter()
    await box.connected()
    box.tx.notify(b"again")
    await until(lambda: b"again" in box.bridge.values(TX))


async def test_when_bluetoothd_is_killed_the_device_is_found_again_by_the_next_one(bluez, box):
    await box.connected()
    await bluez.restart()
    await until(lambda: not box.ready)
    await box.connected()
    box.tx.notify(b"again")
    await until(lambda: b"again" in box.bridge.values(TX))


async def test_the_connection_ends_with_the_driver(bluez, device_of, running):
    box = Box(bluez, device_of, "box", ADDRESS, GATT)
    driver = BleDriver({ADDRESS: Nearby(box.device, False, box.link)}, silence_s=60.0, backoff=Backoff(base_s=0.02))
    task = running(driver)
    await box.connected()
    task.cancel()
    await asyncio.wait([task])
    await until(lambda: not box.outside.connected)
    assert not box.ready


async def test_a_connection_that_nobody_holds_is_ended_so_that_the_device_can_be_heard(bluez, boxes_of):
    left = bluez.peripheral(ADDRESS, "box0")
    left.leave_connected()  # as by an agent that was killed
    (box,) = boxes_of(ADDRESS)
    await until(lambda: not left.connected)
    await box.connected()
