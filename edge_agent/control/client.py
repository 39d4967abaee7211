"""The control API's client: what every console speaks through. Standard library only, synchronous."""

from collections.abc import Collection, Iterator
from typing import Literal
from urllib.parse import quote

from edge_agent.control.errors import ControlError, ControlRefusedError
from edge_agent.control.talk import REPORT_S, Talk
from edge_agent.control.types import (
    MOST_LINES,
    USUAL_HOLD_S,
    Answer,
    BleSurvey,
    Channels,
    Clear,
    Consent,
    Console,
    Decide,
    Examine,
    Explained,
    Finding,
    Findings,
    GpioSurvey,
    Help,
    HelpTest,
    Hygiene,
    InForce,
    Lamp,
    Live,
    Log,
    OpenConsole,
    Play,
    Press,
    Queue,
    Raw,
    Readiness,
    Report,
    Say,
    SelfTest,
    SerialSurveyed,
    Shelve,
    Status,
    SurveyBle,
    SurveyGpio,
    SurveySerial,
    Taught,
    Watch,
    Which,
    encode,
)

__all__ = ["Client", "ControlError", "ControlRefusedError"]


class Client(Talk):
    """Asks the agent on this machine. Every method may raise ControlError, and ControlRefusedError when it says no.

    `path` is the socket; without it the usual places are tried (see paths.find_socket). One connection a question.
    """

    def status(self) -> Status:
        """All at a glance."""
        return self._ask("status", Status)

    def queue(self) -> Queue:
        """The outbox."""
        return self._ask("queue", Queue)

    def findings(self) -> Findings:
        """What the checks say."""
        return self._ask("findings", Findings)

    def explain(self, name: str) -> Explained:
        """All that is known of a finding, by its id or channel."""
        return self._ask(f"findings/explain?id={quote(name)}", Explained)

    def hygiene(self) -> Hygiene:
        """How findings behaved in the last 30 days."""
        return self._ask("findings/hygiene", Hygiene)

    def readiness(self) -> Readiness:
        """Which checks have come to a verdict."""
        return self._ask("findings/readiness", Readiness)

    def clear(self, name: str, by: str = "", why: str = "") -> Findings:
        """Clear a finding by hand, or `*`: all that may be. Gives what was cleared."""
        return self._ask("findings/clear", Findings, body=encode(Clear(id=name, by=by, why=why)))

    def shelve(self, name: str, reason: str, owner: str, seconds: float) -> Finding:
        """Let a finding rest."""
        asked = Shelve(id=name, reason=reason, owner=owner, seconds=seconds)
        return self._ask("findings/shelve", Finding, body=encode(asked))

    def unshelve(self, name: str) -> Finding:
        """Let it count again."""
        return self._ask("findings/unshelve", Finding, body=encode(Which(id=name)))

    def normal(self, name: str, by: str = "", why: str = "") -> Taught:
        """Say that this is normal here, of a finding or of a channel that learns."""
        return self._ask("findings/normal", Taught, body=encode(Clear(id=name, by=by, why=why)))

    def help(self) -> Help:
        """Where help stands."""
        return self._ask("help", Help)

    def lamp(self) -> Lamp:
        """What the lamp shows and means."""
        return self._ask("lamp", Lamp)

    def channels(self) -> Channels:
        """The newest values."""
        return self._ask("channels", Channels)

    def press(self, hold_s: float = USUAL_HOLD_S) -> Help:
        """Hold the help button for `hold_s`; returns after the release."""
        return self._ask("press", Help, body=encode(Press(hold_s=hold_s)), extra_s=hold_s)

    def play(self, pattern: str, seconds: float) -> Lamp:
        """Show an example on the lamp; gives what is true meanwhile."""
        return self._ask("lamp/play", Lamp, body=encode(Play(pattern=pattern, seconds=seconds)))

    def cancel(self) -> Help:
        """Cancel the open case."""
        return self._ask("cancel", Help, body=b"{}")

    def answer(self, answer: str, question: str = "", by: Literal["page", "command"] = "command") -> Help:
        """Answer what the desk asks; an empty `question` is the one that is asked now."""
        return self._ask("help/answer", Help, body=encode(Answer(answer=answer, question=question, by=by)))

    def say(self, text: str) -> Help:
        """Write to the desk, at most LONGEST_TEXT characters."""
        return self._ask("help/say", Help, body=encode(Say(text=text)))

    def selftest(self) -> SelfTest:
        """The last self-test, or the one that runs."""
        return self._ask("selftest", SelfTest)

    def start_selftest(self, *, round_trip: bool = True) -> SelfTest:
        """Begin a self-test; a minute later at the latest it is done."""
        return self._ask("selftest", SelfTest, body=encode(Examine(round_trip=round_trip)))

    def report(self) -> Report:
        """All there is, redacted and signed."""
        return self._ask("report", Report, extra_s=REPORT_S)

    def metrics(self) -> str:
        """Figures as Prometheus text."""
        return self._text("metrics")

    def config(self) -> InForce:
        """The configuration as it is in force."""
        return self._ask("config", InForce)

    def log(self, after: int = 0, lines: int = MOST_LINES) -> Log:
        """The newest lines of the log behind number `after`."""
        return self._ask(f"log?after={after}&lines={lines}", Log)

    def raw(self, device: str, after: int = 0) -> Raw:
        """Raw frames of a device behind number `after`, where somebody has asked to keep them."""
        return self._ask(f"raw?device={quote(device)}&after={after}", Raw)

    def watch(self, device: str, seconds: float = 60.0) -> Raw:
        """Keep raw frames of a device for so long; 0 ends it."""
        return self._ask("raw", Raw, body=encode(Watch(device=device, seconds=seconds)))

    def survey_ble(self, seconds: float | None = None) -> BleSurvey:
        """Who was heard by Bluetooth; with `seconds` it begins or goes on for so long, None: only a look."""
        body = None if seconds is None else encode(SurveyBle(seconds=seconds))
        return self._ask("survey/ble", BleSurvey, body=body)

    def survey_serial(self, seconds: float | None = None) -> SerialSurveyed:
        """What serial ports speak, by the agent's last survey; with `seconds`, one is begun."""
        body = None if seconds is None else encode(SurveySerial(seconds=seconds))
        return self._ask("survey/serial", SerialSurveyed, body=body)

    def survey_gpio(self, seconds: float | None = None) -> GpioSurvey:
        """The header's lines and edges; with `seconds` edges are kept for so long from now, None: only a look."""
        body = None if seconds is None else encode(SurveyGpio(seconds=seconds))
        return self._ask("survey/gpio", GpioSurvey, body=body)

    def console(self, seconds: float | None = None, *, lan: bool = False, look: bool = False) -> Console:
        """Open the page on site, for so long (0: shut it; None: as configured), or only `look` at it; gives its PIN."""
        return self._ask("console", Console, body=encode(OpenConsole(seconds=seconds, lan=lan, look=look)))

    def consent(self) -> Consent:
        """What may leave this house."""
        return self._ask("consent", Consent)

    def decide(self, purpose: str, *, granted: bool, by: Literal["page", "command"] = "command") -> Consent:
        """Allow a purpose, or take it back."""
        return self._ask("consent", Consent, body=encode(Decide(purpose=purpose, granted=granted, by=by)))

    def help_test(self) -> HelpTest:
        """The last test of the way to the desk."""
        return self._ask("help/test", HelpTest)

    def start_help_test(self) -> HelpTest:
        """Test the way to the desk now."""
        return self._ask("help/test", HelpTest, body=b"{}")

    def events(self, kinds: Collection[str] = (), after: str = "") -> Iterator[Live]:
        """What happens from now on, until the agent stops (ControlError) or the caller closes the iterator.

        `kinds` are keys of LIVE_KINDS; what is left out costs the agent nothing. None given means all. Who comes back
        gives the id of the last event that it had as `after`; what is missing then is told by a Gap.
        """
        route = f"events?kinds={','.join(kinds)}" if kinds else "events"
        yield from self._stream(route, after)
