"""A made-up agent behind the real server on a real Unix socket, served from a thread so that clients may block."""

import asyncio
import socket
import textwrap
import threading
from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from msgspec import structs

from edge_agent import __version__
from edge_agent.console import cli
from edge_agent.control.server import Counts, serve
from edge_agent.control.types import (
    Answer,
    BleSurvey,
    Case,
    Channel,
    Channels,
    Consent,
    Console,
    Decide,
    Device,
    Examine,
    Finding,
    Frame,
    GpioSurvey,
    Help,
    HelpTest,
    InForce,
    Lamp,
    Lane,
    Live,
    Log,
    Note,
    OfDevice,
    OpenConsole,
    Part,
    Play,
    Purpose,
    Queue,
    Raw,
    Report,
    SelfTest,
    SerialSurvey,
    SerialSurveyed,
    Status,
    Step,
    SurveyBle,
    SurveyGpio,
    SurveySerial,
    Tail,
    Watch,
)
from edge_agent.core.errors import RefusedError
from tests.edges.control.made_up_findings import MadeUpFindings

READY = Lamp(pattern="ready", colour="green", rhythm=[50, 4950], sentence="Help is ready")
AMBER = Lamp(pattern="sending", colour="amber", rhythm=[500, 500], sentence="Your call is recorded and on its way")
IDLE = Help(state="IDLE", case=None, lamp=READY)
CASE = Case(
    code="7K2M9QXA",
    reference="D-12",
    receiver="desk",
    helper="",
    since_s=63.0,
    trigger="manual",
    steps=[Step(state="RAISED", wall=1_700_000_000.0), Step(state="RECEIVED", wall=1_700_000_004.0)],
    notes=[Note(by="desk", text="Is there water?\x1b[2J", wall=1_700_000_009.0)],
    next_word_wall=1_700_000_300.0,
)


