"""The agent's figures as Prometheus text, format 0.0.4. Values of labels are bounded by configuration or by a table."""

from collections.abc import Iterable, Iterator

from edge_agent import __version__
from edge_agent.core.finding import FindingState, Severity
from edge_agent.core.selftest import Verdict
from edge_agent.view.state import StateView, severity_of

Labels = dict[str, str]
Row = tuple[Labels, float | None]
_COUNTER, _GAUGE = "counter", "gauge"
# Name, kind, help, and the field of control.types.Lane.
_OF_LANES = (
    ("events", _GAUGE, "Messages that wait.", "events"),
    ("bytes", _GAUGE, "What they take.", "bytes"),
    ("oldest_seconds", _GAUGE, "How long the oldest waits.", "oldest_s"),
    ("in_flight_events", _GAUGE, "Sent, and not yet acknowledged.", "in_flight"),
    ("withheld_events", _GAUGE, "Held back for want of consent.", "withheld"),
    ("dropped_events_total", _COUNTER, "Given up for want of space or by damage.", "dropped"),
    ("quarantined_events_total", _COUNTER, "Put aside: they failed again and again.", "quarantined"),
)


class MetricsView(StateView):
    """All figures at once."""

    __slots__ = ()

    def metrics(self) -> str:
        """The text. Names follow prometheus.io/docs/practices/naming: base units, and counters end in _total."""
        return "".join((*self._process(), *self._conditions(), *self._devices_told(), *self._outbox(), *self._rest()))

    def _process(self) -> Iterator[str]:
        status = self.status()
        yield _family("edge_agent_info", _GAUGE, "The version that runs.", [({"version": __version__}, 1)])
        yield _one("edge_agent_uptime_seconds", _GAUGE, "Since the agent was started.", status.uptime_s)
        yield _one("process_resident_memory_bytes", _GAUGE, "Memory of the process.", round(status.rss_mb * 1e6))
        yield _one("process_cpu_seconds_total", _COUNTER, "Processor time of the process.", status.cpu_s)
        yield _one("edge_agent_ready", _GAUGE, "1: all is well.", status.ready)
        yield _one("edge_agent_clock_trusted", _GAUGE, "1: the clock is known to be right.", status.clock_trusted)

    def _conditions(self) -> Iterator[str]:
        rows: list[Row] = [
            ({"part": name, "severity": severity_of(name)}, ready) for name, ready in self._ready().items()
        ]
        yield _family("edge_agent_condition_ready", _GAUGE, "1: this part is as it should be.", rows)
        probes: list[Row] = [
            ({"probe": result.name}, result.found.verdict is Verdict.FAIL) for result in self.examiner.results
        ]
        yield _family("edge_agent_probe_failed", _GAUGE, "1: the last self-test found a fault here.", probes)

    def _ready(self) -> dict[str, bool]:
        """Of each part; of several with one name, whether all are."""
        found: dict[str, bool] = {}
        for name, health in self.health():
            found[name] = health.ready and found.get(name, True)
        return found

    def _devices_told(self) -> Iterator[str]:
        rows = self.status().devices
        name, told = "edge_agent_device_readings_total", "Readings of this device since the start."
        yield _family(name, _COUNTER, told, [({"device": row.name}, row.readings) for row in rows])
        name, told = "edge_agent_device_faults_total", "What this device said that could not be used."
        yield _family(name, _COUNTER, told, [({"device": row.name}, row.faults) for row in rows])
        name, told = "edge_agent_device_silence_seconds", "Since this device was heard last."
        yield _family(name, _GAUGE, told, [({"device": row.name}, row.last_heard_s) for row in rows])
        name, told = "edge_agent_device_ready", "1: this device can be reached."
        yield _family(name, _GAUGE, told, [({"device": row.name}, row.ready) for row in rows])

    def _outbox(self) -> Iterator[str]:
        queue = self.queue()
        for name, kind, told, field in _OF_LANES:
            rows: list[Row] = [({"lane": lane.name}, getattr(lane, field)) for lane in queue.lanes]
            yield _family(f"edge_agent_outbox_{name}", kind, told, rows)
        yield _one("edge_agent_sent_events_total", _COUNTER, "Acknowledged by the broker.", queue.sent_events)
        yield _one("edge_agent_sent_bytes_total", _COUNTER, "Their payload.", queue.sent_bytes)

    def _rest(self) -> Iterator[str]:
        counted = {(state, severity): 0 for state in FindingState for severity in Severity}
        for finding in self.found.register.findings():
            counted[finding.state, finding.severity] += 1
        rows: list[Row] = [
            ({"state": state.value, "severity": severity.value}, count) for (state, severity), count in counted.items()
        ]
        yield _family("edge_agent_findings", _GAUGE, "Findings that are remembered.", rows)
        case = self.help_service.case
        yield _one("edge_agent_help_open", _GAUGE, "1: a help request is open.", case is not None and case.open)
        yield _one("edge_agent_readings_total", _COUNTER, "All readings since the start.", self.sampling.readings)
        told = "Readings that are not yet on disk."
        yield _one("edge_agent_unsaved_readings", _GAUGE, told, self.sampling.open_readings)


def _one(name: str, kind: str, told: str, value: float) -> str:
    return _family(name, kind, told, [({}, value)])


def _family(name: str, kind: str, told: str, rows: Iterable[Row]) -> str:
    """A metric with its samples; one without a value (never heard) has no sample, one without samples is left out."""
    lines = [f"{name}{_labels(labels)} {_number(value)}\n" for labels, value in rows if value is not None]
    return "".join((f"# HELP {name} {told}\n# TYPE {name} {kind}\n", *lines)) if lines else ""


def _labels(labels: Labels) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return repr(float(value)) if isinstance(value, float) else str(int(value))
