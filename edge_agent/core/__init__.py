"""The agent's words and decisions: no I/O and no clock; time is an argument."""
