"""Which language understands an advert, and whether it can read it: asked in a command or the page, never in the agent.

All languages are imported for it, once.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple

from edge_agent.config.options import complete_options
from edge_agent.control.types import BleSurvey, HeardBle, plain
from edge_agent.core.errors import ConfigError
from edge_agent.core.reading import Advert, Fault
from firmware_bridges.registry import Look, language, recognise, recognisers

KEY = "key"
# Field practice with sensors in buildings: good, fine and the limit of what still comes through.
GOOD_DBM, FINE_DBM, LIMIT_DBM = -60, -70, -85
# Codes of the faults that mean it: of firmware_bridges.payload.REFUSED and of BTHome.
_LOCKED = frozenset({"encrypted", KEY, "plain"})


class Known(NamedTuple):
    """A language that understands a device, the model as it calls it, and whether it can read nothing without a key."""

    language: str
    model: str
    needs_key: bool


def known(heard: HeardBle) -> list[Known]:
    """The languages that understand what this device says: one, or none, or rarely more."""
    advert = advert_of(heard)
    found = recognise(advert, _looks())
    return [Known(name, model, bool(unreadable(name, {}, advert))) for name, model in found.items()]


def strength(rssi_dbm: int) -> str:
    """One word for a signal."""
    if rssi_dbm < FINE_DBM:
        return "weak" if rssi_dbm >= LIMIT_DBM else "lost"
    return "good" if rssi_dbm >= GOOD_DBM else "fine"


def lasting(heard: HeardBle) -> str:
    """What the address is: `public`, `static`, one that `changes` every few minutes, or as BlueZ calls it."""
    if heard.kind != "random":
        return heard.kind
    # the two highest bits of a random address: Bluetooth Core, Vol 6 Part B 1.3.2
    return {0b11: "static", 0b01: "changes", 0b00: "changes"}.get(int(heard.address[:2], 16) >> 6, "random")


def plainly(survey: BleSurvey) -> dict[str, Any]:
    """A survey as plain data, in the order of `useful`, with who knows each device and what its numbers mean."""
    told = plain(survey)
    told["heard"] = [plain(row) | _judged(row, found) for row, found in useful(survey)]
    return told


def useful(survey: BleSurvey) -> list[tuple[HeardBle, list[Known]]]:
    """Devices that are configured or that a language knows first, then the others; the strongest first of each."""
    rows = [(row, known(row)) for row in survey.heard]
    return sorted(rows, key=lambda each: (not (each[0].device or each[1]), -each[0].rssi_median_dbm, each[0].address))


def _judged(row: HeardBle, found: list[Known]) -> dict[str, Any]:
    return {
        "known": [each._asdict() for each in found],
        "lasting": lasting(row),
        "median_is": strength(row.rssi_median_dbm),
        "p10_is": strength(row.rssi_p10_dbm),
    }


def advert_of(heard: HeardBle) -> Advert:
    """The newest advert of a device, as bridges want it."""
    return Advert(
        heard.address,
        heard.name,
        heard.rssi_median_dbm,
        {name: bytes.fromhex(data) for name, data in heard.service_data.items()},
        {int(company, 16): bytes.fromhex(data) for company, data in heard.manufacturer_data.items()},
        tuple(heard.services),
    )


def unreadable(name: str, options: Mapping[str, Any], advert: Advert) -> str:
    """Why this language cannot read the advert with these options, as far as a key is the reason; else empty.

    Raises ConfigError where the language is unknown, or the options make no sense (a key of a wrong length).
    """
    spec = language(name)
    if KEY in spec.options and spec.options[KEY].default is None and not options.get(KEY):
        return "its adverts are encrypted and no key is given"
    if KEY in options and KEY not in spec.options:
        return f"{name} takes no key"
    try:
        bridge = spec.make("probe", complete_options(spec, options))
    except ConfigError:
        if KEY in options:
            raise
        return ""  # it misses another option, which the configuration's own check will name
    said = [item for item in bridge.feed(advert, 0.0) if isinstance(item, Fault)]
    return next((fault.text for fault in said if fault.code in _LOCKED), "")


@cache
def _looks() -> Mapping[str, Look]:
    return recognisers()