class MadeUpAgent(MadeUpFindings):
    """Answers what a test tells it to; remembers presses and how many listen."""

    def __init__(self) -> None:
        self.now = IDLE
        self.ready = True
        self.held: list[float] = []
        self.played: list[tuple[str, float]] = []
        self.said: list[tuple[str, str, str]] = []
        self.listeners: set[asyncio.Queue[Live | None]] = set()
        self.asked: set[str] = set()
        self.found: list[Finding] = []
        self.values = [
            Channel(name="boiler.pressure", unit="bar", value=1.25, at_age_s=2.0),
            Channel(name="door.open", unit="", value=False, at_age_s=3600.0),
        ]
        self.quarantined = 0
        self.page = Console(0.0, False, 8443)
        self.decided: list[tuple[str, bool, str]] = []
        self.waiting = 3
        self.watched_s = 0.0
        self.surveyed = BleSurvey(True, True, "scanning on hci0")
        self.serial = SerialSurveyed(None, None, "", SerialSurvey([], []))
        self.header = GpioSurvey(3.0)
        self.reported = Report("{}", "00" * 64, "00" * 32)
        self.examined = SelfTest("never", "ok", "All is well.", __version__, [])
        self.taught: list[str] = []
        self.round_trips: list[bool] = []
        self.after = ""

    def status(self) -> Status:
        hurt = Part(name="ble", ready=self.ready, sentence="the adapter is there", fix="")
        if not self.ready:
            hurt = Part(name="ble", ready=False, sentence="no adapter", fix="Plug one in.")
        return Status(
            version="0.1.0",
            gateway="gw-1",
            site="Elm Street 5",
            uptime_s=7800.0,
            ready=self.ready,
            sentence="All is well: 2 channels, connected, nothing waits." if self.ready else "Bluetooth is missing.",
            parts=[Part(name="store", ready=True, sentence="on disk"), hurt],
            devices=[
                Device(name="boiler", readings=1200, faults=1, last_heard_s=2.0, ready=True, sentence="heard"),
                Device(name="door", readings=0, faults=0, last_heard_s=None, ready=True, sentence="waits"),
            ],
            rss_mb=34.24,
            cpu_s=12.3,
            clock_trusted=True,
            consent=["help_ready", "telemetry"],
            open_block_readings=12,
        )

    def queue(self) -> Queue:
        return Queue(
            lanes=[
                Lane("help", 0, 0, None, 0, 0, 0, 0),
                Lane("telemetry", self.waiting, 4096, 95.0, 7, 2, 1, self.quarantined),
            ],
            sent_events=41,
            sent_bytes=1_200_000,
        )

    def help(self) -> Help:
        return self.now

    def lamp(self) -> Lamp:
        return self.now.lamp

    def channels(self) -> Channels:
        return Channels(channels=self.values)

    async def press(self, hold_s: float) -> Help:
        self.held.append(hold_s)
        await asyncio.sleep(0)
        if hold_s >= 3.0:
            self.now = Help(state="RECEIVED", case=CASE, lamp=AMBER)
        return self.now

    async def play(self, ask: Play) -> Lamp:
        if self.now.case is not None:
            raise RefusedError("the lamp has something to say now", code="lamp_busy")
        self.played.append((ask.pattern, ask.seconds))
        return self.now.lamp

    async def cancel(self) -> Help:
        if self.now.case is None:
            raise RefusedError("there is no help request to cancel", code="none")
        self.now = IDLE
        return self.now

    def help_test(self) -> HelpTest:
        return self.told_test()

    async def start_help_test(self) -> HelpTest:
        return await self.started_test()

    def told_test(self) -> HelpTest:
        return HelpTest("never", "The way to the desk was never tested.")

    async def started_test(self) -> HelpTest:
        raise RefusedError("there was a test a moment ago", code="too_soon")

    async def answer(self, ask: Answer) -> Help:
        self.said.append((ask.question, ask.answer, ask.by))
        if self.now.case is None or self.now.case.question is None:
            raise RefusedError("the desk asks nothing now", code="no_question")
        self.now = structs.replace(self.now, case=structs.replace(self.now.case, question=None))
        return self.now

    async def say(self, text: str) -> Help:
        if self.now.case is None:
            raise RefusedError("there is no open help request to write to", code="no_case")
        notes = [*self.now.case.notes, Note("household", text, 1_700_000_020.0)]
        self.now = structs.replace(self.now, case=structs.replace(self.now.case, notes=notes))
        return self.now

    def selftest(self) -> SelfTest:
        return self.examined

    async def start_selftest(self, ask: Examine) -> SelfTest:
        if self.examined.outcome == "running":
            raise RefusedError("a self-test is running already", code="running")
        self.round_trips.append(ask.round_trip)
        self.examined = structs.replace(self.examined, outcome="done")
        return structs.replace(self.examined, outcome="running", results=[])

    async def report(self) -> Report:
        return self.reported

    def metrics(self) -> str:
        return '# HELP edge_agent_info The version.\n# TYPE edge_agent_info gauge\nedge_agent_info{version="1"} 1\n'

    def config_in_force(self) -> InForce:
        return InForce({"broker": {"host": "broker.example", "port": 8883}})

    def log(self, ask: Tail) -> Log:
        return Log(2, ["one", "two"][-ask.lines :])

    def raw(self, ask: OfDevice) -> Raw:
        if ask.device != "boiler":
            raise RefusedError(f"no device is called {ask.device!r}", code="no_device", fix="Ask for boiler.")
        return Raw("boiler", self.watched_s, [Frame(0.5, "in", "0a0d", 2)])

    async def watch(self, ask: Watch) -> Raw:
        self.watched_s = ask.seconds
        return self.raw(OfDevice(ask.device))

    def survey_ble(self) -> BleSurvey:
        return self.surveyed

    async def start_survey_ble(self, ask: SurveyBle) -> BleSurvey:
        if self.surveyed.configured:
            self.surveyed = structs.replace(self.surveyed, left_s=ask.seconds)
        return self.surveyed

    def survey_serial(self) -> SerialSurveyed:
        return self.serial

    async def start_survey_serial(self, ask: SurveySerial) -> SerialSurveyed:
        if self.serial.left_s is not None:
            raise RefusedError("a survey is running already", code="running", fix="Wait for its end.")
        self.serial = structs.replace(self.serial, left_s=ask.seconds)
        return self.serial

    def survey_gpio(self) -> GpioSurvey:
        return self.header

    async def start_survey_gpio(self, ask: SurveyGpio) -> GpioSurvey:
        return structs.replace(self.header, left_s=ask.seconds)

    def consent(self) -> Consent:
        return Consent([Purpose("telemetry", True, "readings go out", False, "page", 1_700_000_000.0)], "Help always.")

    async def decide(self, ask: Decide) -> Consent:
        if ask.purpose != "telemetry":
            raise RefusedError("there is no such purpose", code="purpose")
        self.decided.append((ask.purpose, ask.granted, ask.by))
        return self.consent()

    def console(self) -> Console:
        return structs.replace(self.page, pin="")

    async def open_console(self, ask: OpenConsole) -> Console:
        if ask.seconds == 0.0:
            self.page = Console(0.0, False, self.page.port)
        elif not ask.look:
            self.page = Console(ask.seconds or 900.0, ask.lan, self.page.port, "command", "042195")
        if not ask.look:
            for each in self.listeners:
                each.put_nowait(Live("console", self.console()))
        return self.page

    async def listen(self, kinds: Collection[str], after: str = "") -> AsyncIterator[Live]:
        mine: asyncio.Queue[Live | None] = asyncio.Queue(100)
        self.asked, self.after = set(kinds), after
        self.listeners.add(mine)
        try:
            while (event := await mine.get()) is not None:
                yield event
        finally:
            self.listeners.discard(mine)


