"""What the control socket sees of the agent: its parts in plain words. Reads everything, owns nothing."""

from collections.abc import AsyncIterator, Collection

from edge_agent.control import types
from edge_agent.view.consent import ConsentView
from edge_agent.view.engineer import EngineerView
from edge_agent.view.findings import FindingsView
from edge_agent.view.help import HelpView, lamp
from edge_agent.view.state import StateView

__all__ = ["View", "lamp"]


class View(StateView, FindingsView, HelpView, ConsentView, EngineerView):
    """The Agent that control.server serves, a class for each subject."""

    __slots__ = ()

    def listen(self, kinds: Collection[str], after: str = "") -> AsyncIterator[types.Live]:
        """What happens of these kinds from now on or, where `after` is the id of an event, from that on."""
        return self.hub.listen(kinds, after)
