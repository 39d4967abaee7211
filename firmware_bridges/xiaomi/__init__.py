"""Xiaomi sensors, advertisements in the MiBeacon format."""