class House:
    """The agent, its socket, its counts, and the loop it lives on."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.agent = MadeUpAgent()
        self.counts = Counts()
        self.loop = asyncio.new_event_loop()

    def emit(self, event: Live | None) -> None:
        """Tell everybody who listens, from the test's thread; None ends their stream."""

        def tell() -> None:
            for listener in self.agent.listeners:
                listener.put_nowait(event)

        self.loop.call_soon_threadsafe(tell)

    def dial(self) -> socket.socket:
        """A bare connection."""
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(5.0)
        sock.connect(str(self.path))
        return sock

    def say(self, words: bytes) -> bytes:
        """The whole answer to these bytes."""
        with self.dial() as sock:
            with suppress(BrokenPipeError):
                sock.sendall(words)
            return everything(sock)


def everything(sock: socket.socket) -> bytes:
    """All until the end; Linux ends with a reset where the server did not read all that was sent."""
    heard = b""
    with suppress(ConnectionResetError):
        while piece := sock.recv(65536):
            heard += piece
    return heard


@contextmanager
def house_at(path: Path) -> Iterator[House]:
    house = House(path)
    task = house.loop.create_task(serve(house.agent, path, house.counts))
    thread = threading.Thread(target=house.loop.run_forever)
    thread.start()
    try:
        until(lambda: can_connect(path))
        until(lambda: house.counts.left > 0)  # the probe that found it up
        house.counts.left = 0
        yield house
    finally:
        house.loop.call_soon_threadsafe(task.cancel)
        asyncio.run_coroutine_threadsafe(asyncio.wait({task}), house.loop).result(5.0)
        house.loop.call_soon_threadsafe(house.loop.stop)
        thread.join(5.0)
        house.loop.run_until_complete(house.loop.shutdown_asyncgens())
        house.loop.run_until_complete(house.loop.shutdown_default_executor())
        left = asyncio.all_tasks(house.loop)
        house.loop.close()
        assert not left, "the server ends all it began"


def can_connect(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(str(path)) == 0


def until(true, within_s: float = 5.0) -> None:
    """Wait until the condition holds; fail when it does not in time."""
    for _ in range(int(within_s / 0.01)):
        if true():
            return
        threading.Event().wait(0.01)
    pytest.fail("it did not come true in time")


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    with house_at(tmp_path / "run" / "control.sock") as found:
        yield found


@pytest.fixture
def ask(house, capsys):
    """Run a command against the made-up agent: exit code and what it printed."""

    def run(*words: str):
        code = cli.main([*words, "--socket", str(house.path)])
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return run


def plain(block: str) -> str:
    return textwrap.dedent(block).lstrip("\n")
