"""Teltonika EYE sensors and the ELA Innovation pucks that are sold with them, advertisements."""
