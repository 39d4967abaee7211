"""Inkbird thermometers and meat thermometers, advertisements."""
