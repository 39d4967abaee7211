"""What goes wrong on either side of the control socket."""

from edge_agent.core.errors import AgentError


class ControlError(AgentError):
    """The socket cannot be opened, reached or understood; the sentence says which."""

    retry = True


class ControlRefusedError(ControlError):
    """The agent answered and said no. `status` is the HTTP status: 4xx is the asker's fault, 409 the state's."""

    retry = False

    def __init__(self, what: str, *, status: int, fix: str = "") -> None:
        super().__init__(what, fix=fix)
        self.status = status
