"""Door locks of Xiaomi: doors, fingerprints, who locked or unlocked how.

Source: Xiaomi's object definitions (iot.mi.com, BLE object definition, events), as in xiaomi-ble 1.21.2 (Apache-2.0).
"""

from collections.abc import Iterator
from typing import NamedTuple

from edge_agent.core.reading import ChannelKind
from firmware_bridges.payload import Quantity, Said, event, state

KEY_ID = Quantity("key_id", kind=ChannelKind.TEXT)


class _Action(NamedTuple):
    """What moved: `open` is True where it lets somebody in."""

    open: bool
    what: str
    name: str


_ACTIONS = {
    0: _Action(True, "lock", "unlock_outside_the_door"),
    1: _Action(False, "lock", "locked"),
    2: _Action(False, "antilock", "turn_on_antilock"),
    3: _Action(True, "antilock", "release_the_antilock"),
    4: _Action(True, "lock", "unlock_inside_the_door"),
    5: _Action(False, "lock", "lock_inside_the_door"),
    6: _Action(False, "childlock", "turn_on_child_lock"),
    7: _Action(True, "childlock", "turn_off_child_lock"),
    8: _Action(False, "lock", "lock_outside_the_door"),
    15: _Action(True, "lock", "abnormal"),
}
_METHODS = {
    0: "bluetooth", 1: "password", 2: "biometrics", 3: "key", 4: "turntable", 5: "nfc", 6: "one_time_password",
    7: "two_step_verification", 8: "coercion", 9: "homekit", 10: "manual", 11: "automatic", 15: "abnormal",
}  # fmt: skip
_ERRORS = {
    0xC0DE0000: "wrong_password_often", 0xC0DE0001: "wrong_fingerprint_often", 0xC0DE0002: "password_timeout",
    0xC0DE0003: "lock_picking", 0xC0DE0004: "reset_button_pressed", 0xC0DE0005: "wrong_key_often",
    0xC0DE0006: "foreign_body_in_keyhole", 0xC0DE0007: "key_not_taken_out", 0xC0DE0008: "wrong_nfc_often",
    0xC0DE0009: "not_locked_in_time", 0xC0DE000A: "wrong_in_several_ways_often", 0xC0DE000B: "wrong_face_often",
    0xC0DE000C: "wrong_vein_often", 0xC0DE000D: "hijacking_alarm", 0xC0DE000E: "unlocked_inside_after_arming",
    0xC0DE000F: "wrong_palm_often", 0xC0DE0010: "safe_was_moved", 0xC0DE1000: "battery_below_10_percent",
    0xC0DE1001: "battery_below_5_percent", 0xC0DE1002: "fingerprint_sensor_abnormal",
    0xC0DE1003: "accessory_battery_low", 0xC0DE1004: "mechanical_failure", 0xC0DE1005: "lock_sensor_faulty",
}  # fmt: skip
_PERSONS = {0x00000000: "administrator", 0xFFFFFFFF: "unknown", 0xDEADBEEF: "invalid"}
_KINDS = {
    0x8001: "fingerprint", 0x8002: "password", 0x8003: "key", 0x8004: "nfc", 0x8005: "two_step", 0x8006: "face",
    0x8007: "vein", 0x8008: "palm",
}  # fmt: skip


def _key(number: int) -> str:
    if number in _PERSONS:
        return _PERSONS[number]
    if number < 0x80000000:
        return f"bluetooth {number}"
    return f"{_KINDS.get(number >> 16, 'key')} {number & 0xFFFF}"


def locked(body: bytes, model: str) -> Iterator[Said]:
    """Object 000B: action and method, the key's number, a time."""
    action = _ACTIONS.get(body[0] & 0x0F)
    method = _METHODS.get(body[0] >> 4)
    if action is None or method is None:
        return
    number = int.from_bytes(body[1:5], "little")
    what = action.what if model == "ZNMS17LM" else "lock"
    yield state("unlocked" if what == "lock" else f"{what}_off"), action.open, ""
    yield event("lock_action"), action.name, ""
    yield event("lock_method"), method, ""
    if number in _ERRORS:
        yield event("lock_error"), _ERRORS[number], ""
    else:
        yield KEY_ID, _key(number), ""


_RESULTS = (
    "match_successful",
    "match_failed",
    "timeout",
    "too_light_or_fuzzy",
    "insufficient_area",
    "skin_too_dry",
    "skin_too_wet",
)


def fingerprint(body: bytes, _: str) -> Iterator[Said]:
    """Object 0006."""
    yield KEY_ID, _key(int.from_bytes(body[:4], "little")), ""
    if body[4] < len(_RESULTS):
        yield event("fingerprint"), _RESULTS[body[4]], ""


# Door open, and what of the rest each event says.
_DOORS: dict[int, tuple[bool, dict[str, bool]]] = {
    0: (True, {"door_stuck": False, "knock": False}),
    1: (False, {"door_left_open": False, "door_pried": False}),
    2: (True, {"door_left_open": True}),
    3: (False, {"knock": True}),
    4: (True, {"door_pried": True}),
    5: (False, {"door_stuck": True}),
}


def door(body: bytes, _: str) -> Iterator[Said]:
    """Object 0007."""
    if body[0] in _DOORS:
        opened, others = _DOORS[body[0]]
        yield state("door"), opened, ""
        for name, value in others.items():
            yield state(name), value, ""


def armed(body: bytes, model: str) -> Iterator[Said]:
    """Object 0008."""
    yield state("armed"), not body[0] & 1, ""
    if model == "DSL-C08" and not body[0] & 1:  # its handle was lifted from outside
        yield state("unlocked"), False, ""
        yield event("lock_action"), "lock_outside_the_door", ""
        yield event("lock_method"), "manual", ""


def attributes(body: bytes, model: str) -> Iterator[Said]:
    """Object 100E."""
    if model == "DSL-C08":
        yield state("unlocked"), bool(body[0] & 0x01), ""
        yield state("childlock_off"), bool(body[0] & 0x08), ""
