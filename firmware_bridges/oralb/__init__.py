"""Oral-B toothbrushes, advertisements."""
