"""What a believed message of the desk says about a case."""

from edge_agent.core.command import DeskMessage
from edge_agent.core.mayday import DeskWord
from edge_agent.core.mayday_table import Signal
from edge_agent.core.wire import text_of

MAX_NAME = 80
_OF_TYPE = {
    "edge.help.received.v1": Signal.RECEIVED,
    "edge.help.engaged.v1": Signal.ENGAGED,
    "edge.help.resolved.v1": Signal.RESOLVED,
    "edge.help.message.v1": None,
    "edge.help.cancel_received.v1": None,
}


def is_known(message: DeskMessage) -> bool:
    """Whether a message of this type says anything about a case."""
    return message.type in _OF_TYPE


def through_of(message: DeskMessage) -> int:
    """Up to which sequence the desk has this case's messages; 0: it does not say."""
    through = message.data.get("through")
    return through if type(through) is int else 0


def word_of(message: DeskMessage) -> DeskWord | None:
    """A known message as core.mayday takes it, None for one that is not; what is not of its type is left out."""
    if not is_known(message):
        return None
    data = message.data
    promised = data.get("next_word_wall")
    return DeskWord(
        signal=_OF_TYPE[message.type],
        through=through_of(message),
        reference=text_of(data, "reference", MAX_NAME),
        receiver=text_of(data, "receiver", MAX_NAME),
        helper=text_of(data, "helper", MAX_NAME),
        text=text_of(data, "text"),
        next_word_wall=float(promised) if isinstance(promised, int | float) else None,
    )
