"""The page on site, as far as the agent has to do with it: who may look, and until when."""

from edge_agent.control import types
from edge_agent.view.seen import Seen


class ConsoleView(Seen):
    """The door of the page."""

    __slots__ = ()

    def console(self) -> types.Console:
        """How it stands, without its PIN: for all who may look."""
        found = self.door.doorway
        port = self.config.console.port
        if found is None:
            return types.Console(0.0, False, port)
        return types.Console(round(self.door.left_s(), 1), found.lan, port, found.by)

    async def open_console(self, ask: types.OpenConsole) -> types.Console:
        """Open it, shut it, or only look: with its PIN, for those who may open it."""
        if ask.seconds == 0.0:
            self.door.shut("command")
        elif not ask.look:
            seconds = 60.0 * self.config.console.minutes if ask.seconds is None else ask.seconds
            self.door.open("command", lan=ask.lan, seconds=seconds)
        found, told = self.door.doorway, self.console()
        told.pin = found.pin if found else ""
        return told
