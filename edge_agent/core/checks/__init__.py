"""Checks: pure functions with state over one channel; one file a check."""
