"""Tables on the pages that the code itself makes: the lamp, purposes, device languages, timers and models."""  # noqa: INP001 - a script, in no package

import json

from msgspec import inspect

from edge_agent.config.model import Help as HelpTable
from edge_agent.core.consent import PURPOSES
from edge_agent.core.lamp import PATTERNS, Pattern, Tone, steady
from edge_agent.texts import texts
from firmware_bridges.registry import LANGUAGES, language
from simulators.models import KINDS, options_of

# What each key of [help] is, and where its range is from.
TIMERS = {
    "debounce_ms": ("a contact counts when it is stable for this long", "practice"),
    "hold_s": ("hold the button this long to ask for help", "distress buttons at sea (IMO)"),
    "cancel_window_s": ("two presses that begin within this time take it back", "false triggers of eCall"),
    "ack_wait_s": ("the desk has this long to acknowledge before it is sent again", "eCall: 5 s and 20 s"),
    "queued_after_s": ("without an answer of the broker for this long, the lamp says so", "ours"),
    "burst_resends": ("it is sent again after each such wait, at most so many times", "social alarms, eCall"),
    "burst_s": ("and for at most this long", "social alarms, eCall"),
    "slow_resend_s": (
        "then it is sent again this often, an eighth more or less",
        "distress calls at sea (DSC), ERA-GLONASS",
    ),
    "slow_for_s": ("until it is this old", "ours"),
    "rare_resend_s": ("and then this often for ever, a tenth more or less", "ours"),
    "fallback_after_s": (
        "without an acknowledgement for this long, other channels are tried",
        "eCall's limit of redialling",
    ),
    "fallback_queued_s": ("without a connection, after this long", "ours"),
    "reopen_s": ("a hold within this time of the end opens the same case again", "the hour of eCall's call-back"),
    "stuck_s": ("a button that is down for this long is a fault, and no second request", "practice"),
    "silence_s": ("an open case without a word for this long: the desk is asked", "ours"),
    "recorder_s": ("readings kept in memory, for freeze frames, and for evidence", "ours"),
    "after_s": ("so much later the readings since then go as evidence", "ours"),
    "test_every_s": ("the way to the desk is tested at least this often", "UL, lift alarms (EN 81-28): 72 h"),
    "test_wait_s": ("a test waits for the desk's answer for this long, and is sent three times", "ours"),
}


def _rhythm(pattern: Pattern) -> str:
    if steady(pattern):
        return "steady"
    return " ".join(str(ms) for ms in pattern.rhythm_ms)


def _tone(tone: Tone) -> str:
    if not tone.beeps_ms:
        return "-"
    again = ", once more after" if tone.times == 2 else ", every"
    outside = " outside quiet hours" if tone.reminder else ""
    return " ".join(str(ms) for ms in tone.beeps_ms) + (f"{again} {tone.every_s:g} s" if tone.every_s else "") + outside


def lamp_table() -> str:
    """core/lamp.py as a table."""
    english = texts("en")
    rows = ["| shown | colour | ms on, off, … | tone, ms on, off, … | it says |", "|---|---|---|---|---|"]
    for pattern in PATTERNS.values():
        says = english[f"lamp.{pattern.shown}"]
        cells = (f"`{pattern.shown}`", pattern.colour, _rhythm(pattern), _tone(pattern.tone), says)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def purposes_table() -> str:
    """core/consent.py as a table."""
    english = texts("en")
    rows = [f"| `{name}` | {english[f'consent.{name}']} |" for name in PURPOSES]
    return "\n".join(("| purpose | lets out |", "|---|---|", *rows)) + "\n"


def languages_list() -> str:
    """Every device language with its options."""
    lines: list[str] = []
    for name in sorted(LANGUAGES):
        spec = language(name)
        lines += [f"## {name}: over {' or '.join(sorted(spec.transports))}", "", f"{spec.doc}.", ""]
        if not spec.options:
            lines += ["No options.", ""]
        else:
            rows = [f"| `{option}` | {json.dumps(o.default)} | {o.doc} |" for option, o in spec.options.items()]
            lines += ["| option | default | meaning |", "|---|---|---|", *rows, ""]
    return "\n".join(lines)


def timers_table() -> str:
    """The [help] table of the configuration: defaults and ranges of the model, with TIMERS."""
    found = inspect.type_info(HelpTable)
    assert isinstance(found, inspect.StructType)
    rows = []
    for field in found.fields:
        if not isinstance(field.type, inspect.IntType | inspect.FloatType):
            continue
        what, source = TIMERS[field.name]
        bounds = f"{field.type.ge:g} to {field.type.le:g}"
        rows.append(f"| `{field.name}` | {field.default:g} | {bounds} | {what} | {source} |")
    return "\n".join(("| key | default | range | what | after |", "|---|---|---|---|---|", *rows)) + "\n"


def models_table() -> str:
    """The models of the simulators: their options with defaults, and their faults."""
    rows = []
    for kind, model in sorted(KINDS.items()):
        options = ", ".join(f"`{name}` {json.dumps(default)}" for name, default in options_of(kind).items())
        rows.append(f"| `{kind}` | {options} | {', '.join(f'`{fault}`' for fault in sorted(model.FAULTS))} |")
    return "\n".join(("| model | options and defaults | faults |", "|---|---|---|", *rows)) + "\n"
