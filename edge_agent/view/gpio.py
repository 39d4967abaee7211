"""What a survey of the GPIO header saw so far."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Literal

from edge_agent.config.model import Config, Gpio, GpioInput, GpioOut
from edge_agent.control import types
from edge_agent.view.seen import Seen

if TYPE_CHECKING:
    from edge_agent.drivers.survey import HeaderSurvey, Part

Does = Literal["help", "cancel", "page", "rule", ""]


class GpioView(Seen):
    """The header's lines, and how a survey of them is begun."""

    __slots__ = ()

    def survey_gpio(self) -> types.GpioSurvey:
        """Every configured line with its level, and the edges while somebody surveys."""
        now = asyncio.get_running_loop().time()
        return gpio_survey(self.config, self.hardware.survey, now, self.texts.own)

    async def start_survey_gpio(self, ask: types.SurveyGpio) -> types.GpioSurvey:
        """Begin one, or prolong the one that is on."""
        if self.hardware.survey is not None:
            self.hardware.survey.prolong(ask.seconds, asyncio.get_running_loop().time)
        return self.survey_gpio()


def gpio_survey(
    config: Config, survey: "HeaderSurvey | None", now: float, own: Callable[[str], str] = str
) -> types.GpioSurvey:
    """What this survey saw until `now` (seconds of its clock); `own` says in a language why a line is not held."""
    reply = types.GpioSurvey(config.help.hold_s, lines=[*outputs(config.gpio)])
    if survey is None:
        return reply
    if now < survey.until:
        reply.left_s = round(survey.until - now, 1)
        reply.since_ms = round(1000 * (now - survey.began_at), 3)
    reply.lines = [*(_line(part, config, survey, own) for part in survey.parts), *reply.lines]
    return reply


def outputs(gpio: Gpio) -> Iterator[types.GpioLine]:
    """Lines that are driven, and never surveyed."""
    named: list[tuple[str, GpioOut]] = [("lamp", gpio.lamp or GpioOut()), ("buzzer", gpio.buzzer or GpioOut())]
    named += [(f"relay of {row.feeds}", GpioOut(row.line, active=row.active)) for row in gpio.relay]
    for name, out in named:
        for colour, line in (("", out.line), (" red", out.red), (" green", out.green), (" blue", out.blue)):
            if line is not None:
                yield types.GpioLine(f"{name}{colour}", line, "output", active=out.active)


def _line(part: "Part", config: Config, survey: "HeaderSurvey", own: Callable[[str], str]) -> types.GpioLine:
    from edge_agent.drivers.survey import edges, high  # noqa: PLC0415  # only with a header

    wiring = part.wiring
    line = types.GpioLine(part.name, wiring.line, part.kind, _does(part, config), wiring.pull, wiring.active)
    line.debounce_ms = wiring.debounce_ms if isinstance(wiring, GpioInput) else config.help.debounce_ms
    line.held, line.high = part.line is not None, high(part)
    line.sentence = "" if line.held else own(part.health.sentence)
    line.edges = [types.GpioEdge(e.number, round(1000 * (e.at - survey.began_at), 3), e.high) for e in edges(part)]
    line.count = line.edges[-1].number if line.edges else 0
    if line.edges or (survey.until and line.high is not None):
        from edge_agent.control.examined import examine  # noqa: PLC0415  # only while somebody surveys

        examine(line)
    return line


def _does(part: "Part", config: Config) -> Does:
    """What a press of this input may do besides being read."""
    if part.kind == "help_button":
        return "help"
    help_ = config.help
    looked_at: Sequence[tuple[Does, str]] = (
        ("help", help_.button_channel),
        ("cancel", help_.cancel_channel),
        ("page", config.console.input_channel),
        *(("rule", rule.channel or rule.finding or "") for rule in help_.rules),
    )
    return next((does for does, channel in looked_at if channel.partition(".")[0] == part.name), "")
