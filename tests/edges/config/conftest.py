"""Languages to check configurations against, small enough that every message can be foretold."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from edge_agent.config.options import Languages
from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import Bridge, Gatt, LanguageSpec, Option
from edge_agent.core.reading import Chunk, Item, Send


class Silent:  # a bridge that says nothing
    def feed(self, _chunk: Chunk, _at: float) -> Iterator[Item]:
        yield from ()

    def next(self, _now: float) -> tuple[float | None, Send | None]:
        return None, None


def make(device: str, options: Mapping[str, Any]) -> Bridge:
    if "units" in options and "" in options["units"]:
        raise ConfigError("units: a quantity without a name", fix="Give each unit a quantity")
    return Silent()


SPECS = {
    spec.name: spec
    for spec in (
        LanguageSpec("nmea0183", frozenset({"serial"}), make, {}, "GPS"),
        LanguageSpec(
            "textline",
            frozenset({"serial"}),
            make,
            {"units": Option(dict, {}, "unit of each quantity"), "separator": Option(str, "=", "")},
            "lines",
        ),
        LanguageSpec(
            "modbus",
            frozenset({"serial"}),
            make,
            {
                "unit_id": Option(int, None, "the device's address, 1 to 247"),
                "every_s": Option(float, 1.0, "how often it is asked"),
                "swap": Option(bool, False, "the words are the other way round"),
            },
            "registers",
        ),
        LanguageSpec("bthome", frozenset({"ble"}), make, {"bindkey": Option(str, "", "key of the device")}, "BLE"),
        LanguageSpec("uart", frozenset({"gatt"}), make, {}, "Nordic UART", gatt=Gatt(subscribe=("tx",), write="rx")),
        LanguageSpec("contact", frozenset({"gpio"}), make, {"invert": Option(bool, False, "the opposite")}, "contact"),
    )
}


def spec(name: str) -> LanguageSpec:
    if name == "broken":
        raise ConfigError("the package of broken cannot be imported", fix="Install it")
    if name not in SPECS:
        raise ConfigError(f"no language {name}")
    return SPECS[name]


@pytest.fixture(scope="session")
def languages() -> Languages:
    return Languages(spec, lambda: (*SPECS, "broken"))
