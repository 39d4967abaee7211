"""Pulses of meters on a GPIO line."""
