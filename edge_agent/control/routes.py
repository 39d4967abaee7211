"""Every question that may be asked at the control socket, in one table: the server, the description and tests read it.

To add one: its types in `control/types`, a method of `Agent` that answers it, and a line here.
"""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from edge_agent.control import types
from edge_agent.control.types import Agent, Ask, Nothing, Reply

Answer = Reply | str | Awaitable[Reply]


class Route(NamedTuple):
    """A question at `/v1/{name}`. One that `writes` is a POST with `ask` as its body; others have it as their query.

    `answer` may raise AgentError, which becomes 409. A reply that is `str` is plain text, others are JSON. `summary` is
    for those who read the description.
    """

    name: str
    ask: type[Ask]
    reply: type[Reply] | type[str]
    answer: Callable[[Agent, Any], Answer]
    summary: str
    writes: bool = False


def _reads(
    name: str,
    reply: type[Reply] | type[str],
    answer: Callable[[Agent, Any], Answer],
    summary: str,
    ask: type[Ask] = Nothing,
) -> Route:
    return Route(name, ask, reply, answer, summary)


def _writes(
    name: str, ask: type[Ask], reply: type[Reply], answer: Callable[[Agent, Any], Answer], summary: str
) -> Route:
    return Route(name, ask, reply, answer, summary, writes=True)


ROUTES: tuple[Route, ...] = (
    _reads("status", types.Status, lambda agent, _: agent.status(), "All at a glance"),
    _reads("queue", types.Queue, lambda agent, _: agent.queue(), "What waits to be sent, by lane"),
    _reads("channels", types.Channels, lambda agent, _: agent.channels(), "The newest value of each channel"),
    _reads("findings", types.Findings, lambda agent, _: agent.findings(), "What the checks say"),
    _reads(
        "findings/explain",
        types.Explained,
        lambda agent, ask: agent.explain(ask.id),
        "All that is known of a finding",
        types.Which,
    ),
    _reads("findings/hygiene", types.Hygiene, lambda agent, _: agent.hygiene(), "How findings behaved for 30 days"),
    _reads("findings/readiness", types.Readiness, lambda agent, _: agent.readiness(), "Which checks have a verdict"),
    _writes(
        "findings/clear", types.Clear, types.Findings, lambda agent, ask: agent.clear(ask), "Clear a finding by hand"
    ),
    _writes("findings/shelve", types.Shelve, types.Finding, lambda agent, ask: agent.shelve(ask), "Let a finding rest"),
    _writes(
        "findings/unshelve", types.Which, types.Finding, lambda agent, ask: agent.unshelve(ask.id), "Let it count again"
    ),
    _writes("findings/normal", types.Clear, types.Taught, lambda agent, ask: agent.normal(ask), "This is normal here"),
    _reads("lamp", types.Lamp, lambda agent, _: agent.lamp(), "What the lamp shows and means"),
    _reads("help", types.Help, lambda agent, _: agent.help(), "Where help stands"),
    _reads("help/test", types.HelpTest, lambda agent, _: agent.help_test(), "The last test of the way to the desk"),
    _reads("selftest", types.SelfTest, lambda agent, _: agent.selftest(), "The last self-test, or the one that runs"),
    _writes(
        "selftest", types.Examine, types.SelfTest, lambda agent, ask: agent.start_selftest(ask), "Begin a self-test"
    ),
    _reads("report", types.Report, lambda agent, _: agent.report(), "All there is, redacted and signed"),
    _reads("metrics", str, lambda agent, _: agent.metrics(), "Figures as Prometheus text"),
    _reads("config", types.InForce, lambda agent, _: agent.config_in_force(), "The configuration as it is in force"),
    _reads("log", types.Log, lambda agent, ask: agent.log(ask), "The newest lines of the log", types.Tail),
    _reads("raw", types.Raw, lambda agent, ask: agent.raw(ask), "Raw frames of a device", types.OfDevice),
    _writes("raw", types.Watch, types.Raw, lambda agent, ask: agent.watch(ask), "Keep raw frames of a device"),
    _reads("survey/ble", types.BleSurvey, lambda agent, _: agent.survey_ble(), "Who is heard by Bluetooth"),
    _writes(
        "survey/ble",
        types.SurveyBle,
        types.BleSurvey,
        lambda agent, ask: agent.start_survey_ble(ask),
        "Survey who is heard by Bluetooth",
    ),
    _reads("survey/serial", types.SerialSurveyed, lambda agent, _: agent.survey_serial(), "What serial ports speak"),
    _writes(
        "survey/serial",
        types.SurveySerial,
        types.SerialSurveyed,
        lambda agent, ask: agent.start_survey_serial(ask),
        "Listen on serial ports",
    ),
    _reads("survey/gpio", types.GpioSurvey, lambda agent, _: agent.survey_gpio(), "Lines of the GPIO header"),
    _writes(
        "survey/gpio",
        types.SurveyGpio,
        types.GpioSurvey,
        lambda agent, ask: agent.start_survey_gpio(ask),
        "Keep the edges of the header's inputs",
    ),
    _reads("console", types.Console, lambda agent, _: agent.console(), "Whether the page on site is open"),
    _writes(
        "console", types.OpenConsole, types.Console, lambda agent, ask: agent.open_console(ask), "Open the page on site"
    ),
    _reads("consent", types.Consent, lambda agent, _: agent.consent(), "What may leave this house"),
    _writes("press", types.Press, types.Help, lambda agent, ask: agent.press(ask.hold_s), "Hold the help button"),
    _writes("cancel", Nothing, types.Help, lambda agent, _: agent.cancel(), "Cancel the help request"),
    _writes(
        "consent", types.Decide, types.Consent, lambda agent, ask: agent.decide(ask), "Allow a purpose or take it back"
    ),
    _writes("lamp/play", types.Play, types.Lamp, lambda agent, ask: agent.play(ask), "Show an example on the lamp"),
    _writes("help/answer", types.Answer, types.Help, lambda agent, ask: agent.answer(ask), "Answer the desk"),
    _writes("help/say", types.Say, types.Help, lambda agent, ask: agent.say(ask.text), "Write to the desk"),
    _writes(
        "help/test", Nothing, types.HelpTest, lambda agent, _: agent.start_help_test(), "Test the way to the desk now"
    ),
)
