"""What the edges of a line came to: told by the agent of those that it has, by a console of those that it has seen."""

from edge_agent.control.types import GpioBurst, GpioLine, GpioVerdict
from edge_agent.core.bounce import Edge, bursts_of, judge


def examine(line: GpioLine) -> None:
    """Set `bursts` and `verdict` by the edges and the level that it has."""
    active_high = line.active == "high"
    seen = [Edge(edge.at_ms, edge.high) for edge in line.edges]
    found = bursts_of(seen, active_high=active_high, counts=line.kind == "pulses", debounce_ms=line.debounce_ms)
    verdict = judge(found, line.debounce_ms, active=line.high == active_high)
    numbers = [edge.number for edge in line.edges]
    line.bursts = [
        GpioBurst(
            move=burst.move,
            first=numbers[burst.first],
            last=numbers[burst.last],
            edges=burst.edges,
            at_ms=burst.at_ms,
            long_ms=round(burst.long_ms, 3),
            glitch_ms=round(burst.glitch_ms, 3),
            rests_ms=round(burst.false_rest_ms, 3),
            lost=burst.lost,
        )
        for burst in found
    ]
    line.verdict = GpioVerdict(verdict.opinion, round(verdict.bounced_ms, 3), verdict.advised_ms)
