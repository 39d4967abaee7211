"""What the server needs of the agent."""

from collections.abc import AsyncIterator, Collection
from typing import Protocol

from edge_agent.control.types.consent import Consent, Decide
from edge_agent.control.types.console import Console, OpenConsole
from edge_agent.control.types.findings import (
    Clear,
    Explained,
    Finding,
    Findings,
    Hygiene,
    Readiness,
    Shelve,
    Taught,
)
from edge_agent.control.types.gpio import GpioSurvey, SurveyGpio
from edge_agent.control.types.help import Answer, Help, HelpTest, Lamp, Play
from edge_agent.control.types.live import Live
from edge_agent.control.types.onsite import InForce, Log, OfDevice, Raw, Tail, Watch
from edge_agent.control.types.report import Report
from edge_agent.control.types.selftest import Examine, SelfTest
from edge_agent.control.types.state import Channels, Queue, Status
from edge_agent.control.types.survey import BleSurvey, SurveyBle
from edge_agent.control.types.survey_serial import SerialSurveyed, SurveySerial


class Agent(Protocol):
    """What the server needs of the agent. Any method may raise AgentError: it becomes an answer, never an exit."""

    def status(self) -> Status:
        """All at a glance."""

    def queue(self) -> Queue:
        """The outbox."""

    def findings(self) -> Findings:
        """What the checks say."""

    async def explain(self, name: str) -> Explained:
        """All that is known of a finding. Raises RefusedError where there is none."""

    def hygiene(self) -> Hygiene:
        """How findings behaved in the last 30 days."""

    def readiness(self) -> Readiness:
        """Which checks have come to a verdict."""

    async def clear(self, ask: Clear) -> Findings:
        """Clear a finding by hand, or all (`*`) that may be. Raises RefusedError where only its check may."""

    async def shelve(self, ask: Shelve) -> Finding:
        """Let a finding rest. Raises RefusedError where it may not."""

    async def unshelve(self, name: str) -> Finding:
        """Let it count again. Raises RefusedError where it does not rest."""

    async def normal(self, ask: Clear) -> Taught:
        """A person says that this is normal here. Raises RefusedError where nothing learns."""

    def help(self) -> Help:
        """Where help stands."""

    def lamp(self) -> Lamp:
        """What the lamp shows."""

    def channels(self) -> Channels:
        """The newest values."""

    async def press(self, hold_s: float) -> Help:
        """Hold the help button for this long; returns where help stands after the release."""

    async def cancel(self) -> Help:
        """Cancel the case, inside its window or later. Raises RefusedError where there is none."""

    async def play(self, ask: Play) -> Lamp:
        """Show an example on the lamp; returns what is true. Raises RefusedError where the lamp is needed."""

    async def answer(self, ask: Answer) -> Help:
        """Answer the desk. Raises RefusedError where it asks nothing, or not so."""

    async def say(self, text: str) -> Help:
        """Write to the desk. Raises RefusedError where there is no case."""

    def help_test(self) -> HelpTest:
        """The last test of the way to the desk."""

    async def start_help_test(self) -> HelpTest:
        """Test the way to the desk now. Raises RefusedError where it is no time for it."""

    def selftest(self) -> SelfTest:
        """The last self-test, or the one that runs."""

    async def start_selftest(self, ask: Examine) -> SelfTest:
        """Begin a self-test. Raises RefusedError while one is under way."""

    async def report(self) -> Report:
        """All there is, redacted and signed. Raises StoreError where no key can be kept."""

    def metrics(self) -> str:
        """Figures as Prometheus text."""

    def config_in_force(self) -> InForce:
        """The configuration as it is in force."""

    def log(self, ask: Tail) -> Log:
        """The newest lines of the log."""

    def raw(self, ask: OfDevice) -> Raw:
        """Raw frames of a device. Raises RefusedError where there is no such device."""

    async def watch(self, ask: Watch) -> Raw:
        """Keep raw frames of a device for a while. Raises RefusedError where there is no such device."""

    def survey_ble(self) -> BleSurvey:
        """Who was heard by Bluetooth so far, while somebody surveys."""

    async def start_survey_ble(self, ask: SurveyBle) -> BleSurvey:
        """Begin to keep who is heard by Bluetooth, or go on with it."""

    def survey_serial(self) -> SerialSurveyed:
        """What was heard on serial ports by the last survey."""

    async def start_survey_serial(self, ask: SurveySerial) -> SerialSurveyed:
        """Begin to listen on serial ports. Raises RefusedError while one is under way."""

    def survey_gpio(self) -> GpioSurvey:
        """The lines of the GPIO header, and their edges while somebody surveys."""

    async def start_survey_gpio(self, ask: SurveyGpio) -> GpioSurvey:
        """Begin to keep the edges of all inputs, or go on with it."""

    def console(self) -> Console:
        """How the page on site stands, without its PIN."""

    async def open_console(self, ask: OpenConsole) -> Console:
        """Open the page, shut it, or look how it stands; with its PIN."""

    def listen(self, kinds: Collection[str], after: str = "") -> AsyncIterator[Live]:
        """What happens of these kinds from now on, or since the event with the id `after`, for one listener.

        What a slow one misses, or cannot be told any more, is told as a Gap; no buffer grows.
        """

    def consent(self) -> Consent:
        """What may leave this house."""

    async def decide(self, ask: Decide) -> Consent:
        """Allow a purpose, or take it back. Raises RefusedError for an unknown one, StoreError of the disk."""
