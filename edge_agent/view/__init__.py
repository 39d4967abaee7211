"""What the control socket sees of the agent: its parts in plain words. Reads everything, owns nothing."""

from collections.abc import AsyncIterator, Collection
from typing import TYPE_CHECKING

from edge_agent.control import types
from edge_agent.store.signing import Signer
from edge_agent.view.consent import ConsentView
from edge_agent.view.console import ConsoleView
from edge_agent.view.engineer import EngineerView
from edge_agent.view.findings import FindingsView
from edge_agent.view.gpio import GpioView
from edge_agent.view.help import HelpView, lamp
from edge_agent.view.metrics import MetricsView
from edge_agent.view.report import ReportView
from edge_agent.view.selftest import SelfTestView
from edge_agent.view.survey import SurveyView

if TYPE_CHECKING:
    from edge_agent.app import Agent

__all__ = ["View", "lamp", "view_of"]


class View(
    MetricsView,
    FindingsView,
    HelpView,
    ConsentView,
    ConsoleView,
    EngineerView,
    SurveyView,
    GpioView,
    SelfTestView,
    ReportView,
):
    """The Agent that control.server serves, a class for each subject."""

    __slots__ = ()

    def listen(self, kinds: Collection[str], after: str = "") -> AsyncIterator[types.Live]:
        """What happens of these kinds from now on or, where `after` is the id of an event, from that on."""
        return self.hub.listen(kinds, after)


def view_of(agent: "Agent") -> View:
    """What is to be seen of this agent, all of whose rooms are built."""
    return View(
        gateway=agent.gateway,
        site=agent.config.gateway.site,
        consents=agent.consents,
        door=agent.door,
        clock=agent.clock,
        outbox=agent.outbox,
        sampling=agent.sampling,
        config=agent.config,
        hardware=agent.hardware,
        found=agent.found,
        help_service=agent.help,
        button=agent.panel.button,
        arbiter=agent.panel.arbiter,
        drain=agent.reach.drain,
        hub=agent.hub,
        test=agent.beside.test,
        examiner=agent.beside.examiner,
        serial_surveys=agent.beside.serial_surveys,
        signer=Signer(agent.folder),
        texts=agent.panel.texts,
        health=agent.standing.health,
        ways=agent.standing.ways,
        started_at=agent.started_at,
    )
