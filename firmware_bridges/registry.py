"""Which device languages there are. To add one: a folder with `bridge.py` holding SPEC, and a line in LANGUAGES.

Packages from outside add theirs through the entry point group `edge_agent.bridges`, whose objects are LanguageSpecs;
a name that is here already cannot be taken from outside.
"""

from collections.abc import Callable, Mapping, Sequence
from importlib import import_module

from edge_agent.core.errors import ConfigError
from edge_agent.core.ports import LanguageSpec
from edge_agent.core.reading import Advert

GROUP = "edge_agent.bridges"

LANGUAGES: dict[str, str] = {
    "atc": "firmware_bridges.atc.bridge:SPEC",
    "bthome": "firmware_bridges.bthome.bridge:SPEC",
    "contact": "firmware_bridges.contact.bridge:SPEC",
    "daly": "firmware_bridges.daly.bridge:SPEC",
    "ds18b20": "firmware_bridges.ds18b20.bridge:SPEC",
    "dsmr": "firmware_bridges.dsmr.bridge:SPEC",
    "ems": "firmware_bridges.ems.bridge:SPEC",
    "gatt": "firmware_bridges.gatt.bridge:SPEC",
    "govee": "firmware_bridges.govee.bridge:SPEC",
    "iec62056": "firmware_bridges.iec62056.bridge:SPEC",
    "inkbird": "firmware_bridges.inkbird.bridge:SPEC",
    "j1939": "firmware_bridges.j1939.bridge:SPEC",
    "jbd": "firmware_bridges.jbd.bridge:SPEC",
    "mhz19": "firmware_bridges.mhz19.bridge:SPEC",
    "mocreo": "firmware_bridges.mocreo.bridge:SPEC",
    "modbus": "firmware_bridges.modbus.bridge:SPEC",
    "mopeka": "firmware_bridges.mopeka.bridge:SPEC",
    "native": "firmware_bridges.native.bridge:SPEC",
    "nmea0183": "firmware_bridges.nmea0183.bridge:SPEC",
    "nmea2000": "firmware_bridges.nmea2000.bridge:SPEC",
    "number": "firmware_bridges.number.bridge:SPEC",
    "obd2": "firmware_bridges.obd2.bridge:SPEC",
    "oralb": "firmware_bridges.oralb.bridge:SPEC",
    "otgw": "firmware_bridges.otgw.bridge:SPEC",
    "pms": "firmware_bridges.pms.bridge:SPEC",
    "pulses": "firmware_bridges.pulses.bridge:SPEC",
    "qingping": "firmware_bridges.qingping.bridge:SPEC",
    "ruuvi": "firmware_bridges.ruuvi.bridge:SPEC",
    "sds011": "firmware_bridges.sds011.bridge:SPEC",
    "sensorpush": "firmware_bridges.sensorpush.bridge:SPEC",
    "sml": "firmware_bridges.sml.bridge:SPEC",
    "switchbot": "firmware_bridges.switchbot.bridge:SPEC",
    "teltonika": "firmware_bridges.teltonika.bridge:SPEC",
    "textline": "firmware_bridges.textline.bridge:SPEC",
    "thermobeacon": "firmware_bridges.thermobeacon.bridge:SPEC",
    "thermopro": "firmware_bridges.thermopro.bridge:SPEC",
    "tpms": "firmware_bridges.tpms.bridge:SPEC",
    "vedirect": "firmware_bridges.vedirect.bridge:SPEC",
    "victron": "firmware_bridges.victron.bridge:SPEC",
    "xiaogui": "firmware_bridges.xiaogui.bridge:SPEC",
    "xiaomi": "firmware_bridges.xiaomi.bridge:SPEC",
}


def language(name: str) -> LanguageSpec:
    """The language of this name; it is imported now. Raises ConfigError for an unknown or broken one."""
    target = LANGUAGES.get(name)
    if target is None:
        outsiders = _outsiders()
        target = outsiders.get(name)
        if target is None:
            raise _unknown(name, sorted({*LANGUAGES, *outsiders}))
    module, _, attribute = target.partition(":")
    try:
        spec = getattr(import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise ConfigError(
            f"language {name!r} cannot be loaded from {target}: {error}",
            fix="Install or repair the package that it comes from",
        ) from error
    if not isinstance(spec, LanguageSpec):
        raise ConfigError(f"{target} is no LanguageSpec", fix="Ask the author of that package to repair it")
    return spec


def languages() -> Sequence[str]:
    """All names that `language` knows, sorted; nothing is imported for it but the list of entry points."""
    return sorted({*LANGUAGES, *_outsiders()})


Look = Callable[[Advert], str | None]


def recognisers() -> Mapping[str, Look]:
    """What each language recognises its devices with. Imports every language; a broken one from outside is left out."""
    found: dict[str, Look] = {}
    for name in languages():
        try:
            look = language(name).recognise
        except ConfigError:
            continue
        if look is not None:
            found[name] = look
    return found


def recognise(advert: Advert, looks: Mapping[str, Look] | None = None) -> Mapping[str, str]:
    """The languages that understand this advert, each with the model as it calls it: one, or none, or rarely more.

    Who has many adverts asks for `recognisers` once and hands them in.
    """
    named = ((name, look(advert)) for name, look in (recognisers() if looks is None else looks).items())
    return {name: model for name, model in named if model is not None}


def _outsiders() -> Mapping[str, str]:
    # importlib.metadata costs 3.5 MB and 40 ms: only for a name that is not ours, and for listing.
    entry_points = import_module("importlib.metadata").entry_points
    return {point.name: point.value for point in entry_points(group=GROUP)}


def _unknown(name: str, known: Sequence[str]) -> ConfigError:
    close = import_module("difflib").get_close_matches(name, known, n=1, cutoff=0.0)
    nearest = f"; the nearest known one is {close[0]!r}" if close else ""
    return ConfigError(f"there is no language {name!r}{nearest}", fix=f"Known: {', '.join(known)}")
