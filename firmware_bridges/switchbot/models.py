"""SwitchBot's models: by what they are known, and where each has its values.

Source: pySwitchbot 3.1.0 (MIT), `adv_parser.py`.
"""

from firmware_bridges.payload import BATTERY_LOW, MOTION, NO, POWER, WET, Field, Quantity, flag, state
from firmware_bridges.switchbot.parts import (
    CHARGING,
    CONTACT,
    CONTACT_SERVICE,
    CURTAIN,
    CURTAIN_3,
    CURTAIN_SERVICE,
    FAN,
    IN_SERVICE,
    KEYPAD,
    LIGHT,
    LIGHT_LEVEL,
    LOCK_2,
    LOCK_LITE,
    LOCK_PRO,
    METER,
    METER_SERVICE,
    ON,
    PLUG,
    PURIFIER,
    RELAY,
    RELAY_POWER,
    VACUUM,
    VACUUM_K,
    Model,
    Part,
    battery,
    bot,
    climate,
    humidifier,
    of,
    opened,
    radiator,
    with_co2,
)

_CURTAIN_MODEL = Model("Curtain", CURTAIN, CURTAIN_SERVICE)
_METER_PRO = Model("Meter Pro", METER, METER_SERVICE)
_METER_CO2 = Model("Meter Pro CO2", Part(15, with_co2), METER_SERVICE)
_LOCK_PRO_MODEL = Model("Lock Pro", LOCK_PRO)
_LEAK = Model("Leak Detector", of(flag(WET, 8, 0), flag("tamper", 8, 1), battery(7), flag(BATTERY_LOW, 7, 7)))
_HUBMINI = Model("HubMini Matter", climate(13))
_REMOTE_2 = Model("Universal Remote", of(battery(7), CHARGING))
_SHADE = Model(
    "Roller Shade",
    of(
        opened(8),
        flag("calibrated", 8, 7),
        Field(state("moving"), 7, shift=1, mask=0x03, names={0: False, 1: True, 2: True, 3: True}),
        Field(LIGHT_LEVEL, 9, shift=4),
    ),
    IN_SERVICE,
)
_EVAPORATIVE = Model("Evaporative Humidifier", Part(17, humidifier))
_LOCK_LITE_MODEL = Model("Lock Lite", of(*LOCK_LITE), IN_SERVICE)
_RELAY_1 = Model("Relay Switch 1", RELAY)
_RELAY_1PM = Model("Relay Switch 1PM", RELAY_POWER)
_RELAY_2PM = Model(
    "Relay Switch 2PM",
    of(flag(ON.of(1), 7, 7), flag(ON.of(2), 7, 6), Field(POWER.of(1), 10, ">H"), Field(POWER.of(2), 12, ">H")),
)
_GARAGE = Model("Garage Door Opener", of(flag("door", 7, 5, NO)))
_PLUG_EU = Model("Plug Mini (EU)", RELAY_POWER)
_PURIFIER_MODEL = Model("Air Purifier", PURIFIER)
_K20, _S10, _K10_PRO = (Model(f"{name} Vacuum", VACUUM) for name in ("K20", "S10", "K10+ Pro Combo"))
_K10 = Model("K10+ Vacuum", VACUUM_K)

# The first byte of the service data without its top bit. Letters are upper case while the device can be paired.
BY_CODE: dict[int, Model] = {
    0x03: _EVAPORATIVE,
    0x04: _LOCK_PRO_MODEL,
    0x05: _HUBMINI,
    0x06: _LEAK,
    0x07: _REMOTE_2,
    0x08: _K10,
    **dict.fromkeys((0x0A, 0x0B, 0x17, 0x18, *b"*+78"), _PURIFIER_MODEL),
    0x0C: _SHADE,
    0x0D: _LOCK_LITE_MODEL,
    0x0F: _K20,
    0x13: _K10_PRO,
    0x14: _METER_PRO,
    0x15: _METER_CO2,
    0x1B: _RELAY_1,
    0x1C: _RELAY_1PM,
    0x1D: _RELAY_2PM,
    0x1E: _GARAGE,
    0x1F: _PLUG_EU,
    ord("#"): _EVAPORATIVE,
    ord("$"): _LOCK_PRO_MODEL,
    ord("%"): _HUBMINI,
    ord("&"): _LEAK,
    ord("'"): _REMOTE_2,
    ord("("): _K10,
    ord(","): _SHADE,
    ord("-"): _LOCK_LITE_MODEL,
    ord("."): _K20,
    ord("3"): _K10_PRO,
    ord("4"): _METER_PRO,
    ord("5"): _METER_CO2,
    ord(";"): _RELAY_1,
    ord("<"): _RELAY_1PM,
    ord("="): _RELAY_2PM,
    ord(">"): _GARAGE,
    ord("?"): _PLUG_EU,
    ord("["): Model("Curtain 3", CURTAIN_3, CURTAIN_SERVICE),
    ord("]"): _K10,
    ord("^"): Model("Circulator Fan", FAN),
    ord("{"): Model("Curtain 3", CURTAIN_3, CURTAIN_SERVICE),
    ord("}"): _K10,
    ord("~"): Model("Circulator Fan", FAN),
}
_LETTERS = {
    "b": Model("Remote", service=IN_SERVICE),
    "c": _CURTAIN_MODEL,
    "d": Model("Contact Sensor", CONTACT, CONTACT_SERVICE),
    "e": Model("Humidifier", service=of(Field(ON, 1, names={0: False} | dict.fromkeys(range(1, 256), True)))),
    "g": Model("Plug Mini (US)", PLUG),
    "h": Model("Bot", service=Part(3, bot)),
    "i": Model("Meter Plus", METER, METER_SERVICE),
    "j": Model("Plug Mini (JP)", PLUG),
    "n": Model("Ceiling Light Pro", of(flag(ON, 10, 7), Field(Quantity("brightness", "%"), 7, mask=0x7F))),
    "o": Model("Lock", of(*LOCK_LITE, flag("door", 7, 2), flag("unclosed_alarm", 8, 5)), IN_SERVICE),
    "q": Model("Ceiling Light", of(flag(ON, 10, 7), Field(Quantity("brightness", "%"), 7, mask=0x7F))),
    "r": Model("Light Strip", LIGHT),
    "s": Model("Motion Sensor", of(flag(MOTION, 7, 6), flag("light", 7, 5)), of(battery(2), flag(MOTION, 1, 6))),
    "t": Model("Meter", METER, METER_SERVICE),
    "u": Model("Color Bulb", LIGHT),
    "v": Model("Hub 2", climate(13, Field(LIGHT_LEVEL, 12, mask=0x1F))),
    "w": Model("Indoor/Outdoor Meter", METER, METER_SERVICE),
    "x": Model(
        "Blind Tilt",
        of(
            Field(Quantity("tilt", "%"), 8, mask=0x7F),
            flag("moving", 8, 7),
            flag("calibrated", 7, 0),
            Field(LIGHT_LEVEL, 9, shift=4),
        ),
        IN_SERVICE,
    ),
    "y": Model("Keypad", service=IN_SERVICE),
    "z": _S10,
}
for _letter, _model in _LETTERS.items():
    BY_CODE[ord(_letter)] = BY_CODE[ord(_letter.upper())] = _model

