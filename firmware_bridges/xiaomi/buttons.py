"""Buttons, remote controls, dimmers and the cube of Xiaomi: which one, and how it was pressed."""

from collections.abc import Iterator, Mapping

from firmware_bridges.payload import BUTTON, Quantity, Said, event

_Buttons = Mapping[int, tuple[str, ...]]
_K9B: dict[str, _Buttons] = {
    "K9B-1BTN": {0: ("",)},
    "K9B-2BTN": {0: ("left",), 1: ("right",), 2: ("left", "right")},
    "K9B-3BTN": {
        0: ("left",),
        1: ("middle",),
        2: ("right",),
        3: ("left", "middle"),
        4: ("middle", "right"),
        5: ("left", "right"),
        6: ("left", "middle", "right"),
    },
}
_REMOTES = {
    "YLYK01YL": ("on", "off", "brightness", "plus", "m", "min"),
    "YLYK01YL-FANCL": ("fan", "light", "wind_speed", "color_temperature", "wind_mode", "brightness"),
    "YLYK01YL-VENFAN": (
        "swing",
        "power",
        "timer_60_minutes",
        "increase_wind_speed",
        "timer_30_minutes",
        "decrease_wind_speed",
    ),
    "YLYB01YL-BHFRC": (
        "stop",
        "air_exchange",
        "fan",
        "increase_speed",
        "decrease_speed",
        "dry",
        "light",
        "swing",
        "heat",
    ),
}
_PRESSES = {0: "press", 1: "double_press", 2: "long_press", 5: "press", 6: "long_press"}
_K9B_PRESSES = {0: "press", 1: "long_press", 2: "double_press"}
_CUBE = {0: "rotate_right", 1: "rotate_left"}
DIMMER = Quantity("dimmer", event=True)
DIMMER_PRESSED = Quantity("dimmer_pressed", event=True)


def _press(buttons: tuple[str, ...], how: str | None) -> Iterator[Said]:
    for button in buttons if how is not None else ():
        yield BUTTON.of(button) if button else BUTTON, how, ""


def pressed(body: bytes, model: str) -> Iterator[Said]:
    """Object 1001: which button, a number, and how it was pressed."""
    if len(body) != 3:
        return
    which, number, how = body
    if model == "YLKG07YL":
        yield from _dimmer(which, number, how)
    elif model == "XMMF01JQD":
        if which in _CUBE:
            yield event("cube"), _CUBE[which], ""
    elif model in _K9B:
        yield from _press(_K9B[model].get(which, ()), _K9B_PRESSES.get(how))
    elif model in _REMOTES:
        yield from _press(_REMOTES[model][which : which + 1], _PRESSES.get(how))
    else:
        yield from _press(("",), _PRESSES.get(how))


def _dimmer(which: int, number: int, how: int) -> Iterator[Said]:
    """Turned: signed steps, to the left negative, with the knob up or pressed. Pressed, and for how long."""
    if how == 3:
        yield from _press(("",), {0: "press", 1: "long_press"}.get(which))
    elif how == 4:
        steps = which or number
        yield DIMMER_PRESSED if which else DIMMER, steps - 256 if steps > 127 else steps, ""


_SIDES: dict[str, _Buttons] = {
    "XMWS01XS": {0: ("left",), 1: ("right",)},
    "XMWXKG01YL": {1: ("left",), 2: ("right",), 3: ("left", "right")},
    "KS1": {1: ("left",), 2: ("mid_left",), 3: ("mid_right",), 4: ("right",)},
    "KS1BP": {1: ("left",), 2: ("mid_left",), 3: ("mid_right",), 4: ("right",)},
}
_BY_NUMBER = {"K9BB-1BTN": {1: "press", 8: "long_press", 15: "double_press"}}


def press_of(how: str, body: bytes, model: str) -> Iterator[Said]:
    """Objects 4A0C, 4E0C, 560C (press), …0D (double), …0E (long): which button, where a model has more than one."""
    which = body[0] if body else 0
    if model in _BY_NUMBER:
        yield from _press(("",), _BY_NUMBER[model].get(which))
    else:
        yield from _press(_SIDES[model].get(which, ()) if model in _SIDES else ("",), how)
