"""How a survey of serial ports reads: plain lines, and the bytes as a table of hex and letters."""

from collections.abc import Iterator

from edge_agent.console.text import clean, paint, size
from edge_agent.control.types import Guess, SerialSurvey, SurveyedPort

_ROW = 16
_COLOURS = {"understood": "green", "unknown": "amber", "silent": "amber", "refused": "red"}


def survey(found: SerialSurvey, *, colour: bool, with_hex: bool) -> Iterator[str]:
    """All of it."""
    for port in found.ports:
        yield from _port(port, colour=colour)
        if with_hex and port.hex:
            yield ""
            yield from hex_view(bytes.fromhex(port.hex))
        yield ""
    if any(port.verdict == "silent" for port in found.ports):
        yield f"Silence proves little: devices of {', '.join(found.asked)} speak only when they are asked, and nothing"
        yield "was asked here. Where you expect one, configure it and look at edge-agent status."


def hex_view(data: bytes) -> Iterator[str]:
    """Sixteen bytes a line: their place, as hex, and as letters with a dot for what is none."""
    for place in range(0, len(data), _ROW):
        row = data[place : place + _ROW]
        left, right = row[: _ROW // 2].hex(" "), row[_ROW // 2 :].hex(" ")
        letters = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        yield f"{place:08x}  {left:<23}  {right:<23}  |{letters}|"


def _port(port: SurveyedPort, *, colour: bool) -> Iterator[str]:
    yield clean(port.port + (f" ({port.tty})" if port.tty != port.port else ""))
    if port.words:
        yield f"  {clean(port.words)}"
    mark = paint(port.verdict, _COLOURS[port.verdict], colour=colour)
    yield f"  {mark}: {clean(_sentence(port))}"
    if port.fix:
        yield f"  -> {clean(port.fix)}"
    if port.bytes:
        yield f"  {clean(_heard(port))}"
    for guess in port.guesses[1:]:
        yield f"  or: {clean(_guess(guess))}"
    if port.verdict == "understood" and not port.holder:
        yield ""
        yield from (f"    {clean(line)}" for line in port.guesses[0].lines.splitlines())


def _sentence(port: SurveyedPort) -> str:
    read = _guess(port.guesses[0]) if port.verdict == "understood" else ""
    held = f"held by {port.holder}" if port.holder and port.verdict != "refused" else ""
    return "; ".join(filter(None, (read, port.sentence, held)))


def _guess(guess: Guess) -> str:
    setting = f"{guess.baud} baud {guess.bits}{guess.parity[0].upper()}1"
    rate = f", {guess.a_second:g} a second" if guess.a_second is not None else ""
    errors = 100 * guess.rejected / max(1, guess.messages + guess.rejected)
    return (
        f"{'' if guess.sure else 'perhaps '}{guess.language} at {setting}: {100 * guess.understood:.0f} % of the bytes "
        f"understood, {guess.messages} message{'' if guess.messages == 1 else 's'}{rate}, {errors:.1f} % rejected"
    )


def _heard(port: SurveyedPort) -> str:
    told = [f"{size(port.bytes)} at {port.baud} baud", f"listened for {port.seconds:.0f} s in all"]
    told += [f"{port.damaged} characters damaged"] if port.damaged else []
    told += [f"{port.breaks} breaks"] if port.breaks else []
    told += [f"{port.missed} pieces missed"] if port.missed else []
    told += [f"{size(port.cut)} cut by the agent"] if port.cut else []
    return ", ".join(told) + ("; what is missing counts as rejected" if port.missed or port.cut else "")
