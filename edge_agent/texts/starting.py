"""How a part is of which nothing is known yet."""

from edge_agent.core.health import Health
from edge_agent.texts import Said

STARTING = Health(False, Said("part.starting"))
