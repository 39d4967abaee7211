"""What the checks say."""

from edge_agent.control.types.base import Reply


class Finding(Reply):
    """What the checks say of a channel. `state` is pending, confirmed or cleared; `since_s` the age of that finding.

    `cause` is the `channel:kind` of the finding that explains it, empty where it stands for itself.
    """

    channel: str
    kind: str
    state: str
    severity: str
    sentence: str
    since_s: float
    count: int
    cause: str = ""


class Findings(Reply):
    """All findings that are remembered, the most severe first."""

    findings: list[Finding]
