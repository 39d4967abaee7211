"""What is told of a line that was listened to: the languages that read it, and the section that would configure it."""

from collections.abc import Mapping
from typing import Any

from edge_agent.control.types import Guess, SurveyedPort
from edge_agent.survey.adding import Addition
from edge_agent.survey.serial_agent import Watched
from edge_agent.survey.serial_hearing import LIKELY_SHARE, Candidate, Hearing, Setting
from edge_agent.survey.serial_line import Line
from edge_agent.survey.serial_ports import Port
from firmware_bridges.registry import language

MOST_GUESSES = 3
# What has read less than so much of the best is not told.
LEAST = 0.1
HEX_BYTES = 1024
TEXT_SHARE = 0.95
# What a language must be told in order to listen where it otherwise asks; the map is another one for each device.
_OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "iec62056": {"mode": "listen"},
    "modbus": {"listen": True, "map": "MAP"},
}
UNFINISHED = frozenset({"modbus"})
_TEXT_FIX = "Read it with --hex; lines of numbers need columns: docs/languages.md, textline"


def refused(port: Port, holder: str, sentence: str, fix: str) -> SurveyedPort:
    """A port that could not be listened to."""
    return SurveyedPort(*port, holder, "refused", sentence, fix)


def told(port: Port, holder: str, line: Line | Watched) -> SurveyedPort:
    """A port that was listened to; the line is closed."""
    hearings = list(line.hearings.values())
    ranked = [(heard, each) for heard in hearings for each in heard.candidates()]
    ranked.sort(key=lambda row: row[1].score.weight, reverse=True)
    kept = [row for row in ranked if row[1].score.weight >= LEAST * ranked[0][1].score.weight][:MOST_GUESSES]
    guesses = [_guess(port, *row) for row in kept]
    best = kept[0][0] if kept else max(hearings, key=_likely)
    is_read = bool(kept) and kept[0][1].score.share >= LIKELY_SHARE
    result = SurveyedPort(*port, holder, "understood" if is_read else "unknown", "", "")
    result.seconds = round(line.hearing.seen - line.began, 1)
    result.bytes, result.damaged, result.breaks = best.count, best.damaged, best.breaks
    result.missed, result.cut = best.missed, line.cut
    result.baud, result.guesses, result.hex = best.setting.baud, guesses, best.newest(HEX_BYTES).hex()
    if not any(each.count for each in hearings):
        result.verdict = "silent"
        result.sentence, result.fix = f"nobody speaks on it{line.trouble}", line.silent_fix
    elif not is_read:
        result.sentence = _unknown(best, hearings)
        result.fix = _TEXT_FIX if _is_text(best) else line.unknown_fix
    elif guesses[0].language in UNFINISHED:
        result.fix = f"Put in what only you know, in capitals: docs/languages.md, {guesses[0].language}"
    if line.gone:
        result.sentence = "; ".join(filter(None, (result.sentence, f"then it went away ({line.gone})")))
        result.fix = result.fix or "Look at its plug and cable, then listen again"
    return result


def addition(port: str, name: str, spoken: str, setting: Setting) -> Addition:
    """The section of the configuration for a device that speaks this."""
    values: dict[str, Any] = {"name": name, "port": port, "language": spoken}
    if setting.baud != language(spoken).baud:
        values["baud"] = setting.baud
    if setting.bits != 8:
        values["bits"] = setting.bits
    if setting.parity != "none":
        values["parity"] = setting.parity
    if spoken in _OPTIONS:
        values["options"] = _OPTIONS[spoken]
    return Addition("serial", values)


def _guess(port: Port, hearing: Hearing, candidate: Candidate) -> Guess:
    measured, count = hearing.measured(candidate)
    times, setting = measured.times, candidate.setting
    lasted_s = times[-1] - times[0] if times else 0.0
    return Guess(
        language=candidate.score.language,
        baud=setting.baud,
        bits=setting.bits,
        parity=setting.parity,
        sure=candidate.sure,
        understood=round(measured.understood / max(1, count), 3),
        messages=len(times),
        rejected=measured.rejected,
        a_second=round((len(times) - 1) / lasted_s, 2) if len(times) >= 3 and lasted_s >= 1.0 else None,
        lines=addition(port.path, "NAME", candidate.score.language, setting).toml,
    )


def _likely(hearing: Hearing) -> tuple[float, float, int]:
    """How likely this is the speed of a line that nobody understands."""
    count = max(1, hearing.count)
    return (
        min(1.0, hearing.count / 16) - (hearing.damaged + hearing.breaks) / count,
        hearing.printed / count,
        hearing.count,
    )


def _is_text(hearing: Hearing) -> bool:
    return hearing.printed >= TEXT_SHARE * hearing.count


def _unknown(best: Hearing, hearings: list[Hearing]) -> str:
    if _is_text(best):
        return f"text at {best.setting.words} that no language reads"
    told = "somebody speaks, and no language reads it"
    if len(hearings) == 1:
        return told
    if any(each.damaged + each.breaks for each in hearings):
        return f"{told}; the fewest damaged characters came at {best.setting.words}"
    return f"{told}, nor does the port tell damaged characters: at which speed is not known"
