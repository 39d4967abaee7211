"""The errors that cross rooms. Each says whose fault it is and whether trying again can help."""


class AgentError(Exception):
    """Base of all. `fix` is what a person can do about it, in plain words; `retry` whether trying again can help."""

    retry = False

    def __init__(self, what: str, *, fix: str = "") -> None:
        super().__init__(what)
        self.fix = fix

    def __str__(self) -> str:
        what = super().__str__()
        if not self.fix:
            return what
        return f"{what} {self.fix}" if what.endswith((".", "?", "!")) else f"{what}. {self.fix}"


class ConfigError(AgentError):
    """The configuration is wrong; its author must change it."""


class DriverError(AgentError):
    """A port, adapter or line is missing or failed; the driver is tried again."""

    retry = True


class StoreError(AgentError):
    """The disk did not take or give back what was asked: a state, never an exit."""

    retry = True


class LinkError(AgentError):
    """The broker cannot be reached, closed the connection, or did not answer in time."""

    retry = True


class LinkRefusedError(LinkError):
    """The broker answered and said no (password, client id, quota). `reason` is its code's name.

    Trying again at once does not help, trying again later may: somebody may mend it on the other side.
    """

    def __init__(self, what: str, *, reason: str, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.reason = reason


class LinkBusyError(LinkError):
    """The other side takes nothing now and says when it may: in `after_s` seconds."""

    def __init__(self, what: str, *, after_s: float, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.after_s = after_s


class WireError(AgentError):
    """A message or frame cannot be read: its sender's fault; it is counted and put aside."""


class RefusedError(AgentError):
    """A down message was understood and not obeyed. `code` is one word for the reply."""

    def __init__(self, what: str, *, code: str, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.code = code
