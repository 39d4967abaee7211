"""Tyre pressure sensors, advertisements."""
