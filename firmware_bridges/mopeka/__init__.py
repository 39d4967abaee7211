"""Mopeka tank sensors, advertisements."""
