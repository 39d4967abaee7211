"""What the agent does between its adapters, which it knows only by core.ports."""