# Newer models: three bytes near the end of the service data, behind a 0 or 1.
BY_SUFFIX: dict[bytes, Model] = {
    bytes.fromhex("10b940"): Model("Hub 3", climate(13, Field(LIGHT_LEVEL, 12, mask=0x0F), flag(MOTION, 16, 7))),
    bytes.fromhex("10a5b8"): Model("Lock Ultra", of(*LOCK_2)),
    bytes.fromhex("10ff90"): _LOCK_PRO_MODEL._replace(name="Lock Pro Wifi"),
    bytes.fromhex("116908"): _LOCK_LITE_MODEL._replace(name="Lock Vision"),
    bytes.fromhex("116909"): Model("Lock Vision Pro", of(*LOCK_2)),
    bytes.fromhex("119fb8"): Model("Lock Ultra Max", of(*LOCK_2)),
    bytes.fromhex("1053b0"): Model("Weather Station", climate(8, battery(7)), METER_SERVICE),
    bytes.fromhex("10ccc8"): Model(
        "Presence Sensor",
        of(flag(MOTION, 7, 6), Field(Quantity("duration", "s"), 8, ">H"), Field(LIGHT_LEVEL, 11, mask=0x1F)),
        IN_SERVICE,
    ),
    bytes.fromhex("110378"): Model("Keypad Vision", KEYPAD),
    bytes.fromhex("115198"): Model("Keypad Vision Pro", KEYPAD),
    bytes.fromhex("113640"): Model("Smart Thermostat Radiator", Part(13, radiator)),
    bytes.fromhex("10f3d8"): Model("Climate Panel", climate(8, battery(7), flag(ON, 7, 7), flag(MOTION, 15, 7))),
    bytes.fromhex("113e10"): Model("Art Frame", of(battery(7), CHARGING)),
    bytes.fromhex("10fba8"): Model("K11+ Vacuum", VACUUM),
    bytes.fromhex("10e050"): Model("S20 Vacuum", VACUUM),
    bytes.fromhex("1122b8"): Model("Candle Warmer Lamp", LIGHT),
    bytes.fromhex("10d0b0"): Model("Floor Lamp", LIGHT),
    bytes.fromhex("10d0b1"): Model("Strip Light 3", LIGHT),
    bytes.fromhex("10d0b3"): Model("RGBICWW Strip Light", LIGHT),
    bytes.fromhex("10d0b4"): Model("RGBICWW Floor Lamp", LIGHT),
    bytes.fromhex("10d0b5"): Model("RGBIC Neon Wire Rope Light", LIGHT),
    bytes.fromhex("10d0b6"): Model("RGBIC Neon Rope Light", LIGHT),
    bytes.fromhex("10d0b7"): Model("Permanent Outdoor Light", LIGHT),
    bytes.fromhex("11bb10"): Model("RGBICWW Ceiling Light", LIGHT),
    bytes.fromhex("11bef8"): Model("RGBICWW Light Bars", LIGHT),
    bytes.fromhex("110760"): Model("Standing Fan", FAN),
    bytes.fromhex("11b340"): Model("Circulator Fan Pro", of(flag(ON, 8, 7), battery(7), CHARGING)),
}
BY_NAME: dict[str, Model] = {model.name: model for model in (*BY_CODE.values(), *BY_SUFFIX.values())}
