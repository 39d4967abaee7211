"""What the views look at, as `app` hands it to them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edge_agent.config.model import Config
from edge_agent.core.health import Health
from edge_agent.core.ports import Clock
from edge_agent.drivers.registry import Hardware
from edge_agent.examine import Examiner
from edge_agent.found import Found
from edge_agent.hub import Hub
from edge_agent.services.button import ButtonReader
from edge_agent.services.consents import Consents
from edge_agent.services.door import Door
from edge_agent.services.helptest import HelpTest
from edge_agent.services.indicator import Arbiter
from edge_agent.services.mayday import Help
from edge_agent.services.sampling import Sampling
from edge_agent.store.outbox import Outbox
from edge_agent.store.signing import Signer
from edge_agent.surveying import SerialSurveys
from edge_agent.texts import Texts
from edge_agent.uplink.drain import Drain


@dataclass(frozen=True, slots=True)
class Seen:
    """`health` gives every part's name and health, the most important first; `ways` those of the other ways."""

    gateway: str
    site: str
    consents: Consents
    door: Door
    clock: Clock
    outbox: Outbox
    sampling: Sampling
    config: Config
    hardware: Hardware
    found: Found
    help_service: Help
    button: ButtonReader
    arbiter: Arbiter
    drain: Drain
    hub: Hub
    test: HelpTest
    examiner: Examiner
    serial_surveys: SerialSurveys
    signer: Signer
    texts: Texts
    health: Callable[[], Sequence[tuple[str, Health]]]
    ways: Callable[[], Sequence[tuple[str, Health]]]
    started_at: float
