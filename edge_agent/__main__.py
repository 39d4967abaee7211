"""`python -m edge_agent` is `edge-agent`."""

import sys

from edge_agent.console.cli import main

sys.exit(main())
