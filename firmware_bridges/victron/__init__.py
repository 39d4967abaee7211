"""Victron Instant Readout, encrypted advertisements."""
