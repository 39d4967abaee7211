"""What travels with a first message: read from the machine, the recorder and the rooms."""

from pathlib import Path

import pytest
from msgspec import structs
from test_services_agent import config, running

from edge_agent import machine
from edge_agent.config.model import Desk, Gateway
from edge_agent.core.reading import Channel, Reading


def files(folder: Path, **content: str) -> None:
    folder.mkdir(parents=True)
    for name, text in content.items():
        (folder / name).write_text(f"{text}\n")


@pytest.mark.parametrize(
    ("supplies", "expected"),
    [
        ({}, {"power": "unknown"}),
        ({"AC": {"type": "Mains", "online": "1"}}, {"power": "mains"}),
        ({"AC": {"type": "Mains", "online": "0"}}, {"power": "unknown"}),
        (
            {
                "AC": {"type": "Mains", "online": "0"},
                "BAT0": {"type": "Battery", "status": "Discharging", "capacity": "81"},
            },
            {"power": "battery", "battery_pct": 81},
        ),
        (
            {
                "BAT0": {"type": "Battery", "status": "Charging", "capacity": "81"},
                "usb": {"type": "USB", "online": "1"},
            },
            {"power": "mains", "battery_pct": 81},
        ),
        ({"mouse": {"type": "Battery", "scope": "Device", "capacity": "3"}}, {"power": "unknown"}),
        ({"BAT0": {"type": "Battery", "capacity": "garbage"}}, {"power": "unknown"}),
    ],
)
def test_the_kernels_power_supplies_say_what_it_runs_on(tmp_path, supplies, expected):
    for name, content in supplies.items():
        files(tmp_path / "power" / name, **content)
    assert machine.power(tmp_path / "power", tmp_path) == expected


def test_a_raspberry_pis_monitor_tells_of_a_weak_supply(tmp_path):
    files(tmp_path / "hwmon0", name="cpu_thermal")
    files(tmp_path / "hwmon1", name="rpi_volt", in0_lcrit_alarm="1")
    assert machine.power(tmp_path / "none", tmp_path) == {"power": "unknown", "undervoltage": True}


def test_the_configuration_knows_better_than_a_kernel_that_knows_nothing():
    assert machine.told("auto", {"power": "mains"}) == {"power": "mains"}
    assert machine.told("battery", {"power": "unknown", "battery_pct": 5}) == {"power": "battery", "battery_pct": 5}


def test_the_path_is_the_default_route_with_the_lowest_metric(tmp_path):
    (tmp_path / "route").write_text(
        "Iface\tDestination\tGateway\tFlags\tRefCnt\tUse\tMetric\tMask\tMTU\tWindow\tIRTT\n"
        "wlan0\t00000000\t0102A8C0\t0003\t0\t0\t600\t00000000\t0\t0\t0\n"
        "wwan0\t00000000\t0102A8C0\t0003\t0\t0\t100\t00000000\t0\t0\t0\n"
        "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
    )
    assert machine.interface(tmp_path / "route", tmp_path / "none") == "wwan0"
    zero = "0" * 32
    (tmp_path / "ipv6").write_text(
        f"{zero} 00 {zero} 00 fe80{'0' * 28} 00000040 00000001 00000000 00000003 eth1\n"
        f"{zero} 00 {zero} 00 {zero} ffffffff 00000001 00000000 00200200 lo\n"
    )
    assert machine.interface(tmp_path / "route", tmp_path / "ipv6") == "eth1"
    assert machine.interface(tmp_path / "none", tmp_path / "none") == ""


async def test_a_first_message_has_all_that_the_law_lists(tmp_path):
    async with running(config(tmp_path)) as agent:
        agent.sampling.watches.report("store", "damaged", "The disk is failing.")
        said = agent.standing.context()
        (finding,) = agent.found.register.confirmed()
    law = {"gateway", "site", "product", "location", "contact", "language", "agent", "uptime_s", "queue", "consent"}
    assert said.keys() >= law | {"power", "path", "findings", "tried"}
    assert said["findings"] == [
        {"channel": "store", "kind": "damaged", "sentence": "The disk is failing.", "frame": finding.id}
    ]
    assert "position" not in said, "coordinates only where the household said so"


async def test_positions_are_the_newest_and_those_of_one_and_two_minutes_before(tmp_path):
    where = structs.replace(config(tmp_path), gateway=Gateway(id="gw", position_from="gps"))
    north, east = Channel("gps.latitude", "deg"), Channel("gps.longitude", "deg")
    async with running(where) as agent:
        assert "position" not in agent.standing.context()
        now = agent.clock.now().monotonic
        for ago in range(200, 4, -1):
            agent.sampling.deliver(Reading(north, 48.0 + ago / 1000, now - ago))
            agent.sampling.deliver(Reading(east, 11.0, now - ago))
        agent.sampling.deliver(Reading(north, None, now, "no fix"))
        agent.sampling.deliver(Reading(east, None, now, "no fix"))
        positions = agent.standing.context()["position"]
    assert [(north, east) for north, east, _ in positions] == [(48.005, 11.0), (48.065, 11.0), (48.125, 11.0)]
    assert [round(age) for *_, age in positions] == [5, 65, 125]


async def test_the_status_says_that_a_desk_without_a_signature_is_believed(tmp_path):
    async with running(config(tmp_path)) as agent:
        assert "desk" not in [name for name, _ in agent.standing.health()]
    async with running(structs.replace(config(tmp_path), desk=Desk(unsigned=True))) as agent:
        assert not dict(agent.standing.health())["desk"].ready
