"""How much a finding matters where nobody said so: by what the channel measures."""

from edge_agent.core.finding import Severity

# What hurts people, and what only wants a new battery. All else wants somebody to look.
_SAFETY = frozenset(
    {"alarm", "smoke", "gas", "gas_detected", "carbon_monoxide", "fall", "wet", "leak", "water", "heat", "panic"}
)
_CARE = frozenset({"battery", "battery_low", "rssi", "signal", "firmware"})
# A detector that says nothing is no fire.
_OF_THE_SENSOR = frozenset({"silent", "stuck", "learned"})


def usual_severity(channel: str, check: str) -> Severity:
    """Of a check of this kind on this channel."""
    quantity = channel.partition(".")[2]
    if quantity in _CARE:
        return Severity.NOTICE
    return Severity.ALARM if quantity in _SAFETY and check not in _OF_THE_SENSOR else Severity.WARNING
